"""The other formats of workbooks: .xls, .xlsb and .ods say the same of a cell as .xlsx does."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from workbook_bytes import embedded_chart, ods, ods_cell, ods_row, xls, xls_row, xlsb, xlsb_row

from kpisync.errors import SourceError
from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.sources.excel import SPEC

SCOPE = Scope(date(2026, 11, 20))
ERRORS = [
    (0x00, "#NULL!"), (0x07, "#DIV/0!"), (0x0F, "#VALUE!"), (0x17, "#REF!"), (0x1D, "#NAME?"), (0x24, "#NUM!"),
    (0x2A, "#N/A"), (0x2B, "#GETTING_DATA"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(content: bytes, intake: Intake | None = None, **options: Any) -> list[tuple[int, list[object]]]:
    """Decided by content: none of these is called by its proper name."""
    Path("plan.xlsx").write_bytes(content)
    source = SPEC.build(SPEC.options.model_validate({"path": "plan.xlsx", **options}), Surroundings())
    (table,) = source.read(SCOPE, intake if intake is not None else Intake())
    return [(line, list(cells)) for line, cells in table.rows]


def refusal(content: bytes, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        rows(content, **options)
    assert caught.value.where
    assert caught.value.hint
    return caught.value


# ---------------------------------------------------------------- .xls


def old(*lines: bytes, **more: Any) -> bytes:
    return xls(xls_row(1, "line", "scrap", "target") + b"".join(lines), **more)


@pytest.mark.parametrize("small", [False, True])
def test_an_xls_is_read_whether_its_stream_is_long_or_short(small: bool) -> None:
    assert rows(old(xls_row(2, "L1", 5.5, 0.0), small=small)) == [(2, ["L1", 5.5, 0.0])]


@pytest.mark.parametrize(("code", "text"), ERRORS[:-1])
def test_an_error_in_an_xls_arrives_as_its_text(code: int, text: str) -> None:
    content = old(xls_row(2, "L1", bytes([code]), 1.0), xls_row(3, "L2", (code,), 2.0))
    assert rows(content) == [(2, ["L1", text, 1.0]), (3, ["L2", text, 2.0])]


def test_an_error_in_a_chart_within_a_sheet_is_none_of_its_cells() -> None:
    content = old(xls_row(2, "L1", 5.0, 1.0), embedded_chart(2), xls_row(3, "L2", b"\x2a", 1.0))
    assert rows(content) == [(2, ["L1", 5.0, 1.0]), (3, ["L2", "#N/A", 1.0])]


def test_hidden_rows_of_an_xls_are_left_out_where_the_job_says_so() -> None:
    content = old(xls_row(2, "L1", 5.0, 1.0, hidden=True), xls_row(3, "L2", 6.0, 1.0))
    intake = Intake()
    assert [line for line, _ in rows(content)] == [2, 3]
    assert [line for line, _ in rows(content, intake, hidden_rows="skip")] == [3]
    assert dict(intake.skipped) == {"hidden row": 1}


def test_the_1904_system_of_an_xls_counts() -> None:
    dated = xls_row(2, 46346.0, style=1)
    days = [rows(xls(xls_row(1, "day") + dated, date1904=system))[0][1][0] for system in (False, True)]
    assert days == [date(2026, 11, 20), date(2026, 11, 20) + timedelta(days=1462)]


def test_an_xls_with_a_password_is_refused() -> None:
    assert refusal(old(password=True)).what == "the workbook has a password"


def test_a_chart_sheet_of_an_xls_is_no_table() -> None:
    assert "chart" in refusal(old(kind=2), sheet=1).what


def test_a_long_xls_whose_table_of_sectors_goes_on_in_other_sectors_is_read() -> None:
    note = "x" * 1000
    lines = [xls_row(n, note, float(n), b"\x2a" if n == 3999 else 1.0) for n in range(2, 4000)]
    content = old(*lines)
    assert len(content) > 109 * 128 * 512
    assert rows(content)[-1] == (3999, [note, 3999.0, "#N/A"])


# ---------------------------------------------------------------- .xlsb


def binary(*lines: bytes) -> bytes:
    return xlsb(xlsb_row(1, "line", "scrap", "target") + b"".join(lines))


@pytest.mark.parametrize(("code", "text"), ERRORS)
def test_an_error_in_an_xlsb_arrives_as_its_text(code: int, text: str) -> None:
    content = binary(xlsb_row(2, "L1", bytes([code]), 1.0), xlsb_row(3, "L2", (code,), 2.0))
    assert rows(content) == [(2, ["L1", text, 1.0]), (3, ["L2", text, 2.0])]


def test_hidden_rows_of_an_xlsb_are_left_out_where_the_job_says_so() -> None:
    content = binary(xlsb_row(2, "L1", 5.0, 1.0, hidden=True), xlsb_row(3, "L2", 6.0, 1.0))
    assert rows(content, hidden_rows="skip") == [(3, ["L2", 6.0, 1.0])]


def test_a_long_xlsb_is_looked_at_to_its_end() -> None:
    lines = [xlsb_row(n, f"L{n}", float(n), b"\x2a" if n == 29_999 else 1.0) for n in range(2, 30_000)]
    assert rows(binary(*lines))[-1] == (29_999, ["L29999", 29_999.0, "#N/A"])


def test_merged_cells_are_not_known_of_an_xlsb() -> None:
    assert (
        refusal(binary(xlsb_row(2, "L1", 5.0, 1.0)), merged="fill").hint
        == "Save the workbook as .xlsx, or use fill_down"
    )


# ---------------------------------------------------------------- .ods


def libre(*cells: str, more: str = "") -> bytes:
    return ods(S=ods_row(*map(ods_cell, "abc")) + ods_row(*cells, more=more))


@pytest.mark.parametrize(
    "cell",
    [
        ods_cell("", 'table:formula="of:=1/0" calcext:value-type="error"', "#DIV/0!"),
        ods_cell(0, 'table:formula="of:=1/0" calcext:value-type="error"', "#DIV/0!"),
        ods_cell(0, 'table:formula="of:=1/0"', "#DIV/0!"),
        ods_cell(0, 'table:formula="of:=1/0"', "<office:annotation>a note</office:annotation>#DIV/0!"),
    ],
)
def test_an_error_in_an_ods_arrives_as_its_text_though_its_value_may_be_0(cell: str) -> None:
    assert rows(libre(ods_cell("x"), cell, ods_cell(2.5))) == [(2, ["x", "#DIV/0!", 2.5])]


def test_a_formula_without_a_value_in_an_ods_says_so() -> None:
    cell = '<table:table-cell table:formula="of:=SUM([.A1])"/>'
    assert rows(libre(ods_cell("x"), cell, ods_cell(2))) == [(2, ["x", "formula without a value", 2.0])]


def test_a_formula_of_an_ods_with_a_value_is_that_value() -> None:
    cell = ods_cell(42, 'table:formula="of:=6*7"')
    assert rows(libre(ods_cell("x"), cell, ods_cell("", 'table:formula="of:=A1"'))) == [(2, ["x", 42.0, ""])]


def test_an_error_in_another_sheet_of_an_ods_is_none_of_this_one() -> None:
    error = ods_cell(0, 'table:formula="of:=1/0"', "Err:502")
    content = ods(A=ods_row(ods_cell("a")) + ods_row(error), B=ods_row(ods_cell("a")) + ods_row(ods_cell(1)))
    assert rows(content, sheet="B") == [(2, [1.0])]
    assert rows(content, sheet="A") == [(2, ["Err:502"])]


def test_repeated_cells_and_rows_of_an_ods_are_repeated() -> None:
    error = ods_cell(0, 'table:formula="of:=1/0" table:number-columns-repeated="2"', "Err:502")
    found = rows(libre(ods_cell(1), error, more='table:number-rows-repeated="2"'))
    assert found == [(2, [1.0, "Err:502", "Err:502"]), (3, [1.0, "Err:502", "Err:502"])]


@pytest.mark.parametrize("state", ["collapse", "filter"])
def test_hidden_rows_of_an_ods_are_left_out_where_the_job_says_so(state: str) -> None:
    content = libre(ods_cell(1), ods_cell(2), ods_cell(3), more=f'table:visibility="{state}"')
    assert (len(rows(content)), len(rows(content, hidden_rows="skip"))) == (1, 0)


@pytest.mark.parametrize("count", ["1048577", "4294967296", "9" * 40])
def test_an_ods_whose_rows_are_repeated_without_bounds_is_refused_and_blank_ones_are_not(count: str) -> None:
    repeated = f'table:number-rows-repeated="{count}"'
    assert "reaches to" in refusal(libre(ods_cell(1), ods_cell(2), ods_cell(3), more=repeated)).what
    blank = ods_row("<table:table-cell/>", more='table:number-rows-repeated="1048574"')
    assert rows(ods(S=ods_row(ods_cell("a")) + ods_row(ods_cell(1)) + blank)) == [(2, [1.0])]


def test_each_sheet_of_an_ods_has_bounds_of_its_own() -> None:
    wide = ods_row(ods_cell(1, 'table:number-columns-repeated="16000"'))
    long = ods_row(ods_cell("a")) + ods_row(ods_cell(1), more='table:number-rows-repeated="2000"')
    assert len(rows(ods(A=wide, B=long), sheet="B")) == 2000
