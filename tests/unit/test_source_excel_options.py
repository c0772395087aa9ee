"""Which sheet is read, and which of its cells: sheet, range, hidden rows, merged cells."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from workbook_bytes import num, row, xlsx

from kpisync.errors import SourceError
from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.sources.excel import SPEC

SCOPE = Scope(date(2026, 11, 20))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(content: bytes, intake: Intake | None = None, **options: Any) -> tuple[str, list[list[object]]]:
    """The sheet's name, and its rows below the header."""
    Path("plan.xlsx").write_bytes(content)
    source = SPEC.build(SPEC.options.model_validate({"path": "plan.xlsx", **options}), Surroundings())
    (table,) = source.read(SCOPE, intake if intake is not None else Intake())
    return table.origin.rpartition("!")[2], [list(cells) for _, cells in table.rows]


def book(*names: str, hidden: tuple[str, ...] = (), fill: Callable[[Worksheet], None] | None = None) -> bytes:
    """Sheets with a header and a row with their own names."""
    made, held = openpyxl.Workbook(), io.BytesIO()
    del made["Sheet"]
    for name in names:
        sheet = made.create_sheet(name)
        sheet.append(["line", "scrap"])
        sheet.append([name, 5])
        if name in hidden:
            sheet.sheet_state = "hidden"
        if fill is not None:
            fill(sheet)
    made.save(held)
    return held.getvalue()


def refusal(content: bytes, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(content, **options)
    assert caught.value.where
    assert caught.value.hint
    return caught.value


# ---------------------------------------------------------------- sheet


def test_the_first_visible_sheet_is_read_by_default() -> None:
    assert read(book("Notes", "Scrap", "Other", hidden=("Notes",)))[0] == "Scrap"


@pytest.mark.parametrize(
    ("wanted", "found"), [("Scrap", "Scrap"), (3, "Other"), ("Oth*", "Other"), ("N[oa]tes", "Notes")]
)
def test_a_sheet_is_named_by_name_by_number_or_by_glob_hidden_or_not(wanted: str | int, found: str) -> None:
    assert read(book("Notes", "Scrap", "Other", hidden=("Notes",)), sheet=wanted)[0] == found


def test_a_number_in_quotes_is_a_name() -> None:
    assert read(book("2025", "2026"), sheet="2026")[0] == "2026"
    error = refusal(book("2025", "2026"), sheet=2026)
    assert error.what == "there is no sheet number 2026: the workbook has 2"
    assert 'sheet: "2026"' in str(error.hint)


def test_no_such_sheet_is_an_error_that_lists_them_and_names_the_nearest() -> None:
    error = refusal(book("Notes", "Scrap 2026", hidden=("Notes",)), sheet="Scrap 2025")
    assert error.what == "there is no sheet 'Scrap 2025'"
    assert error.where == "plan.xlsx"
    assert error.hint == "Did you mean 'Scrap 2026'? The sheets are 'Notes' (hidden), 'Scrap 2026'"


def test_a_glob_that_several_sheets_match_is_an_error_that_lists_them() -> None:
    error = refusal(book("Scrap_A", "Notes", "Scrap_B"), sheet="Scrap_*")
    assert error.what == "2 sheets match 'Scrap_*': 'Scrap_A', 'Scrap_B'"


def test_a_sheet_whose_name_another_one_contains_is_found_by_its_exact_name() -> None:
    assert read(book("Scrap", "Scrap 2"), sheet="Scrap")[0] == "Scrap"


def test_a_chart_sheet_is_no_table_and_not_the_first_sheet() -> None:
    content = xlsx(row(1, "a") + row(2, num(1)), kinds={"Chart": "chartsheet", "S": "worksheet"})
    assert read(content)[0] == "S"
    assert "chart" in refusal(content, sheet="Chart").what


@pytest.mark.parametrize("wanted", [0, -1, "", True, 1.5])
def test_a_sheet_is_a_name_or_a_number_from_one(wanted: object) -> None:
    with pytest.raises(ValueError, match="sheet"):
        SPEC.options.model_validate({"path": "plan.xlsx", "sheet": wanted})


# ---------------------------------------------------------------- range


GRID = xlsx("".join(row(n, *(f"{letter}{n}" for letter in "ABCDE")) for n in range(1, 7)))


@pytest.mark.parametrize(
    ("area", "header", "first", "count"),
    [
        ("B:D", ["B1", "C1", "D1"], ["B2", "C2", "D2"], 5),
        ("b3:c5", ["B3", "C3"], ["B4", "C4"], 2),
        ("$B$3:$C$5", ["B3", "C3"], ["B4", "C4"], 2),
        ("D4:E", ["D4", "E4"], ["D5", "E5"], 2),
        ("5:6", ["A5", "B5", "C5", "D5", "E5"], ["A6", "B6", "C6", "D6", "E6"], 1),
        ("A:XFD", ["A1", "B1", "C1", "D1", "E1"], ["A2", "B2", "C2", "D2", "E2"], 5),
    ],
)
def test_nothing_outside_of_the_range_is_read(area: str, header: list[str], first: list[str], count: int) -> None:
    Path("plan.xlsx").write_bytes(GRID)
    intake = Intake()
    source = SPEC.build(SPEC.options.model_validate({"path": "plan.xlsx", "range": area}), Surroundings())
    (table,) = source.read(SCOPE, intake)
    found = list(table.rows)
    assert (list(table.columns), list(found[0].cells), len(found)) == (header, first, count)
    assert intake.skipped["outside range"] == 6 - 1 - count
    assert found[0].line == int(first[0][1:]), "a row keeps its number"


@pytest.mark.parametrize("area", ["E:A", "B9:C3", "B", "B4", "B:4", "4:B", ":", "A1:XFE9", "0:5", "Scrap!A:B", ""])
def test_what_is_no_range_is_refused_with_the_configuration(area: str) -> None:
    with pytest.raises(ValueError, match=r"range|before it begins|larger than a sheet"):
        SPEC.options.model_validate({"path": "plan.xlsx", "range": area})


def test_a_range_that_holds_nothing_has_no_header() -> None:
    assert "no header" in refusal(GRID, range="H:K").what


# ---------------------------------------------------------------- hidden rows


def _hide(sheet: Worksheet) -> None:
    sheet.append(["L2", 7])
    sheet.row_dimensions[2].hidden = True
    sheet.column_dimensions["B"].hidden = True


def test_hidden_rows_are_read_by_default_and_hidden_columns_always() -> None:
    assert read(book("S", fill=_hide))[1] == [["S", 5.0], ["L2", 7.0]]


def test_hidden_rows_are_left_out_by_a_rule_where_the_job_says_so() -> None:
    intake = Intake()
    assert read(book("S", fill=_hide), intake, hidden_rows="skip")[1] == [["L2", 7.0]]
    assert intake.examples == {"hidden row": ["plan.xlsx!S:2"]}


# ---------------------------------------------------------------- merged cells


def _merge(sheet: Worksheet) -> None:
    for line in (["L2", 1], [None, 2], [None, 3]):
        sheet.append(line)
    sheet.merge_cells("A3:A4")


def test_a_merged_cell_has_its_value_once_by_default() -> None:
    assert [cells[0] for cells in read(book("S", fill=_merge))[1]] == ["S", "L2", "", ""]


def test_a_merged_area_is_filled_with_its_first_value_and_no_further() -> None:
    assert read(book("S", fill=_merge), merged="fill")[1] == [["S", 5.0], ["L2", 1.0], ["L2", 2.0], ["", 3.0]]


def test_a_merged_area_over_several_columns_is_filled_in_all_of_them() -> None:
    content = book("S", fill=lambda sheet: sheet.merge_cells("A2:B2"))
    assert read(content, merged="fill")[1] == [["S", "S"]]


def test_a_merged_area_beside_the_values_adds_none() -> None:
    content = book("S", fill=lambda sheet: sheet.merge_cells("B2:D3"))
    assert read(content, merged="fill")[1] == [["S", 5.0]]
    content = book("S", fill=lambda sheet: sheet.merge_cells("E1:F2"))
    assert read(content, merged="fill")[1] == [["S", 5.0]]


def test_a_merged_error_is_an_error_in_all_cells() -> None:
    data = row(1, "a", "b") + row(2, '<c t="e"><v>#N/A</v></c>', "x") + row(3, "", "y")
    content = xlsx(data, after='<mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells>')
    assert read(content, merged="fill")[1] == [["#N/A", "x"], ["#N/A", "y"]]


def test_a_merged_area_whose_first_row_is_hidden_or_outside_of_the_range_is_filled_all_the_same() -> None:
    def fill(sheet: Worksheet) -> None:
        _merge(sheet)
        sheet.row_dimensions[3].hidden = True

    assert read(book("S", fill=fill), merged="fill", hidden_rows="skip")[1][1] == ["L2", 2.0]
    assert read(book("S", fill=fill), merged="fill", range="A4:B9", header={"names": ["a", "b"]})[1][0] == ["L2", 2.0]


def test_rules_for_lines_of_text_are_refused() -> None:
    with pytest.raises(ValueError, match="drop_rows"):
        SPEC.options.model_validate({"path": "plan.xlsx", "skip_lines_matching": ["^-"]})
