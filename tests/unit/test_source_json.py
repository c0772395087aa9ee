"""JSON documents and JSON Lines are read as they stand: every row is one, or rejected, and every number exact."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kpisync.errors import Exit, SourceError
from kpisync.model import Intake, Row, Scope, Table
from kpisync.ports import Rereadable, Surroundings
from kpisync.sources.json import SPEC
from kpisync.support.json import dumps

FILE_FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
LINE = {"line": {"code": "L1", "name": "Press"}, "day": "2026-11-20", "scrap": 7}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Reading:
    """A file written, and what was read of it."""

    def __init__(self, content: object, path: str = "in.json", **options: Any) -> None:
        text = content if isinstance(content, str | bytes) else json.dumps(content)
        Path(path).write_bytes(text.encode() if isinstance(text, str) else text)
        self.intake = Intake()
        self.rows: list[Row] = []
        self.tables: list[Table] = []
        source = SPEC.build(SPEC.options.model_validate({"path": path, **options}), Surroundings())
        for table in source.read(Scope(date(2026, 11, 20)), self.intake):
            self.tables.append(table)
            self.rows += table.rows

    @property
    def columns(self) -> tuple[str, ...]:
        return self.tables[0].columns

    @property
    def cells(self) -> list[list[object]]:
        return [list(row.cells) for row in self.rows]

    @property
    def rejects(self) -> list[tuple[str | None, str]]:
        return [(each.source, each.code) for each in self.intake.rejections]

    @property
    def reason(self) -> str:
        (reject,) = self.intake.rejections
        return reject.reason


def lines(*rows: object) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def refusal(content: object, path: str = "in.json", **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        Reading(content, path, **options)
    error = caught.value
    assert error.exit_code is Exit.UNUSABLE
    assert error.where
    assert error.hint
    assert "\n" not in str(error)
    return error


def mistake(**options: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        SPEC.options.model_validate({"path": "in.json", **options})
    return str(caught.value)


# ---------------------------------------------------------------- rows


def test_a_list_of_objects_is_rows_in_their_order_numbered_from_one() -> None:
    reading = Reading([{"a": "x", "b": 1}, {"a": "y", "b": 2}])
    assert reading.columns == ("a", "b")
    assert reading.rows == [Row(1, ["x", Decimal(1)]), Row(2, ["y", Decimal(2)])]
    assert reading.intake.read == 2


def test_rows_are_where_the_expression_finds_them() -> None:
    reading = Reading({"meta": {"count": 2}, "data": {"items": [{"a": 1}, {"a": 2}]}}, rows="data.items")
    assert reading.cells == [[1], [2]]


def test_an_expression_may_leave_rows_out_and_compares_exactly() -> None:
    document = {"rows": [{"a": Decimal("0.1")}, {"a": Decimal("0.2")}, {"a": Decimal("0.3")}]}
    assert Reading(dumps(document), rows="rows[?a >= `0.2`]").cells == [[Decimal("0.2")], [Decimal("0.3")]]
    assert Reading(dumps(document), rows="rows[?a == `0.1`]").cells == [[Decimal("0.1")]]


def test_one_object_is_a_row_if_the_expression_says_so() -> None:
    assert Reading({"a": 1}, rows="[@]").cells == [[1]]


def test_a_document_that_is_no_list_is_refused_with_the_lists_that_it_has() -> None:
    error = refusal({"meta": 1, "data": {"items": [{"a": 1}]}, "old items": []})
    assert "an object" in error.what
    assert 'data.items, "old items"' in str(error.hint)


@pytest.mark.parametrize(
    ("rows", "said"), [("data.item", "finds nothing"), ("meta", "finds 1, not"), ("join(',', meta)", "does not fit")]
)
def test_an_expression_that_finds_no_list_is_an_error(rows: str, said: str) -> None:
    assert said in refusal({"meta": 1, "data": {"items": []}}, rows=rows).what


def test_a_row_that_is_no_object_is_rejected() -> None:
    reading = Reading([{"a": 1}, 5, None, "x", [1], {"a": 2}])
    assert reading.cells == [[1], [2]]
    assert reading.rejects == [(f"in.json:{row}", "no-object") for row in (2, 3, 4, 5)]


def test_an_empty_object_is_a_blank_row() -> None:
    reading = Reading([{}, {"a": 1}, {}, {"a": None}])
    assert reading.cells == [[1]]
    assert reading.intake.skipped.total() == 3


@pytest.mark.parametrize(("content", "said"), [([], "no rows"), ([1, 2], "row 1: the row is 1"), ([{}], "is empty")])
def test_without_an_object_the_columns_are_not_known(content: object, said: str) -> None:
    error = refusal(content)
    assert said in error.what
    assert "fields" in str(error.hint)


# ---------------------------------------------------------------- columns


def test_the_keys_of_the_first_row_are_the_columns_and_those_of_an_object_within_have_dots() -> None:
    reading = Reading([LINE])
    assert reading.columns == ("line.code", "line.name", "day", "scrap")
    assert reading.cells == [["L1", "Press", "2026-11-20", 7]]


def test_a_key_that_is_missing_or_null_is_an_empty_cell() -> None:
    assert Reading([{"a": 1, "b": 2}, {"a": 3}, {"a": 4, "b": None}]).cells == [[1, 2], [3, None], [4, None]]


def test_a_row_with_a_key_that_the_first_one_has_not_is_rejected_unless_it_is_null() -> None:
    reading = Reading([{"a": 1}, {"a": 2, "b": 5}, {"a": 3, "b": None}])
    assert reading.cells == [[1], [3]]
    assert reading.rejects == [("in.json:2", "unknown-key")]
    assert "'b'" in reading.reason
    assert "fields" in reading.reason


def test_two_keys_for_one_column_reject_the_row() -> None:
    reading = Reading([{"a.b": 1}, {"a.b": 1, "a": {"b": 2}}])
    assert reading.rejects == [("in.json:2", "unknown-key")]


def test_fields_are_the_columns_and_anything_else_is_left_aside() -> None:
    reading = Reading([LINE, {"day": "x", "more": 1}], fields={"Linie": "line.code", "Datum": "day"})
    assert reading.columns == ("Linie", "Datum")
    assert reading.cells == [["L1", "2026-11-20"], [None, "x"]]


def test_with_fields_no_rows_are_a_table_without_rows() -> None:
    reading = Reading([], fields={"a": "a"})
    assert (reading.columns, reading.rows) == (("a",), [])


def test_with_fields_a_row_may_be_a_list() -> None:
    assert Reading([["L1", 7], ["L2"]], fields={"line": "[0]", "n": "[1]"}).cells == [["L1", 7], ["L2", None]]


@pytest.mark.parametrize("value", [[1, 2], {"b": 1}, []])
def test_a_field_that_finds_a_list_or_an_object_rejects_the_row_with_what_was_found(value: object) -> None:
    reading = Reading([{"a": value, "b": 1}, {"a": 1}], fields={"A": "a"})
    assert reading.cells == [[1]]
    assert reading.rejects == [("in.json:1", "no-cell")]
    assert json.dumps(value) in reading.reason


def test_a_field_that_does_not_fit_a_row_rejects_it() -> None:
    reading = Reading([{"a": ["x", "y"]}, {"a": 5}], fields={"A": "join('-', a)"})
    assert reading.cells == [["x-y"]]
    assert reading.rejects == [("in.json:2", "no-cell")]


def test_without_fields_a_list_is_a_cell_with_its_json() -> None:
    assert Reading([{"a": [1, "x"]}]).cells == [['[1, "x"]']]


def test_columns_get_names_and_number_formats_as_those_of_files_do() -> None:
    reading = Reading([{"Qty": "1.234,5"}], columns={"qty": {"from": "Qty", "decimal": ",", "thousands": "."}})
    assert reading.columns == ("qty",)
    assert reading.tables[0].column_numbers["qty"].decimal == ","


def test_rows_are_filled_down_and_never_from_above_a_rejected_row() -> None:
    content = [{"a": "x", "b": 1}, {"b": 2}, {"a": "y", "b": 3, "c": 1}, {"b": 4}]
    reading = Reading(content, fill_down=["a"])
    assert reading.cells == [["x", 1], ["x", 2]]
    assert reading.rejects == [("in.json:3", "unknown-key"), ("in.json:4", "fill-down")]


def test_a_cell_with_half_a_character_rejects_the_row() -> None:
    reading = Reading('[{"a": "x"}, {"a": "\\ud83d"}, {"a": "\\ud83d\\ude00"}]')
    assert reading.cells == [["x"], ["😀"]]
    assert reading.rejects == [("in.json:2", "no-cell")]


def test_a_row_that_is_nested_too_deeply_is_rejected() -> None:
    deep = '{"a": [' * 350 + "1" + "]}" * 350
    reading = Reading(f'[{{"a": 1}}, {deep}, {{"a": 2}}]')
    assert reading.cells == [[1], [2]]
    assert reading.rejects == [("in.json:2", "no-cell")]


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize("digits", ["0.1", "1.10", "12345678901234567890.123456789", "1E+2", "-0"])
def test_a_number_keeps_its_digits(digits: str) -> None:
    ((cell,),) = Reading(f'[{{"a": {digits}}}]').cells
    assert isinstance(cell, Decimal)
    assert str(cell) == digits


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_json(number: str) -> None:
    assert "not a number" in refusal(f'[{{"a": {number}}}]').what


def test_true_and_false_are_themselves_and_no_numbers() -> None:
    ((true, one),) = Reading('[{"a": true, "b": 1}]').cells
    assert true is True
    assert one is not True


# ---------------------------------------------------------------- what is no JSON


@pytest.mark.parametrize(
    "content",
    ["[", '[{"a"', '[{"a": 1}', '[{"a": 1},', '[{"a": 12', '[{"a": -', '[{"a": tr', '[{"a": "x', '[{"a": 1}\n\n'],
)
def test_a_document_that_is_cut_anywhere_is_refused(content: str) -> None:
    assert "not complete" in refusal(content).what


@given(st.data())
@FILE_FIXTURE
def test_every_cut_is_noticed(data: st.DataObject) -> None:
    text = json.dumps([LINE, {"line": {"code": "Lö\\"}, "day": None, "scrap": 1.25e3}], ensure_ascii=False)
    raw = text.encode()
    refusal(raw[: data.draw(st.integers(0, len(raw) - 1))])


def test_a_mistake_is_named_with_its_line_and_column() -> None:
    error = refusal('[\n  {"a": 1,}\n]')
    assert str(error.where).startswith("in.json:2:")
    assert "not JSON" in error.what


@pytest.mark.parametrize("content", ['[{"a": 1}]\n[{"a": 2}]', '{"a": 1}\n{"a": 2}\n'])
def test_a_second_document_in_a_file_is_refused_and_lines_named(content: str) -> None:
    error = refusal(content)
    assert error.where == "in.json:2:1"
    assert "lines: true" in str(error.hint)


@pytest.mark.parametrize(
    ("content", "kind"), [("<!DOCTYPE html><html>Login", "HTML"), ("<?xml version='1.0'?>", "XML"), ("PK\3\4", "ZIP")]
)
@pytest.mark.parametrize("path", ["in.json", "in.jsonl"])
def test_what_is_something_else_is_refused_by_its_name(content: str, kind: str, path: str) -> None:
    assert kind in refusal(content, path).what


@pytest.mark.parametrize("content", ["", " \n\t", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("path", ["in.json", "in.jsonl"])
def test_an_empty_file_is_refused(content: str | bytes, path: str) -> None:
    assert "empty" in refusal(content, path).what


def test_a_key_that_occurs_twice_is_refused() -> None:
    assert "twice" in refusal('[{"a": 1, "a": 2}]').what


def test_bottomless_nesting_is_refused() -> None:
    assert "deeply" in refusal("[" * 100_000).what


def test_a_document_beyond_all_bounds_is_refused_and_json_lines_named() -> None:
    with Path("in.json").open("wb") as file:
        file.truncate(101 * 1024 * 1024)
    with pytest.raises(SourceError, match="JSON Lines"):
        list(
            SPEC.build(SPEC.options.model_validate({"path": "in.json"}), Surroundings()).read(Scope(date.min), Intake())
        )


# ---------------------------------------------------------------- encodings


@pytest.mark.parametrize("path", ["in.json", "in.jsonl"])
@pytest.mark.parametrize(
    ("codec", "declared"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", None),
        ("utf-16-le", None),
        ("utf-32", None),
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("cp1252", "cp1252"),
        ("utf-16-le", "utf-16-le"),
    ],
)
def test_the_encoding_is_the_declared_one_or_one_of_unicode(path: str, codec: str, declared: str | None) -> None:
    row = '{"a": "Größe"}'
    content = (f"{row}\n{row}\n" if path == "in.jsonl" else f"[{row},\n{row}]").encode(codec)
    assert Reading(content, path, encoding=declared).cells == [["Größe"], ["Größe"]]


@pytest.mark.parametrize("content", ['[{"a": 1},\n{"a": "ö"}]', '{"a": 1}\n{"a": "ö"}\n'])
@pytest.mark.parametrize("lines", [True, False])
def test_bytes_of_another_encoding_are_refused_with_their_line(content: str, lines: bool) -> None:
    error = refusal(content.encode("cp1252"), lines=lines)
    assert error.where == "in.json:2"
    assert "0xF6" in error.what
    assert "encoding" in str(error.hint)


def test_a_bad_byte_is_named_also_where_a_character_lies_across_two_readings() -> None:
    content = b'{"a": 1}\n' + b'{"a": "'.ljust(65535 - 9, b"x") + b"\xc3("
    assert "byte 0xC3" in refusal(content, "in.jsonl").what


# ---------------------------------------------------------------- JSON Lines


@pytest.mark.parametrize(("path", "options"), [("in.jsonl", {}), ("in.NDJSON", {}), ("in.json", {"lines": True})])
def test_json_lines_are_told_by_the_path_or_declared(path: str, options: dict[str, Any]) -> None:
    assert Reading(lines({"a": 1}, {"a": 2}), path, **options).rows == [Row(1, [1]), Row(2, [2])]


def test_json_lines_in_an_archive_are_told_by_its_name_or_its_members() -> None:
    Path("in.jsonl.gz").write_bytes(gzip.compress(b'{"a": 1}\n{"a": 2}\n'))
    with zipfile.ZipFile("in.zip", "w") as archive:
        archive.writestr("x/in.jsonl", '{"a": 1}\n{"a": 2}\n')
    for path, archive_options in (("in.jsonl.gz", {}), ("in.zip", {"member": "*.jsonl"})):
        options = SPEC.options.model_validate({"path": path, "archive": archive_options})
        tables = SPEC.build(options, Surroundings()).read(Scope(date.min), Intake())
        assert [row.cells for table in tables for row in table.rows] == [[1], [2]]


def test_a_path_of_lines_may_be_declared_a_document() -> None:
    assert Reading([{"a": 1}], "in.jsonl", lines=False).cells == [[1]]


def test_a_row_has_the_number_of_its_line_and_blank_lines_are_skipped() -> None:
    reading = Reading('{"a": 1}\n\n  \r\n{"a": 2}\r\n', "in.jsonl")
    assert [row.line for row in reading.rows] == [1, 4]
    assert reading.intake.skipped == {"blank": 2}


def test_a_last_line_needs_no_line_break_if_it_is_complete() -> None:
    assert Reading('{"a": 1}\n{"a": 2}', "in.jsonl").cells == [[1], [2]]


def test_a_last_line_that_is_cut_stops_the_reading() -> None:
    error = refusal('{"a": 1}\n{"a": 2', "in.jsonl")
    assert error.where == "in.jsonl:2"
    assert "not complete" in error.what


def test_a_line_that_is_no_json_is_rejected_in_its_turn_and_the_others_are_read() -> None:
    reading = Reading('{"a": 1}\n{a: 2}\n7\n{"a": 3, "a": 3}\n{"a": 4}\n', "in.jsonl")
    assert reading.cells == [[1], [4]]
    assert reading.rejects == [("in.jsonl:2", "bad-json"), ("in.jsonl:3", "no-object"), ("in.jsonl:4", "bad-json")]
    assert "column 2" in reading.intake.rejections[0].reason


@pytest.mark.parametrize("content", ['{\n  "a": 1\n}\n', "[\n{}\n]\n", '[{"a": 1}]\n', "a;b\n1;2\n"])
def test_what_does_not_begin_with_an_object_in_a_line_is_not_json_lines(content: str) -> None:
    error = refusal(content, "in.jsonl")
    assert error.where == "in.jsonl:1"
    assert "lines: false" in str(error.hint)


def test_only_a_line_feed_ends_a_line() -> None:
    assert Reading('{"a": "x\u2028y\x85"}\n{"a": "z"}\n', "in.jsonl").cells == [["x\u2028y\x85"], ["z"]]


def test_a_line_beyond_all_bounds_is_refused() -> None:
    assert "longer" in refusal('{"a": "' + "x" * (17 << 20) + '"}\n', "in.jsonl").what


# ---------------------------------------------------------------- files


def test_several_files_are_a_table_each() -> None:
    Path("b.json").write_text('[{"a": 2}]')
    reading = Reading([{"a": 1}], "a.json")
    source = SPEC.build(SPEC.options.model_validate({"path": "*.json"}), Surroundings())
    tables = [(table.origin, [row.cells for row in table.rows]) for table in source.read(Scope(date.min), Intake())]
    assert tables == [("a.json", [[1]]), ("b.json", [[2]])]
    assert reading.tables[0].origin == "a.json"


@pytest.mark.parametrize("path", ["in.json", "in.jsonl"])
def test_the_hash_is_that_of_all_bytes_and_known_after_the_last_row(path: str) -> None:
    content = '{"a": 1}\n' if path == "in.jsonl" else '[{"a": 1}]'
    reading = Reading(content, path)
    source = SPEC.build(SPEC.options.model_validate({"path": path}), Surroundings())
    digest = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
    assert reading.intake.origins == {path: digest}
    assert isinstance(source, Rereadable)
    assert source.hashes() == {path: digest}


def test_a_file_of_lines_that_grows_while_it_is_read_is_refused() -> None:
    Path("in.jsonl").write_text('{"a": 1}\n' * 1000)
    intake = Intake()
    (table,) = SPEC.build(SPEC.options.model_validate({"path": "in.jsonl"}), Surroundings()).read(
        Scope(date.min), intake
    )
    next(table.rows)
    with Path("in.jsonl").open("a") as file:
        file.write('{"a": 3}\n')
    with pytest.raises(SourceError, match="still being written"):
        list(table.rows)
    assert not intake.origins


# ---------------------------------------------------------------- options


@pytest.mark.parametrize("option", ["header", "metadata", "start_after", "skip_lines_matching", "field_count"])
def test_what_is_said_of_lines_with_a_header_is_a_mistake(option: str) -> None:
    values: dict[str, object] = {
        "header": {"row": 2},
        "metadata": {"row": 1, "columns": {"x": 1}},
        "start_after": "x",
        "skip_lines_matching": ["x"],
        "field_count": "lenient",
    }
    assert f"{option} is for text" in mistake(**{option: values[option]})


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("data[", "missing at its end"),
        ("data items", "at character 6"),
        ("", "empty"),
        ("frist(@)", "no function frist()"),
        ("sum(a)", "taken as they stand"),
        ("(" * 5000, "nested too deeply"),
    ],
)
def test_an_expression_that_is_none_is_a_mistake_in_the_configuration(expression: str, said: str) -> None:
    assert said in mistake(rows=expression)
    assert said in mistake(fields={"a": expression})


@given(st.text())
def test_any_text_is_an_expression_or_a_mistake(text: str) -> None:
    with suppress(ValidationError):
        SPEC.options.model_validate({"path": "in.json", "rows": text})


@pytest.mark.parametrize("fields", [{"": "a"}, {"a": "a", " a ": "b"}])
def test_fields_have_names_that_differ(fields: dict[str, str]) -> None:
    assert "all different" in mistake(fields=fields)


def test_rows_and_lines_exclude_one_another() -> None:
    assert "every line is a row" in mistake(rows="a", lines=True)


# ---------------------------------------------------------------- whatever the rows are


CELLS = st.none() | st.booleans() | st.text() | st.decimals(allow_nan=False, allow_infinity=False)


@given(rows=st.lists(st.fixed_dictionaries({"a": CELLS, "b": st.fixed_dictionaries({"c": CELLS})}), max_size=20))
@pytest.mark.parametrize("as_lines", [True, False])
@FILE_FIXTURE
def test_rows_that_are_written_come_back(rows: Sequence[dict[str, Any]], as_lines: bool) -> None:
    text = "".join(f"{dumps(row)}\n" for row in rows) if as_lines else dumps(rows)
    written = [[row["a"], row["b"]["c"]] for row in rows]
    expected = [cells for cells in written if any(cell is not None and str(cell).strip() for cell in cells)]
    if as_lines and not rows:
        text = " \n"
        assert "empty" in refusal(text, lines=True).what
        return
    reading = Reading(text, lines=as_lines, fields={"a": "a", "c": "b.c"})
    assert reading.cells == expected
    assert reading.intake.read + reading.intake.skipped.total() == len(rows)
