"""Text exports as ERP, MES and BI systems write them (T8 to T17, T19, T21, and the wide tables of X11).

Lists of SAP (T1 to T7, T18) and XML (T20) stand elsewhere, and so does what an archive holds.
"""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from csv_exports import came_of_text

from kpisync.errors import SourceError

FIVE = {"press 2026-11-19": 5}
SOUTH = "line;day;qty\nHalle – Süd;2026-11-19;5\n"
TAB = {"delimiter": "tab"}


def refusal(folder: Path, content: str | bytes, **source: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        came_of_text(folder, content, **source)
    assert caught.value.hint
    return caught.value


# ---------------------------------------------------------------- T8, T9: encodings


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (SOUTH.encode("cp1252"), "cp1252"),
        (SOUTH.encode("utf-8-sig"), None),
        (SOUTH.encode(), None),
        (("\ufeff" + SOUTH).encode("utf-16-le"), None),
    ],
    ids=["cp1252", "utf-8 with a mark", "utf-8", "utf-16 with a mark"],
)
def test_t8_the_encoding_is_declared_or_marked_or_utf_8(tmp_path: Path, content: bytes, encoding: str | None) -> None:
    assert came_of_text(tmp_path, content, encoding=encoding).numbers == {"south 2026-11-19": 5}


def test_t8_an_undeclared_encoding_is_an_error_that_names_the_candidates_and_what_they_read(tmp_path: Path) -> None:
    error = refusal(tmp_path, SOUTH.encode("cp1252"))
    assert (error.where or "").endswith("export.csv:2")
    assert error.what == "byte 0x96 at offset 19 is not utf-8, and no encoding is declared"
    assert "cp1252 reads 'Halle – Süd;2026-11-19;5'" in str(error.hint)


def test_t8_a_dash_of_cp1252_in_a_file_declared_as_latin_1_is_an_error(tmp_path: Path) -> None:
    error = refusal(tmp_path, SOUTH.encode("cp1252"), encoding="latin-1")
    assert "byte 0x96 is a control character" in error.what
    assert "cp1252" in str(error.hint)


@pytest.mark.parametrize("name", ["export.csv", "export.xls", "export.txt"])
def test_t9_marked_utf_16_with_tabs_is_read_whatever_the_name_says(tmp_path: Path, name: str) -> None:
    content = ("\ufeff" + SOUTH.replace(";", "\t")).encode("utf-16-le")
    assert came_of_text(tmp_path, content, name=name, **TAB).numbers == {"south 2026-11-19": 5}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<html><body><table>", "an HTML page (a login page?)"),
        (b'<?xml version="1.0"?><Workbook>', "an XML document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls, or one with a password)"),
    ],
)
def test_t9_what_is_no_text_table_is_refused_by_its_content(tmp_path: Path, content: bytes, kind: str) -> None:
    assert kind in refusal(tmp_path, content + b"\n", name="export.xls").what


# ---------------------------------------------------------------- T10: a line for Excel


def test_t10_a_sep_line_gives_the_delimiter_and_is_no_header(tmp_path: Path) -> None:
    text = "sep=|\r\nline|day|qty\r\nL1|2026-11-19|5\r\n"
    file = tmp_path / "export.csv"
    came = came_of_text(tmp_path, text, delimiter="|")
    assert came.numbers == FIVE
    assert came.intake.skipped == {"sep line": 1}
    assert [value.source for value in came.values] == [f"{file}:3"]


# ---------------------------------------------------------------- T11: DATEV

EXTF = ['"EXTF"', "700", "21", '"Buchungsstapel"', "13", "20261101083000000", "", '"RE"', '"kern"', '""', "1001"]
EXTF += ["4711", "20260101", "4", "20261101", "20261130", '"Buchungen 11/2026"', '""', "1", "0", "0", '"EUR"']
EXTF += [""] * 9
FIELDS = ["Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "WKZ Umsatz", "Kurs", "Basis-Umsatz", "WKZ Basis"]
FIELDS += ["Konto", "Gegenkonto (ohne BU-Schlüssel)", "BU-Schlüssel", "Belegdatum", "Belegfeld 1", "Belegfeld 2"]
FIELDS += ["Skonto", "Buchungstext", *(f"Zusatzinformation {number}" for number in range(1, 107))]


def booking(amount: str, side: str, account: str, day: str, text: str) -> str:
    said = [amount, f'"{side}"', '"EUR"', "", "", '""', account, "1200", '""', day, '"R-1"', '""', "", f'"{text}"']
    return ";".join([*said, *[""] * 106])


def extf(*bookings: str) -> bytes:
    lines = [";".join(EXTF), ";".join(FIELDS), *bookings]
    return "".join(f"{line}\r\n" for line in lines).encode("cp1252")


DATEV: dict[str, Any] = {
    "encoding": "cp1252",
    "decimal": ",",
    "metadata": {"row": 1, "columns": {"period_from": 15, "period_to": 16}},
}
OF_MONTH = {
    "date": {"column": "period_from", "format": "%Y%m%d"},
    "team": "south",
    "values": [{"kpi": "revenue", "value": "actual", "column": FIELDS[0], "aggregate": "sum"}],
}
BOOKINGS = extf(
    booking("1234,56", "S", "8400", "0511", 'Erlöse; Kunde ""Süd""'),
    booking("100,00", "H", "8400", "3011", "Gutschrift – Rabatt"),
)


def test_t11_a_metadata_line_gives_columns_to_rows_whose_header_stands_below_it(tmp_path: Path) -> None:
    assert (len(EXTF), len(FIELDS)) == (31, 120)
    came = came_of_text(tmp_path, BOOKINGS, map=OF_MONTH, **DATEV)
    assert came.columns == (*FIELDS, "period_from", "period_to")
    assert (came.intake.read, came.rejects, came.intake.skipped) == (2, [], {"metadata": 1})


def test_t11_decimal_commas_and_quoted_delimiters_are_read_and_the_period_comes_from_the_metadata(
    tmp_path: Path,
) -> None:
    last_month = BOOKINGS.replace(b";20261101;20261130;", b";20261001;20261031;")
    came = came_of_text(tmp_path, last_month, map=OF_MONTH, **DATEV)
    assert came.numbers == {"revenue south 2026-10-01": Decimal("1334.56")}


def test_t11_days_without_a_year_have_the_year_of_the_metadata(tmp_path: Path) -> None:
    date = {"column": "Belegdatum", "format": "%d%m", "year": {"column": "period_from", "format": "%Y%m%d"}}
    value = {"kpi": "output", "value": "actual", "column": FIELDS[0]}
    came = came_of_text(tmp_path, BOOKINGS, value, map={"date": date, "team": "south"}, **DATEV)
    assert came.numbers == {"output south 2026-11-05": Decimal("1234.56"), "output south 2026-11-30": 100}


def test_t11_the_number_of_fields_is_checked_from_the_header_on(tmp_path: Path) -> None:
    came = came_of_text(tmp_path, BOOKINGS + b'5,00;"S"\r\n', map=OF_MONTH, **DATEV)
    assert [reject.split(":")[0] for reject in came.rejects] == ["5 field-count"]


def test_t11_without_its_metadata_the_line_would_be_the_header_and_that_is_an_error(tmp_path: Path) -> None:
    error = refusal(tmp_path, BOOKINGS, map=OF_MONTH, encoding="cp1252", decimal=",")
    assert "there is no column 'period_from'" in error.what


# ---------------------------------------------------------------- T12 to T15: quotes and delimiters

FOURTEEN = [f"c{number}" for number in range(1, 12)]


def test_t12_a_quote_that_swallowed_delimiters_is_reported_with_its_line_and_filled_up_by_nothing(
    tmp_path: Path,
) -> None:
    header = ";".join(["line", "day", "qty", *FOURTEEN])
    bad = 'L2;2026-11-19;7;"Rohr 3;x;y;z";' + ";".join("1" * 7)
    good = "L1;2026-11-19;5;" + ";".join("1" * 11)
    came = came_of_text(tmp_path, f"{header}\n{bad}\n{good}\n")
    assert came.numbers == FIVE
    assert came.rejects == [
        "2 field-count: the row has 11 cells and the header 14: none for column 12 (c9); the longest is "
        "'Rohr 3;x;y;z' in column 4 (c1). A delimiter or a quote may be missing or too many; correct the export"
    ]


def test_t12_a_quote_that_is_never_closed_is_an_error_at_its_line(tmp_path: Path) -> None:
    error = refusal(tmp_path, 'line;day;qty\nL1;2026-11-19;5\n"L2;2026-11-19;7\nL1;2026-11-18;5\n')
    assert (error.where or "").endswith("export.csv:3")
    assert "the quote that opens column 1 is not closed up to line 4" in error.what


def test_t12_a_closing_quote_too_early_is_an_error_at_its_line(tmp_path: Path) -> None:
    error = refusal(tmp_path, 'line;day;qty\n"L"1";2026-11-19;5\n')
    assert (error.where or "").endswith("export.csv:2")
    assert "column 1 goes on behind its closing quote" in error.what


def test_t12_a_raw_line_break_in_a_field_rejects_both_halves(tmp_path: Path) -> None:
    came = came_of_text(tmp_path, "line;day;qty\nL\n1;2026-11-19;5\nL1;2026-11-19;5\n")
    assert came.numbers == FIVE
    assert [reject.split(":")[0] for reject in came.rejects] == ["2 field-count", "3 unknown-team"]


def test_t13_a_delimiter_that_is_the_decimal_separator_too_is_told_apart_by_quotes(tmp_path: Path) -> None:
    text = 'line,day,qty\nL1,2026-11-19,"5,25"\nL2,2026-11-19,"1.234,5"\n'
    came = came_of_text(tmp_path, text, delimiter=",", decimal=",", thousands=".")
    assert came.numbers == {"press 2026-11-19": Decimal("5.25"), "paint 2026-11-19": Decimal("1234.5")}


def test_t13_without_the_quotes_the_row_is_rejected(tmp_path: Path) -> None:
    came = came_of_text(tmp_path, "line,day,qty\nL1,2026-11-19,5,25\n", delimiter=",", decimal=",")
    assert came.numbers == {}
    assert came.rejects == [
        "2 field-count: the row has 4 cells and the header 3: '25' lies beyond the last one, column 3 (qty). "
        "A delimiter or a quote may be missing or too many; correct the export"
    ]


def test_t14_delimiters_and_quotes_inside_a_name_belong_to_it(tmp_path: Path) -> None:
    text = 'line;day;qty\n"ACME ""Best""; Corp.";2026-11-19;5\n'
    assert came_of_text(tmp_path, text).numbers == {"south 2026-11-19": 5}


@pytest.mark.parametrize("last", [";;;", ";;", ";;;;;;", "  ; ;;"])
def test_t15_a_last_line_of_delimiters_is_a_blank_row_and_no_zero(tmp_path: Path, last: str) -> None:
    came = came_of_text(tmp_path, f"line;day;qty;\nL1;2026-11-19;5;\n{last}\n")
    assert came.columns == ("line", "day", "qty", "")
    assert (came.numbers, came.rejects, came.intake.skipped) == (FIVE, [], {"blank": 1})


def test_t15_a_last_line_of_delimiters_does_not_continue_the_row_above(tmp_path: Path) -> None:
    text = "line;day;qty;\nL1;2026-11-19;5;\n;;2;\n;;;\n"
    rows = {"kpi": "scrap", "value": "actual", "aggregate": "count"}
    came = came_of_text(tmp_path, text, rows, fill_down=["line", "day"])
    assert came.numbers == {"press 2026-11-19": 2}


def test_t15_an_unnamed_column_is_no_trouble_wherever_it_stands(tmp_path: Path) -> None:
    came = came_of_text(tmp_path, ";line;;day;qty;\n;L1;;2026-11-19;5;\nx;L2;;2026-11-19;7;note\n")
    assert came.numbers == {**FIVE, "paint 2026-11-19": 7}
    assert came.rejects == []


# ---------------------------------------------------------------- T16, T17: headers


def test_t16_the_rows_begin_behind_the_marker_of_the_template(tmp_path: Path) -> None:
    text = (
        '"Data Import Template",,\n"Please do not change the column headings.",,\n\n'
        '"line","day","qty"\n"Data","Date","Float"\n"Start entering data below this line",,\nL1,2026-11-19,5\n'
    )
    marker = "Start entering data below this line"
    came = came_of_text(tmp_path, text, delimiter=",", header={"find": ["line", "qty"]}, start_after=marker)
    assert (came.numbers, came.rejects) == (FIVE, [])
    assert came.intake.skipped == {"before the header": 3, "start_after": 2}


def test_t17_a_file_without_a_header_has_the_names_that_the_job_gives(tmp_path: Path) -> None:
    text = '"L1";"19.11.2026";"1.005,00"\r\n"L2";"19.11.2026";"7,50"\r\n'
    german = {"date": {"column": "day", "format": "%d.%m.%Y"}}
    header = {"names": ["line", "day", "qty"]}
    came = came_of_text(tmp_path, text, map=german, header=header, decimal=",", thousands=".")
    assert came.numbers == {"press 2026-11-19": 1005, "paint 2026-11-19": Decimal("7.5")}


# ---------------------------------------------------------------- T19, T21


def test_t19_a_zip_is_not_taken_for_a_table(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", SOUTH)
    assert "ZIP" in refusal(tmp_path, packed.getvalue()).what


def test_t21_an_apostrophe_against_formula_injection_is_removed_where_the_job_says_so(tmp_path: Path) -> None:
    text = "line;day;qty\nL1;2026-11-19;'-75.63\nL2;2026-11-19;12.5\n"
    came = came_of_text(tmp_path, text, strip_apostrophe=True)
    assert came.numbers == {"press 2026-11-19": Decimal("-75.63"), "paint 2026-11-19": Decimal("12.5")}


def test_t21_otherwise_it_is_rejected_with_the_option(tmp_path: Path) -> None:
    came = came_of_text(tmp_path, "line;day;qty\nL1;2026-11-19;'-75.63\n")
    assert came.rejects == [
        """2 bad-number: column qty: "'-75.63" begins with an apostrophe; """
        "if the export puts it there, declare strip_apostrophe: true"
    ]


# ---------------------------------------------------------------- X11: wide tables


def test_x11_a_column_for_each_day_has_its_date_in_its_name(tmp_path: Path) -> None:
    came = came_of_text(
        tmp_path,
        "line;18.11.2026;19.11.2026;\nL1;4;5;\nL2;;7;\n",
        unpivot={"keep": ["line"], "names_to": "day", "values_to": "qty"},
        map={"date": {"column": "day", "format": "%d.%m.%Y"}},
    )
    assert came.numbers == {"press 2026-11-18": 4, "press 2026-11-19": 5, "paint 2026-11-19": 7}


def test_x11_a_column_for_each_month_has_its_month_in_its_name(tmp_path: Path) -> None:
    came = came_of_text(
        tmp_path,
        "line;2026-09;2026-10\nL1;1.5;2\n",
        {"kpi": "revenue", "value": "actual", "column": "qty"},
        unpivot={"keep": ["line"], "names_to": "month", "values_to": "qty"},
        map={"date": {"column": "month", "format": "%Y-%m"}},
    )
    assert came.numbers == {"revenue press 2026-09-01": Decimal("1.5"), "revenue press 2026-10-01": 2}


def test_x11_a_column_for_each_kpi_has_its_kpi_in_its_name(tmp_path: Path) -> None:
    came = came_of_text(
        tmp_path,
        "line;day;Scrap;Output\nL1;2026-11-19;5;995\n",
        {"kpi": {"column": "kpi", "lookup": "kinds"}, "value": "actual", "column": "qty"},
        unpivot={"keep": ["line", "day"], "names_to": "kpi", "values_to": "qty"},
    )
    assert came.numbers == {**FIVE, "output press 2026-11-19": 995}


def test_x11_a_column_for_each_category_has_its_team_in_its_name(tmp_path: Path) -> None:
    came = came_of_text(
        tmp_path,
        "day;L1;L2\n2026-11-19;5;7\n",
        unpivot={"keep": ["day"], "names_to": "line", "values_to": "qty"},
    )
    assert came.numbers == {**FIVE, "paint 2026-11-19": 7}


def test_x11_a_column_that_is_no_day_is_rejected_with_its_name(tmp_path: Path) -> None:
    came = came_of_text(
        tmp_path,
        "line;19.11.2026;Total\nL1;5;12\n",
        unpivot={"keep": ["line"], "names_to": "day", "values_to": "qty"},
        map={"date": {"column": "day", "format": "%d.%m.%Y"}},
    )
    assert came.numbers == FIVE
    assert came.rejects == ["2 bad-date: column day: 'Total' is not a date of the format %d.%m.%Y"]
