"""Cells of a workbook: typed as they are stored, never a guess, and an error or a missing value is never a blank."""

# ruff: noqa: DTZ001 - cells have no zone

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbook_bytes import num, row, xlsx

from kpisync.model import Intake, NumberFormat, Scope, Table
from kpisync.ports import Rereadable, Surroundings
from kpisync.sources.excel import SPEC
from kpisync.sources.excel.package import PIECE
from kpisync.tables.numbers import BadNumber, parse_number

SCOPE = Scope(date(2026, 11, 20))
PLAIN = NumberFormat()
DATE, TIME, DURATION, PERCENT = 1, 2, 3, 4  # styles of the workbooks made by hand


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(content: bytes, intake: Intake | None = None, **options: Any) -> tuple[Table, list[tuple[int, list[object]]]]:
    Path("plan.xlsx").write_bytes(content)
    source = SPEC.build(SPEC.options.model_validate({"path": "plan.xlsx", **options}), Surroundings())
    (table,) = source.read(SCOPE, intake if intake is not None else Intake())
    return table, [(line, list(cells)) for line, cells in table.rows]


def rows(content: bytes, **options: Any) -> list[list[object]]:
    return [cells for _, cells in read(content, **options)[1]]


def written(sheet: Sequence[Sequence[object]]) -> bytes:
    book, held = openpyxl.Workbook(), io.BytesIO()
    for line in sheet:
        book.active.append(line)  # type: ignore[union-attr]
    book.save(held)
    return held.getvalue()


def second_row(*cells: str, **more: Any) -> list[object]:
    """Cells below a header, as they are read."""
    (found,) = rows(xlsx(row(1, *"abcdefgh"[: len(cells)]) + row(2, *cells), **more))
    return found


# ---------------------------------------------------------------- where a row comes from


def test_a_table_is_named_by_file_and_sheet_and_its_lines_are_the_rows_of_the_sheet() -> None:
    table, found = read(xlsx(row(3, "line", "scrap") + row(5, "L1", num(5)) + row(14, "L2", num(6))))
    assert (table.origin, table.columns) == ("plan.xlsx!S", ("line", "scrap"))
    assert found == [(5, ["L1", 5.0]), (14, ["L2", 6.0])]


def test_a_table_that_begins_in_another_column_keeps_the_positions_of_the_sheet() -> None:
    content = written([[None, None, "line", "scrap"], [None, None, "L1", 5]])
    assert rows(content, columns={"machine": {"from": "@3"}}) == [["", "", "L1", 5.0]]
    assert read(content, columns={"machine": {"from": "@3"}})[0].columns == ("", "", "machine", "scrap")


def test_what_stands_beside_a_table_that_begins_in_another_column_is_found_in_its_place() -> None:
    error, formula = '<c t="e"><v>#N/A</v></c>', "<c><f>D2</f></c>"
    content = xlsx(row(1, "", "", "line", "scrap") + row(2, "", formula, error, num(5)))
    assert rows(content, range="C:D") == [["#N/A", 5.0]]
    assert rows(content) == [["", "formula without a value", "#N/A", 5.0]]


def test_blank_rows_are_skipped_by_rule_and_every_row_is_accounted_for() -> None:
    intake = Intake()
    _, found = read(xlsx(row(1, "a") + row(2, "x") + row(4, "y")), intake)
    assert (len(found), intake.read, dict(intake.skipped)) == (2, 2, {"blank": 1})
    assert intake.examples == {"blank": ["plan.xlsx!S:3"]}


def test_its_hash_is_that_of_the_file_under_the_name_of_the_table() -> None:
    intake = Intake()
    read(xlsx(row(1, "a") + row(2, "x")), intake)
    source = SPEC.build(SPEC.options.model_validate({"path": "plan.xlsx"}), Surroundings())
    assert isinstance(source, Rereadable)
    assert source.hashes() == intake.origins
    assert list(intake.origins) == ["plan.xlsx!S"]


def test_several_workbooks_are_several_tables_in_the_order_of_their_names() -> None:
    for name in "ba":
        Path(f"{name}.xlsx").write_bytes(xlsx(row(1, name)))
    source = SPEC.build(SPEC.options.model_validate({"path": "*.xlsx"}), Surroundings())
    assert [table.columns for table in source.read(SCOPE, Intake())] == [("a",), ("b",)]


# ---------------------------------------------------------------- kinds of cells


def test_a_date_cell_is_a_date_and_one_with_a_time_of_day_a_datetime() -> None:
    assert second_row(num(46346, DATE), num(46346.25, DATE)) == [date(2026, 11, 20), datetime(2026, 11, 20, 6)]


def test_the_same_number_is_a_day_1462_days_later_in_a_workbook_of_the_1904_system() -> None:
    (found,) = second_row(num(46346, DATE), book='<workbookPr date1904="1"/>')
    assert isinstance(found, date)
    assert found - date(2026, 11, 20) == timedelta(days=1462)


def test_a_number_that_is_not_formatted_as_a_date_stays_a_number() -> None:
    assert second_row(num(46346)) == [46346.0]


def test_a_time_cell_is_a_time_and_a_duration_is_not_cut_at_midnight() -> None:
    assert second_row(num(0.5, TIME), num(1.5, DURATION)) == [time(12), timedelta(hours=36)]


def test_a_percent_cell_is_the_stored_number_and_nothing_is_scaled() -> None:
    assert second_row(num(0.798, PERCENT)) == [0.798]


def test_text_stays_text_and_its_zeros_stay() -> None:
    assert second_row("0001200", "0,884", "2026-11-20") == ["0001200", "0,884", "2026-11-20"]


def test_truth_values_are_no_numbers() -> None:
    assert second_row('<c t="b"><v>1</v></c>', '<c t="b"><v>0</v></c>') == [True, False]


def test_a_blank_cell_and_a_formula_with_an_empty_text_are_blank() -> None:
    assert second_row("x", "", '<c t="str"><f>IF(1,"","")</f><v></v></c>', num(1)) == ["x", "", "", 1.0]


def test_a_formula_is_the_value_that_was_stored_when_the_workbook_was_saved() -> None:
    assert second_row("<c><f>B2*2</f><v>42</v></c>", '<c t="str"><f>A1</f><v>L1</v></c>') == [42.0, "L1"]


cells = st.one_of(
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.integers(-(10**9), 10**9).map(lambda n: n / 1000),
    st.booleans(),
    st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("Cs", "Cc")), min_size=1).filter(
        lambda text: text.strip() and not text.startswith(("=", "#"))
    ),
    st.dates(date(1970, 1, 1), date(2199, 12, 31)),
    st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31)).map(lambda moment: moment.replace(microsecond=0)),
    st.none(),
)


@settings(deadline=None)
@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=5))
def test_every_cell_comes_back_as_it_was_written_and_in_its_place(sheet: list[tuple[object, ...]]) -> None:
    content = written([("a", "b", "c", "end"), *[(*line, "x") for line in sheet]])
    assert [list(map(_as_read, line)) for line in sheet] == [found[:3] for found in rows(content)]


def _as_read(cell: object) -> object:
    if cell is None:
        return ""
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date()
    return cell


@settings(deadline=None)
@given(st.decimals(-(10**9), 10**9, places=4))
def test_a_number_of_fifteen_digits_is_exact_to_its_last_digit(number: Decimal) -> None:
    (found,) = second_row(num(number))
    assert parse_number(found, PLAIN) == number


# ---------------------------------------------------------------- errors, and formulas without a value


ERRORS = ["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("quote", ['"', "'"])
def test_an_error_arrives_as_its_text_and_never_as_a_blank_or_a_number(error: str, quote: str) -> None:
    cell = f"<c t={quote}e{quote}><f>1/0</f><v>{error}</v></c>"
    assert second_row(num(1), cell, num(2)) == [1.0, error, 2.0]
    with pytest.raises(BadNumber, match=error.replace("?", r"\?")):
        parse_number(error, PLAIN)


@pytest.mark.parametrize(
    "cell", ["<c><f>A1</f><v></v></c>", "<c><f>A1</f></c>", '<c t="str"><f>A1</f></c>', "<c><f/></c>"]
)
def test_a_formula_without_a_value_says_so_and_is_no_number(cell: str) -> None:
    _, found = second_row(num(1), cell)
    assert found == "formula without a value"
    with pytest.raises(BadNumber, match="formula without a value"):
        parse_number(found, PLAIN)


def test_a_formula_that_a_library_wrote_has_no_value() -> None:
    assert rows(written([["a", "b"], [1, "=A2*2"]])) == [[1.0, "formula without a value"]]


def test_a_zero_that_a_library_stored_for_what_it_cannot_calculate_is_no_zero() -> None:
    never = '<calcPr fullCalcOnLoad="1"/>'
    cells = ("<c><f>B2/C2</f><v>0</v></c>", num(0), "<c><f>B2*2</f><v>84</v></c>")
    assert second_row(*cells, book=never) == ["formula without a value", 0.0, 84.0]
    assert second_row(*cells) == [0.0, 0.0, 84.0]


def test_a_sheet_that_ends_with_formulas_without_a_value_does_not_end_above_them() -> None:
    data = row(1, "a") + row(2, num(1)) + row(4, "<c><f>A2</f></c>") + row(5, "", "<c><f>A3</f></c>")
    intake = Intake()
    _, found = read(xlsx(data.replace('r="B5"', 'r="A5"')), intake)
    assert found == [(2, [1.0]), (4, ["formula without a value"]), (5, ["formula without a value"])]
    assert dict(intake.skipped) == {"blank": 1}


def test_an_error_is_found_wherever_it_stands_in_a_large_sheet() -> None:
    error = '<c t="e"><v>#N/A</v></c>'
    for at in (2, 2500, 4999):
        lines = [row(n, num(n), error if n == at else num(0.5)) for n in range(2, 5000)]
        found = rows(xlsx(row(1, "a", "b") + "".join(lines)))
        assert [n for n, (_, cell) in enumerate(found, 2) if cell == "#N/A"] == [at]


@pytest.mark.parametrize("shift", range(4))
def test_an_error_is_found_across_the_pieces_in_which_a_sheet_is_unpacked(shift: int) -> None:
    def content(padding: int) -> bytes:
        return xlsx(row(1, "a" * padding) + row(2, '<c t="e"><v>#N/A</v></c>'))

    part = zipfile.ZipFile(io.BytesIO(content(1))).read("xl/worksheets/sheet1.xml")
    assert rows(content(PIECE - part.index(b'"e"') - shift + 1)) == [["#N/A"]]


def test_errors_are_found_in_cells_without_a_name_and_under_a_prefix() -> None:
    nameless = "<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>1</v></c><c t='e'><v>#N/A</v></c></row>"
    assert rows(xlsx(nameless)) == [[1.0, "#N/A"]]
    prefixed = (
        '<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData>'
        '<x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row><x:row r="2"><x:c r="A2"><x:f>A1</x:f></x:c></x:row>'
        "</x:sheetData></x:worksheet>"
    )
    assert rows(xlsx(sheet=prefixed)) == [["formula without a value"]]


def test_errors_beyond_the_last_value_of_a_row_do_not_shift_its_cells() -> None:
    data = row(1, "a", "b", "c") + row(2, num(1), '<c t="e"><v>#REF!</v></c>') + row(3, "", "", num(3))
    assert rows(xlsx(data)) == [[1.0, "#REF!", ""], ["", "", 3.0]]


def test_null_tokens_decide_about_errors_as_about_any_text() -> None:
    table, _ = read(xlsx(row(1, "a") + row(2, '<c t="e"><v>#N/A</v></c>')), null=["#N/A"])
    assert parse_number("#N/A", table.numbers) is None
