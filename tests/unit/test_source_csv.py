"""CSV files as ERP, MES and BI systems write them are read as declared, and every line is accounted for."""

from __future__ import annotations

import csv
import gc
import hashlib
import io
import os
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpisync.errors import SourceError
from kpisync.model import Intake, Row, Scope, Table
from kpisync.ports import Surroundings
from kpisync.sources.csv import SPEC
from kpisync.tables.columns import find_column
from kpisync.tables.numbers import parse_number

EXPORTS = Path(__file__).parents[2] / "config/demo/exports"
SCOPE = Scope(date(2026, 11, 20))
ORDER_COLUMNS = [
    "Nummer",
    "Referenz",
    "Verkaufsdatum",
    "Unternehmen/Bezeichnung des Datensatzes",
    "Logistikstandort/Bezeichnung des Datensatzes",
    "Partei/Bezeichnung des Datensatzes",
    "Währung/Code",
    "Netto",
    "Status",
]
GERMAN = {"encoding": "cp1252", "delimiter": ";", "decimal": ","}
FILE_FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class Reading:
    """A file written, and what was read of it."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.intake = Intake()
        source = SPEC.build(SPEC.options.model_validate({"path": str(path), **options}), Surroundings())
        self.rows: list[Row] = []
        self.tables: list[Table] = []
        for table in source.read(SCOPE, self.intake):
            self.tables.append(table)
            self.rows += table.rows

    @property
    def cells(self) -> list[list[object]]:
        return [list(row.cells) for row in self.rows]

    def numbers(self, column: str) -> list[Decimal | None]:
        (table,) = self.tables
        index = find_column(table.columns, column, table.origin)
        fmt = table.column_numbers.get(table.columns[index], table.numbers)
        return [parse_number(row.cells[index], fmt) for row in self.rows]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "in.csv"


def read(file: Path, content: str | bytes, **options: Any) -> Reading:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return Reading(file, **options)


# ---------------------------------------------------------------- text exports


def test_a_header_search_passes_titles_and_empty_columns_and_padding(file: Path) -> None:
    text = "Stock list\t\t\n\n\t\tPlant\t      Unrestricted\t\tUnit\n\n\t\t1000\t5\t\tPC\n\n\t\t2000\t7\t\tPC\n"
    reading = read(file, text, delimiter="tab", header={"find": ["Plant", "Unrestricted"]})
    assert reading.tables[0].columns == ("", "", "Plant", "Unrestricted", "", "Unit")
    assert reading.numbers("Unrestricted") == [5, 7]


def test_a_blank_line_after_every_line_changes_nothing(file: Path) -> None:
    reading = read(file, "a;b\r\n\r\n1;2\r\n\r\n3;4\r\n\r\n", delimiter=";")
    assert [row.line for row in reading.rows] == [3, 5]
    assert reading.intake.skipped == {"blank": 3}


def test_duplicate_names_are_told_apart_by_their_number(file: Path) -> None:
    reading = read(file, "Act.finish,UoM,Act.finish\n2026-11-20,PC,14:43\n", columns={"time": {"from": "Act.finish#2"}})
    assert reading.tables[0].columns == ("Act.finish", "UoM", "time")


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("a,b\nGröße –,1\n".encode(), None),
        ("a,b\nGröße –,1\n".encode("utf-8-sig"), None),
        ("a,b\nGröße –,1\n".encode("utf-8-sig"), "utf-8"),
        ("a,b\nGröße –,1\n".encode("cp1252"), "cp1252"),
        ("\ufeffa,b\nGröße –,1\n".encode("utf-16-le"), None),
        ("\ufeffa,b\nGröße –,1\n".encode("utf-16-be"), "utf-16"),
        ("a,b\nGröße –,1\n".encode("utf-16-le"), "utf-16-le"),
        ("\ufeffa,b\nGröße –,1\n".encode("utf-32-le"), None),
    ],
)
def test_the_encoding_is_the_declared_one_or_that_of_the_mark_or_utf_8(
    file: Path, content: bytes, encoding: str | None
) -> None:
    reading = read(file, content, encoding=encoding)
    assert reading.tables[0].columns == ("a", "b")
    assert reading.cells == [["Größe –", "1"]]


def test_a_sep_line_gives_the_delimiter_and_is_no_header(file: Path) -> None:
    reading = read(file, "sep=;\r\na;b\r\n1;2\r\n")
    assert reading.tables[0].columns == ("a", "b")
    assert [row.line for row in reading.rows] == [3]
    assert reading.intake.skipped == {"sep line": 1}


def test_a_delimiter_that_is_also_the_decimal_separator_is_told_apart_by_quotes(file: Path) -> None:
    assert read(file, 'a,b\n"1,5","2"\n', decimal=",").numbers("a") == [Decimal("1.5")]


def test_quotes_and_delimiters_inside_a_name_belong_to_it(file: Path) -> None:
    reading = read(file, 'a;b\n"ACME ""Best""; Corp.";1\n', delimiter=";")
    assert reading.cells == [['ACME "Best"; Corp.', "1"]]


def test_a_last_line_of_delimiters_is_a_blank_row(file: Path) -> None:
    reading = read(file, "a;b;\n1;2;\n;;\n", delimiter=";")
    assert reading.cells == [["1", "2", ""]]
    assert reading.intake.skipped == {"blank": 1}


def test_data_begin_after_a_marker_line(file: Path) -> None:
    text = "Notes,,\nDo not edit,,\nStart entering data below this line,,\nline,day,qty\nL1,2026-11-20,5\n"
    assert read(file, text, start_after="Start entering data below this line").numbers("qty") == [5]


def test_a_file_without_a_header_is_named_by_the_job(file: Path) -> None:
    reading = read(file, "L1,5\nL2,7\n", header={"names": ["line", "qty"]})
    assert reading.numbers("qty") == [5, 7]
    assert [row.line for row in reading.rows] == [1, 2]


def test_a_metadata_line_above_the_header_may_have_other_fields(file: Path) -> None:
    text = '"EXTF";700;21;"Buchungsstapel";\nUmsatz;Konto\n"12,50";8400\n'
    reading = read(file, text, delimiter=";", decimal=",", header={"row": 2})
    assert reading.numbers("Umsatz") == [Decimal("12.50")]


def test_lines_that_match_are_left_out_before_parsing_and_the_others_keep_their_numbers(file: Path) -> None:
    text = '----\na|b\n----\n1|"x\ny"\n----\n2|z\n\n----\n'
    reading = read(file, text, delimiter="|", skip_lines_matching=["^-+$"])
    assert [(row.line, *row.cells) for row in reading.rows] == [(4, "1", "x\ny"), (7, "2", "z")]
    assert reading.intake.skipped == {"skip_lines_matching": 4, "blank": 1}


def test_a_row_has_the_number_of_its_first_line_though_cells_span_lines(file: Path) -> None:
    reading = read(file, 'a,b\r\n1,"x\r\ny\nz"\r\n2,w\r\n')
    assert [row.line for row in reading.rows] == [2, 5]


def test_quotes_may_mean_nothing(file: Path) -> None:
    assert read(file, 'a;b\n19" rack;"x\n', delimiter=";", quote="none").cells == [['19" rack', '"x']]


@pytest.mark.parametrize("row", ['1;"2;3";4', "1;2\n3;4", "1;2;3;4;5"])
def test_a_row_that_lost_or_won_separators_is_rejected_and_never_filled_up(file: Path, row: str) -> None:
    reading = read(file, f"a;b;c;d\n{row}\n5;6;7;8\n", delimiter=";")
    assert reading.cells == [["5", "6", "7", "8"]]
    assert {rejection.code for rejection in reading.intake.rejections} == {"field-count"}
    assert reading.intake.rejections[0].source == f"{reading.tables[0].origin}:2"


@pytest.mark.parametrize(("name", "char"), [("tab", "\t"), ("semicolon", ";"), ("pipe", "|"), ("\t", "\t"), ("^", "^")])
def test_a_delimiter_is_a_character_or_its_name(file: Path, name: str, char: str) -> None:
    assert read(file, f"a{char}b\n1{char}2\n", delimiter=name).cells == [["1", "2"]]


# ---------------------------------------------------------------- numbers and keys


def test_separators_are_declared_for_a_column_and_never_guessed(file: Path) -> None:
    text = "qty;price\n9.455;16.000\n"
    reading = read(file, text, delimiter=";", columns={"qty": {"decimal": ",", "thousands": "."}})
    assert reading.numbers("qty") == [9455]
    assert reading.numbers("price") == [16]


def test_null_tokens_are_no_numbers(file: Path) -> None:
    reading = read(file, "a\n-\n?\n#N/A\n5\n<5\n", null=["-", "?", "#N/A", "<5"])
    assert reading.numbers("a") == [None, None, None, 5, None]


def test_leading_zeros_of_keys_stay(file: Path) -> None:
    assert read(file, "a,b\n0001200,000\n").cells == [["0001200", "000"]]


def test_lost_trailing_zeros_are_the_same_number(file: Path) -> None:
    assert read(file, "a\n249,9\n249,9000\n", decimal=",", delimiter=";").numbers("a") == [Decimal("249.9")] * 2


# ---------------------------------------------------------------- files


def test_several_files_are_tables_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"scrap_{name}.csv").write_text(f"x\n{name}\n")
    reading = Reading(tmp_path / "scrap_*.csv")
    assert reading.cells == [["a"], ["b"]]
    assert reading.intake.read == 2
    assert list(reading.intake.origins) == [table.origin for table in reading.tables]


def test_brackets_in_the_name_of_a_folder_are_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "exports [HAM]"
    folder.mkdir()
    (folder / "a.csv").write_text("x\n1\n")
    assert Reading(folder / "*.csv").cells == [["1"]]


def test_an_origin_is_relative_to_the_current_directory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    assert read(file, "a\n1\n").tables[0].origin == "in.csv"


def test_the_hash_is_that_of_all_bytes_once_the_rows_are_used_up(file: Path) -> None:
    content = "\ufeffa,b\n1,2\nend,\n3,4\n".encode()
    reading = read(file, content, stop_at={"column": "a", "matches": "end"})
    assert list(reading.intake.origins.values()) == ["sha256:" + hashlib.sha256(content).hexdigest()]


def test_nothing_is_said_of_the_hash_before(file: Path) -> None:
    file.write_text("a\n1\n2\n")
    intake = Intake()
    table = next(SPEC.build(SPEC.options.model_validate({"path": str(file)}), Surroundings()).read(SCOPE, intake))
    next(table.rows)
    assert not intake.origins


def test_a_table_that_is_dropped_unread_leaves_no_open_file(file: Path) -> None:
    def next_descriptor() -> int:
        descriptor = os.open(os.devnull, os.O_RDONLY)
        os.close(descriptor)
        return descriptor

    file.write_text("a\n1\n2\n")
    gc.collect()  # what other tests left behind
    before = next_descriptor()
    source = SPEC.build(SPEC.options.model_validate({"path": str(file)}), Surroundings())
    for table in source.read(SCOPE, Intake()):
        assert next_descriptor() > before
        del table
        break
    gc.collect()
    assert next_descriptor() == before


def test_a_header_alone_is_a_table_without_rows(file: Path) -> None:
    assert read(file, "a,b\n").rows == []


def test_a_last_line_without_a_line_break_is_accepted_where_declared(file: Path) -> None:
    assert read(file, "a\n1\n2", last_line="accept").cells == [["1"], ["2"]]


def test_the_run_log_names_the_encoding_and_the_header_line(file: Path) -> None:
    notes = read(file, "\na\n1\n").intake.notes
    assert any("encoding utf-8" in note for note in notes)
    assert any("header in line 2" in note for note in notes)


# ---------------------------------------------------------------- real exports


@pytest.mark.parametrize(
    ("name", "options"), [("sales_with_lines_client_default", {}), ("sales_with_lines_client_de_cp1252", GERMAN)]
)
def test_the_sum_over_orders_equals_the_sum_over_their_lines(name: str, options: dict[str, Any]) -> None:
    reading = Reading(EXPORTS / f"{name}.csv", **options)
    assert len(reading.rows) == 440
    for column in ("Netto", "Positionen/Betrag"):
        assert sum(number or 0 for number in reading.numbers(column)) == Decimal("925833.61")


def test_lines_join_their_own_order_and_drafts_without_a_number_stay_apart() -> None:
    reading = Reading(EXPORTS / "sales_with_lines_client_default.csv", fill_down=ORDER_COLUMNS)
    raw = Reading(EXPORTS / "sales_with_lines_client_default.csv")
    heads = [row for row in raw.rows if any(str(cell).strip() for cell in row.cells[: len(ORDER_COLUMNS)])]
    assert len(heads) == 255
    assert len(raw.rows) - len(heads) == 185
    drafts = {row.line for row in heads if not row.cells[0]}
    assert len(drafts) == 10
    orders: dict[tuple[object, ...], Decimal] = {}
    for row, amount in zip(reading.rows, reading.numbers("Positionen/Betrag"), strict=True):
        key = tuple(row.cells[: len(ORDER_COLUMNS)])
        orders[key] = orders.get(key, Decimal(0)) + (amount or 0)
    assert all(total == Decimal(str(key[7] or 0)) for key, total in orders.items())
    assert not reading.intake.rejections


def test_both_locales_of_the_productions_hold_the_same_numbers() -> None:
    english = Reading(EXPORTS / "productions_client_default.csv")
    german = Reading(EXPORTS / "productions_client_de_cp1252.csv", **GERMAN)
    for column in ("Menge", "Ausgangs-Materialien/Menge"):
        assert english.numbers(column) == german.numbers(column)


def test_the_shipments_are_read_by_their_byte_order_mark() -> None:
    reading = Reading(EXPORTS / "shipments_out_client_de_locale.csv", delimiter=";")
    assert reading.tables[0].columns[5] == "Verzögerung"
    assert len(reading.rows) == 230


# ---------------------------------------------------------------- the account


CELL = st.text(alphabet="ab1 ;\"\n\r'ß", max_size=5)


@FILE_FIXTURE
@given(rows=st.lists(st.lists(CELL, min_size=2, max_size=4), max_size=50), end=st.sampled_from(["\n", "\r\n"]))
def test_what_a_writer_quotes_is_read_back_with_the_lines_it_stands_in(
    file: Path, rows: list[list[str]], end: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["h"] * 4)
    expected = []
    for row in rows:
        line = len((text.getvalue() + "x").replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        writer.writerow(row)
        if len(row) == 4 and any(cell.strip() for cell in row):
            expected.append(Row(line, row))
    reading = read(file, text.getvalue(), delimiter=";")
    assert reading.rows == expected


LINE = st.sampled_from(["1;2;3", "1;2", "1;2;3;4", "", " ; ; ", "----", "a;b;c", "x;;3", ";;5", "Total;1;2", "end;;"])


@FILE_FIXTURE
@given(lines=st.lists(LINE, max_size=300), options=st.sets(st.sampled_from(range(8))))
def test_every_line_is_read_or_skipped_or_rejected_or_the_header(
    file: Path, lines: Sequence[str], options: set[int]
) -> None:
    rules: list[dict[str, Any]] = [
        {"require": ["b"]},
        {"drop_rows": [{"column": "a", "matches": "^Total"}]},
        {"skip_lines_matching": ["^-+$"]},
        {"header": {"find": ["b"], "repeats": "drop"}},
        {"fill_down": ["a", "b"]},
        {"stop_at": {"column": "a", "matches": "end"}},
        {"field_count": "lenient"},
        {"unpivot": {"keep": ["a"], "names_to": "name", "values_to": "value"}},
    ]
    chosen: dict[str, Any] = {}
    for index in options:
        chosen |= rules[index]
    text = "".join(f"{line}\n" for line in ["", "a;b;c", *lines])
    reading = read(file, text, delimiter=";", **chosen)
    intake = reading.intake
    assert intake.read + intake.skipped.total() + len(intake.rejections) + 1 == len(lines) + 2
    assert len(reading.rows) == intake.read * (2 if "unpivot" in chosen else 1)


@FILE_FIXTURE
@given(content=st.binary(max_size=200), encoding=st.sampled_from([None, "cp1252", "utf-16", "latin-1"]))
def test_any_bytes_are_a_table_or_a_source_error(file: Path, content: bytes, encoding: str | None) -> None:
    try:
        reading = read(file, content, encoding=encoding, last_line="accept")
    except SourceError:
        return
    assert all(len(row.cells) == len(reading.tables[0].columns) for row in reading.rows)
