"""The oddities of real exports: where the table begins and ends, how it is cut, and what its columns are."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpisync.errors import SourceError
from kpisync.starter.formats import read_export
from tests.unit.starter_builders import column, looked, of_bytes, option, questions

EXPORTS = Path(__file__).parent.parent.parent / "config" / "demo" / "exports"


# ---------------------------------------------------------------- encodings


def test_a_byte_order_mark_decides_and_nothing_is_declared(tmp_path: Path) -> None:
    found = of_bytes(tmp_path, "Linie;Größe\nL1;1,5\n".encode("utf-8-sig"))
    assert option(found, "encoding") is None
    assert found.reading.header.names == ("Linie", "Größe")


@pytest.mark.parametrize("encoding", ["cp1252", "cp850"])
def test_an_eight_bit_encoding_is_known_by_words_that_only_it_reads(tmp_path: Path, encoding: str) -> None:
    found = of_bytes(tmp_path, "Linie;Größe\nL1;Stück\n".encode(encoding))
    assert option(found, "encoding") == encoding
    assert '"Größe"' in found.reading.options[0]


def test_an_en_dash_speaks_for_cp1252(tmp_path: Path) -> None:
    assert option(of_bytes(tmp_path, b"Name;Wert\nWerk \x96 Nord;1\n"), "encoding") == "cp1252"


def test_two_encodings_that_both_make_sense_are_left_to_a_person(tmp_path: Path) -> None:
    found = of_bytes(tmp_path, b"Name;Wert\nGer\xe4t;1\n")
    assert "cp850" in questions(found)[0]


def test_utf_16_without_a_mark_is_known_by_its_zero_bytes(tmp_path: Path) -> None:
    found = of_bytes(tmp_path, "Linie;Wert\nL1;1,5\n".encode("utf-16-le"))
    assert option(found, "encoding") == "utf-16-le"
    assert found.reading.header.names == ("Linie", "Wert")


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"\0" * 40, b"<!DOCTYPE html><html></html>\n", b""])
def test_what_is_no_text_table_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes(content)
    with pytest.raises(SourceError):
        read_export(str(file))


# ---------------------------------------------------------------- lines and cells


@pytest.mark.parametrize("mark", [";", ",", "|", "\t"])
def test_the_delimiter_is_what_cuts_all_lines_alike(mark: str) -> None:
    found = looked(mark.join(("Line", "Day", "Scrap")), mark.join(("L1", "2026-11-18", "177")))
    assert option(found, "delimiter") == ("tab" if mark == "\t" else f'"{mark}"')


def test_a_decimal_comma_is_no_delimiter() -> None:
    found = looked("Linie;Ausschuss", "L1;1,5", "L2;2,5")
    assert option(found, "delimiter") == '";"'


def test_a_sep_line_is_obeyed_and_is_no_header() -> None:
    found = looked("sep=;", "Linie;Ausschuss", "L1;1,5")
    assert option(found, "delimiter") is None
    assert found.reading.header.names == ("Linie", "Ausschuss")
    assert column(found, "Ausschuss").cells == {"1,5": "line 3"}


def test_delimiters_and_quotes_inside_names_stay_there() -> None:
    found = looked("Kunde;Wert", '"Müller;Meier OHG";1', '"ACME ""Best"" Corp.";2')
    assert list(column(found, "Kunde").cells) == ["Müller;Meier OHG", 'ACME "Best" Corp.']


def test_a_quote_that_is_never_closed_is_left_to_a_person() -> None:
    found = looked("Kunde;Wert", '12" Rohr;1', '"Rohr;2')
    assert option(found, "quote") == "none"
    assert questions(found)


def test_a_last_line_without_a_line_break_is_noticed() -> None:
    assert option(looked("a;b", "1;2", cut=True), "last_line") == "accept"
    assert option(looked("a;b", "1;2"), "last_line") is None


# ---------------------------------------------------------------- the header


def test_a_header_below_titles_and_blank_lines_is_found_by_its_names() -> None:
    found = looked(
        "10.01.2026\tDynamic List Display",
        "",
        "",
        "\t\tPlant\t      Unrestricted\t\tDate",
        "",
        "\t\tP1\t1.234,5\t\t20.11.2026",
        "",
        "\t\tP2\t7,25\t\t21.11.2026",
    )
    assert found.reading.header.find == ("Plant", "Unrestricted", "Date")
    assert [each.address for each in found.columns if each.cells] == ["Plant", "Unrestricted", "Date"]
    assert found.columns[0].address == "@1"


def test_a_header_whose_names_occur_twice_is_found_by_its_line() -> None:
    header = looked("1,5", "Stop;Stop", "1;2").reading.header
    assert (header.at, header.find, header.row) == (1, (), 2)


def test_a_header_in_the_first_line_needs_no_search() -> None:
    assert looked("Line;Scrap", "L1;1").reading.header.find == ()


def test_a_table_without_a_header_gets_names_and_a_question() -> None:
    found = looked("L1;18.11.2026;177", "L2;18.11.2026;190")
    assert found.reading.header.at is None
    assert found.reading.header.names == ("column-1", "column-2", "column-3")
    assert found.reading.header.notes[0].startswith("DECIDE")


def test_columns_of_one_name_are_told_apart_by_their_numbers() -> None:
    found = looked("Order;Act.finish;Act.finish", "A1;07/25/2017;07:30:00", "A2;07/26/2017;08:00:00")
    assert [each.address for each in found.columns] == ["Order", "Act.finish#1", "Act.finish#2"]
    assert column(found, "Act.finish#1").kind == "date"
    assert column(found, "Act.finish#2").kind == "text"
    assert "2 columns are called Act.finish" in found.reading.header.notes[0]


def test_a_header_repeated_on_every_page_is_no_row() -> None:
    found = looked("Line;Scrap", "L1;1", "Line;Scrap", "L2;2")
    assert found.repeats == 1
    assert len(found.rows) == 2


def test_a_blank_cell_beyond_the_header_is_noticed() -> None:
    found = looked("Line;Scrap", "L1;1;", "L2;2;")
    assert found.trailing
    assert column(found, "Scrap").numbers is not None


# ---------------------------------------------------------------- rows


def test_rows_that_continue_the_row_above_are_recognised() -> None:
    found = looked(
        "Order;Day;Place;Pieces",
        "7;18.11.2026;good;5",
        ";;scrap;1",
        "8;19.11.2026;good;6",
        ";;scrap;2",
        "9;20.11.2026;good;1",
    )
    assert found.continued is not None
    assert (found.continued.width, found.continued.count, found.continued.line) == (2, 2, 3)


def test_a_total_with_a_label_is_no_data() -> None:
    found = looked("Line;Day;Pieces", "L1;18.11.2026;5", "L2;18.11.2026;6", "Summe;;11")
    assert found.totals is not None
    assert (found.totals.lines, found.totals.label) == ((4,), "Summe")
    assert list(column(found, "Line").cells) == ["L1", "L2"]


def test_totals_without_a_label_are_known_by_their_blank_first_column() -> None:
    found = looked("Line;Day;Pieces", "L1;18.11.2026;5", "L2;18.11.2026;6", ";;11", ";;11")
    assert found.totals is not None
    assert (found.totals.lines, found.totals.column) == ((4, 5), None)


def test_continuations_at_the_end_are_no_totals() -> None:
    found = looked("Order;Day;Pieces", "7;18.11.2026;5", ";;1", "8;19.11.2026;6", ";;2")
    assert found.totals is None


def test_rows_of_another_width_are_named() -> None:
    found = looked("Line;Scrap", "L1;1", "L2;2;3;4", "L3;3")
    assert "line 3 has 4" in found.notes[0]


# ---------------------------------------------------------------- real exports


@pytest.mark.parametrize(
    ("name", "encoding", "delimiter", "decimals", "continued"),
    [
        ("productions_client_de_cp1252", "cp1252", ";", {","}, 85),
        ("productions_client_default", None, ",", {"."}, 85),
        ("sales_with_lines_client_de_cp1252", "cp1252", ";", {","}, 185),
        ("sales_with_lines_client_default", None, ",", {"."}, 185),
        ("shipments_out_client_de_locale", None, ";", set[str](), None),
    ],
)
def test_a_real_export_is_seen_as_it_is(
    tmp_path: Path, name: str, encoding: str | None, delimiter: str, decimals: set[str], continued: int | None
) -> None:
    found = of_bytes(tmp_path, (EXPORTS / f"{name}.csv").read_bytes())
    assert (option(found, "encoding"), option(found, "delimiter")) == (encoding, f'"{delimiter}"')
    assert {each.numbers.decimal for each in found.columns if each.numbers and each.numbers.decimal} == decimals
    assert (found.continued.count if found.continued else None) == continued
    assert found.totals is None
    assert not questions(found)
