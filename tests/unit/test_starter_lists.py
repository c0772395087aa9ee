"""What is proposed for SAP lists, lines of fixed width and DATEV's files; read as proposed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.starter_builders import Came, came

LIST = """\
20.11.2026                      Dynamische Listenausgabe                             1
--------------------------------------------------------------------------------------

Bestand je Werk

-------------------------------------------
|Werk |Datum     |Charge|          Menge|ME |
-------------------------------------------
|1000 |18.11.2026|A1    |       1.234,50|ST |
|1000 |19.11.2026|      |          12,00-|ST|
|2000 |19.11.2026|B7    |           0,00|   |
|*    |          |      |       1.222,50|   |
-------------------------------------------
"""


def test_rows_between_bars_are_an_sap_list_whose_header_the_source_finds(tmp_path: Path) -> None:
    found = came(tmp_path, LIST.encode())
    assert "type: sap-list" in found.text
    assert found.source == {"decimal": ",", "thousands": "."}
    assert [cells[3] for cells in found.cells] == ["1.234,50", "12,00-", "0,00"]
    assert "team: {column: Werk, lookup: teams}" in found.text
    assert 'date: {column: Datum, format: "%d.%m.%Y"}' in found.text


def test_lines_that_are_left_out_of_a_list_are_counted_by_their_rule(tmp_path: Path) -> None:
    assert "lines left out: ruler 4, no delimiter 2, blank 2, totals 1" in came(tmp_path, LIST.encode()).comments


def test_a_header_repeated_on_each_page_of_a_list_is_no_row(tmp_path: Path) -> None:
    page = "\n".join(LIST.splitlines()[5:11])
    found = came(tmp_path, f"{page}\n{page}\n{LIST.splitlines()[-1]}\n".encode())
    assert len(found.rows) == 6
    assert "header" not in found.source


def test_a_list_that_is_not_closed_by_a_ruler_asks_whether_it_is_cut(tmp_path: Path) -> None:
    found = came(tmp_path, LIST.rpartition("----\n")[0].rpartition("\n")[0].encode() + b"\n")
    assert found.source["last_line"] == "accept"
    assert "DECIDE: no ruler closes the list below this row" in found.comments


def test_bars_above_the_table_make_the_job_name_the_header(tmp_path: Path) -> None:
    box = "-------\n|Werk|\n|1000|\n-------\n"
    found = came(tmp_path, f"{box}{LIST}".encode())
    assert found.source["header"] == {"find": ["Werk", "Datum", "Charge"]}
    assert len(found.rows) == 3


TABS = (
    "20.11.2026\tListe\n\n\t\tWerk\t      Frei\t\tDatum\n\n"
    "\t\tP1\t1.234,5\t\t18.11.2026\n\n\t\tP2\t7,25\t\t19.11.2026\n"
)


def test_tabs_with_a_blank_column_before_them_are_an_sap_list(tmp_path: Path) -> None:
    found = came(tmp_path, TABS.encode("utf-16"), "export.xls")
    assert "type: sap-list" in found.text
    assert found.source == {"decimal": ",", "thousands": "."}
    assert [cells[2:4] for cells in found.cells] == [["P1", "1.234,5"], ["P2", "7,25"]]


def test_tabs_without_such_a_column_are_delimited_text(tmp_path: Path) -> None:
    found = came(tmp_path, b"Werk\tFrei\tDatum\nP1\t1,5\t18.11.2026\nP2\t7,25\t19.11.2026\n")
    assert found.source == {"delimiter": "\t", "decimal": ","}


def test_bars_that_only_separate_are_delimited_text(tmp_path: Path) -> None:
    assert came(tmp_path, b"Werk|Frei\nP1|1,5\nP2|7,25\n").source == {"delimiter": "|", "decimal": ","}


def test_rows_of_delimited_text_may_begin_and_end_with_blank_cells(tmp_path: Path) -> None:
    found = came(tmp_path, b"|Frei|\nP1|1,5|18.11.2026\nP2|7,25|19.11.2026\n|2|\n")
    assert "type: csv" in found.text


# ---------------------------------------------------------------- fixed width


def fixed(folder: Path, *above: str, rows: int = 30, remark: str = "see below") -> Came:
    """Line, date, pieces to the right, weight to the right, and a remark in each third row."""
    lines = [
        f"{'L' + '123'[: 1 + n % 3]:6}{1 + n % 28:02}.11.2026{n * 37 + 5:7}{n / 4 + 0.25:9.2f} "
        f"{remark if n % 3 == 0 else f'r{n}' if n % 3 == 1 else ''}".rstrip()
        for n in range(rows)
    ]
    return came(folder, "\n".join([*above, *lines, ""]).encode())


HEADER = "Line  Date       Pieces   Weight Remark"


def test_columns_are_where_all_lines_are_blank_between_them_and_take_the_words_above(tmp_path: Path) -> None:
    found = fixed(tmp_path, HEADER)
    assert "type: fixed-width" in found.text
    assert found.source["fields"] == {
        "Line": "1-6",
        "Date": "7-16",
        "Pieces": "17-23",
        "Weight": "24-32",
        "Remark": "34-",
    }
    assert (len(found.rows), found.intake.rejections) == (30, [])
    assert found.cells[1] == ["L12", "02.11.2026", "42", "0.50", "r1"]
    assert 'date: {column: Date, format: "%d.%m.%Y"}' in found.text


def test_lines_above_the_rows_are_left_out_up_to_the_last_of_them(tmp_path: Path) -> None:
    found = fixed(tmp_path, "Scrap by line   Plant 7", "", HEADER)
    assert found.source["start_after"] == "Line Date Pieces Weight Remark"
    assert len(found.rows) == 30


def test_rulers_among_lines_of_fixed_width_are_left_out(tmp_path: Path) -> None:
    found = fixed(tmp_path, HEADER, "----- ----------")
    assert "skip_lines_matching" in found.source
    assert (len(found.rows), found.intake.rejections) == (30, [])


def test_a_blank_within_a_phrase_is_no_border(tmp_path: Path) -> None:
    assert list(fixed(tmp_path, HEADER, remark="see below").source["fields"])[-1] == "Remark"


def test_columns_without_words_above_get_names_of_their_own(tmp_path: Path) -> None:
    found = fixed(tmp_path)
    assert list(found.source["fields"]) == [f"column-{n}" for n in range(1, 6)]
    assert "start_after" not in found.source


def test_lines_that_end_early_are_read_and_said(tmp_path: Path) -> None:
    found = fixed(tmp_path, HEADER)
    assert found.source["field_count"] == "lenient"
    assert "ends before column Remark does" in found.comments


def test_a_border_that_few_lines_show_is_left_to_a_person(tmp_path: Path) -> None:
    found = fixed(tmp_path, HEADER, rows=6)
    assert "DECIDE: is position 33 a border" in found.comments


@pytest.mark.parametrize(
    "content", ["Line, Day, Scrap\nL1, 18, 1\nL2, 19, 2\nL3, 20, 3\n", "just some words\nof prose\n" * 4]
)
def test_lines_that_a_comma_cuts_alike_and_prose_are_not_of_fixed_width(tmp_path: Path, content: str) -> None:
    assert "type: csv" in came(tmp_path, content.encode()).text


# ---------------------------------------------------------------- DATEV

EXTF = '"EXTF";700;21;"Buchungsstapel";13;20261101083000000;;"RE";"kern";"";1001;4711;20260701;4;20261101;20261130;"B"'
FIELDS = "Umsatz;Soll/Haben-Kennzeichen;Konto;Belegdatum;Buchungstext"
BOOKINGS = '1234,56;"S";8400;0511;"Erlöse"\r\n100,00;"H";8401;3001;"Gutschrift – Rabatt"\r\n'


def test_datev_takes_the_year_of_its_dates_from_the_line_above_its_header(tmp_path: Path) -> None:
    found = came(tmp_path, f"{EXTF}\r\n{FIELDS}\r\n{BOOKINGS}".encode("cp1252"))
    assert found.source["metadata"] == {"row": 1, "columns": {"year-begins": 13}}
    assert found.columns[-1] == "year-begins"
    assert 'date: {column: Belegdatum, format: "%d%m", year: {column: year-begins, format: "%Y%m%d"}}' in found.text


def test_debit_and_credit_are_no_teams_but_may_tell_a_sign(tmp_path: Path) -> None:
    found = came(tmp_path, f"{EXTF}\r\n{FIELDS}\r\n{BOOKINGS}".encode("cp1252"))
    assert "sign: {column: Soll/Haben-Kennzeichen, negative: [H], positive: [S]}" in found.comments
    assert "team: {column: Soll" not in found.text


def test_days_and_months_in_another_export_are_no_dates(tmp_path: Path) -> None:
    found = came(tmp_path, b"Belegdatum;Umsatz\n0511;1,5\n3001;2,5\n")
    assert "date: {column: DATE}" in found.text
