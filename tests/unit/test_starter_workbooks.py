"""What is proposed for workbooks: the sheet, where its table begins, and what its cells are; read as proposed."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from kpisync.errors import SourceError
from kpisync.starter.formats import read_export
from tests.unit.starter_builders import came, saved, workbook
from tests.unit.workbook_bytes import ods, ods_cell, ods_row, xls, xls_row, xlsb, xlsb_row

DAY, NEXT = date(2026, 11, 18), date(2026, 11, 19)
HEAD = ("Line", "Day", "Scrap")
ROWS = (("L1", DAY, 17), ("L2", DAY, 9), ("L1", NEXT, 5.5))


def test_typed_dates_and_numbers_need_no_format(tmp_path: Path) -> None:
    found = came(tmp_path, saved(workbook(HEAD, *ROWS)))
    assert found.source == {}
    assert found.cells == [
        ["L1", DAY, 17],
        ["L2", DAY, 9],
        ["L1", NEXT, 5.5],
    ]
    assert "date: {column: Day}" in found.text
    assert "column: Scrap}" in found.text


def test_a_header_below_titles_is_found_by_its_names_and_a_line_break_in_one_is_a_blank(tmp_path: Path) -> None:
    found = came(tmp_path, saved(workbook(("Report",), (None,), ("Line", "Day", "Scrap\npieces"), *ROWS)))
    assert found.source == {"header": {"find": ["Line", "Day", "Scrap pieces"]}}
    assert [line for line, _ in found.rows] == [4, 5, 6]


def test_the_first_sheet_with_a_table_is_taken_and_the_others_are_named(tmp_path: Path) -> None:
    book = workbook(("About this report",), sheet="Info", Codes="hidden")
    for name in ("Scrap", "Plan"):
        for row in (HEAD, *ROWS):
            book.create_sheet(name) if name not in book.sheetnames else None
            book[name].append(row)
    found = came(tmp_path, saved(book))
    assert found.source == {"sheet": "Scrap"}
    assert "DECIDE: which sheet? Plan has a table too" in found.comments
    assert "hidden sheets: Codes" in found.comments
    assert len(found.rows) == 3


def test_a_workbook_with_one_sheet_needs_no_name_of_it(tmp_path: Path) -> None:
    assert "sheet:" not in came(tmp_path, saved(workbook(HEAD, *ROWS))).text


def test_text_numbers_in_a_workbook_are_read_by_their_separators(tmp_path: Path) -> None:
    found = came(tmp_path, saved(workbook(HEAD, ("L1", DAY, "1.204,5"), ("L2", DAY, 12), ("L2", NEXT, "0,884"))))
    assert found.source == {"decimal": ",", "thousands": "."}


def test_text_dates_in_a_workbook_get_their_format_and_real_ones_beside_them_are_read_too(tmp_path: Path) -> None:
    found = came(tmp_path, saved(workbook(HEAD, ("L1", "18.11.2026", 1), ("L2", DAY, 2), ("L1", "19.11.2026", 3))))
    assert 'date: {column: Day, format: "%d.%m.%Y"}' in found.text


def test_real_dates_with_a_time_of_day_ask_when_the_day_starts(tmp_path: Path) -> None:
    at = datetime(2026, 11, 20, 6, 0)  # noqa: DTZ001 - a workbook knows no zones
    found = came(tmp_path, saved(workbook(HEAD, *ROWS, ("L2", at, 4))))
    assert 'date: {column: Day, day_starts: "00:00"}' in found.text
    assert "DECIDE: it has a time of day" in found.comments


def test_serials_in_a_column_called_date_are_asked_about_with_both_readings(tmp_path: Path) -> None:
    found = came(tmp_path, saved(workbook(HEAD, ("L1", 46346, 1), ("L2", 46347, 2))))
    assert 'date: {column: Day, format: "excel"}' in found.text
    assert "DECIDE: Day: numbers: are they serials of Excel? 46346 (row 2) is then 2026-11-20" in found.comments


def test_numbers_of_that_size_in_another_column_are_no_serials(tmp_path: Path) -> None:
    found = came(tmp_path, saved(workbook(("Line", "Pieces"), ("L1", 46346), ("L2", 46347.5))))
    assert "excel" not in found.text.replace("type: excel", "")


def test_a_column_shown_as_per_cent_asks_for_a_factor_with_an_example(tmp_path: Path) -> None:
    book = workbook(("Line", "Day", "OEE", "Rate"), ("L1", DAY, 0.798, 0.5), ("L2", DAY, 0.8, 0.25))
    for cell in book["Data"]["C"][1:]:
        cell.number_format = "0.0%"
    found = came(tmp_path, saved(book))
    assert "OEE is shown as per cent: is scale: 100 to be added, so that 0.798 is sent as 79.8?" in found.comments
    assert "Rate is shown" not in found.comments


def test_an_error_in_a_cell_is_asked_about_and_proposed_as_no_value(tmp_path: Path) -> None:
    book = workbook(HEAD, *ROWS)
    for name, error in (("C2", "#DIV/0!"), ("C3", "#N/A")):
        book["Data"][name].value = error
        book["Data"][name].data_type = "e"
    found = came(tmp_path, saved(book))
    assert found.source == {"columns": {"Scrap": {"null": ["#DIV/0!", "#N/A"]}}}
    assert "DECIDE: Scrap has errors, #DIV/0! (row 2), #N/A (row 3)" in found.comments


def test_a_formula_without_a_value_is_asked_about_and_never_proposed_as_no_value(tmp_path: Path) -> None:
    found = came(tmp_path, saved(workbook(HEAD, *ROWS, ("L2", NEXT, "=SUM(C2:C4)"))))
    assert "DECIDE: formulas without a value, which nothing calculated, will be rejected, such as in row 5" in (
        found.comments
    )
    assert "null" not in found.source.get("columns", {}).get("Scrap", {})


def test_cells_merged_over_rows_are_filled_and_named(tmp_path: Path) -> None:
    book = workbook(HEAD, ("L1", DAY, 1), (None, NEXT, 2), ("L2", DAY, 3), (None, NEXT, 4))
    book["Data"].merge_cells("A2:A3")
    book["Data"].merge_cells("A4:A5")
    found = came(tmp_path, saved(book))
    assert found.source == {"merged": "fill"}
    assert "2 areas are merged over several rows, such as A" in found.comments
    assert [cells[0] for cells in found.cells] == ["L1", "L1", "L2", "L2"]


def test_a_merged_title_is_no_reason_to_fill_anything(tmp_path: Path) -> None:
    book = workbook(("Report",), ("",), HEAD, *ROWS)
    book["Data"].merge_cells("A1:C2")
    assert "merged" not in came(tmp_path, saved(book)).source


def test_blank_cells_that_continue_the_row_above_are_filled_down(tmp_path: Path) -> None:
    found = came(
        tmp_path,
        saved(
            workbook(
                ("Order", "Day", "Place", "Pieces"),
                ("A7", DAY, "good", 5),
                (None, None, "scrap", 1),
                ("A8", NEXT, "good", 6),
                (None, None, "scrap", 2),
            )
        ),
    )
    assert found.source == {"fill_down": ["Order", "Day"]}
    assert [cells[0] for cells in found.cells] == ["A7", "A7", "A8", "A8"]


def test_a_hidden_row_is_read_and_asked_about(tmp_path: Path) -> None:
    book = workbook(HEAD, *ROWS)
    book["Data"].row_dimensions[3].hidden = True
    found = came(tmp_path, saved(book))
    assert "DECIDE: hidden in Excel, and read all the same: row 3; hidden_rows: skip" in found.comments
    assert len(found.rows) == 3


def test_a_total_with_a_label_is_left_out_by_it(tmp_path: Path) -> None:
    found = came(tmp_path, saved(workbook(HEAD, *ROWS, ("Total", None, 31.5))))
    assert found.source == {"drop_rows": [{"column": "Line", "matches": "^Total$"}]}
    assert "row 5 is a total" in found.comments
    assert len(found.rows) == 3


def test_a_total_without_a_label_is_left_out_by_its_blank_key(tmp_path: Path) -> None:
    found = came(tmp_path, saved(workbook(HEAD, *ROWS, (None, None, 31.5))))
    assert found.source == {"require": ["Line"]}
    assert len(found.rows) == 3


def test_a_sheet_without_a_header_gets_names_and_a_question(tmp_path: Path) -> None:
    found = came(tmp_path, saved(workbook(*ROWS)))
    assert found.columns == ("column-1", "column-2", "column-3")
    assert "DECIDE: header: no line names the columns" in found.comments


def test_columns_before_the_first_with_cells_keep_their_place(tmp_path: Path) -> None:
    found = came(tmp_path, saved(workbook((None, *HEAD), *((None, *row) for row in ROWS))))
    assert [cells[1] for cells in found.cells] == ["L1", "L2", "L1"]


def test_codes_of_plants_are_no_numbers_to_be_sent(tmp_path: Path) -> None:
    found = came(tmp_path, saved(workbook(("Plant", "Day", "Scrap"), (1000, DAY, 1.5), (2000, DAY, 2.5))))
    assert "team: {column: Plant, lookup: teams}" in found.text
    assert "column: Plant}" not in found.text


CELLS = (("Line", "Scrap"), ("L1", 1.5), ("L2", "2,5"), ("Total", 4.0))


@pytest.mark.parametrize(
    "content",
    [
        xls(b"".join(xls_row(number, *cells) for number, cells in enumerate(CELLS, 1))),
        xlsb(b"".join(xlsb_row(number, *cells) for number, cells in enumerate(CELLS, 1))),
        ods(S="".join(ods_row(*map(ods_cell, cells)) for cells in CELLS)),
    ],
    ids=["xls", "xlsb", "ods"],
)
def test_all_kinds_of_workbooks_are_looked_at_alike(tmp_path: Path, content: bytes) -> None:
    found = came(tmp_path, content)
    assert found.source == {"decimal": ",", "drop_rows": [{"column": "Line", "matches": "^Total$"}]}
    assert found.cells == [["L1", 1.5], ["L2", "2,5"]]


def test_a_workbook_with_a_password_is_one_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "locked.xlsx"
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(SourceError, match="the workbook has a password"):
        read_export(str(file))


def test_an_empty_workbook_is_one_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "empty.xlsx"
    file.write_bytes(saved(workbook()))
    with pytest.raises(SourceError, match="no visible sheet has cells"):
        read_export(str(file))


def test_only_the_beginning_of_a_large_sheet_is_looked_at_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kpisync.starter.workbook.MOST_ROWS", 3)
    found = came(tmp_path, saved(workbook(HEAD, *ROWS, ("Total", None, 31.5))))
    assert "the file is large: what follows was found in its beginning" in found.comments
    assert len(found.rows) == 4
