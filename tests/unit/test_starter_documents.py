"""What is proposed for JSON, XML, Parquet and archives; read as proposed."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kpisync.config.load import load
from kpisync.errors import SourceError
from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.starter.formats import read_export
from tests.unit.starter_builders import TODAY, came, saved, workbook
from tests.unit.workbook_bytes import zipped

ROWS: list[dict[str, Any]] = [
    {"line": "L1", "day": "2026-11-18", "qty": 1.5},
    {"line": "L2", "day": "2026-11-19", "qty": 2},
]
CELLS = [["L1", "2026-11-18", Decimal("1.5")], ["L2", "2026-11-19", Decimal(2)]]
CSV = b"Linie;Datum;Menge\nL1;18.11.2026;1,5\nL2;19.11.2026;2,5\n"


def of_json(folder: Path, document: object, name: str = "export") -> Any:
    return came(folder, json.dumps(document).encode(), name)


# ---------------------------------------------------------------- JSON


def test_a_list_of_objects_needs_no_options_and_its_numbers_no_separators(tmp_path: Path) -> None:
    found = of_json(tmp_path, ROWS)
    assert (found.source, found.cells) == ({}, CELLS)
    assert "columns: line (text), day (text), qty (number)" in found.comments
    assert "date: {column: day}" in found.text


def test_rows_are_the_longest_list_of_objects_and_the_others_are_named(tmp_path: Path) -> None:
    found = of_json(tmp_path, {"codes": [1, 2, 3], "data": {"odd key": [{"a": 1}], "items": ROWS}})
    assert (found.source, found.cells) == ({"rows": "data.items"}, CELLS)
    assert 'there are also data."odd key" (1)' in found.comments


def test_keys_that_the_first_row_lacks_become_fields(tmp_path: Path) -> None:
    found = of_json(tmp_path, [*ROWS, {"line": "L1", "at": {"zone": "x"}, "qty": 3}])
    assert found.source == {"fields": {"line": "line", "day": "day", "qty": "qty", "at.zone": "at.zone"}}
    assert (len(found.rows), found.intake.rejections) == (3, [])


def test_rows_that_are_lists_get_fields_by_position(tmp_path: Path) -> None:
    found = of_json(tmp_path, {"rows": [list(row.values()) for row in ROWS]})
    assert found.source["fields"] == {"column-1": "[0]", "column-2": "[1]", "column-3": "[2]"}
    assert found.cells == CELLS


@pytest.mark.parametrize(("name", "source"), [("export", {"lines": True}), ("export.jsonl", {})])
def test_an_object_a_line_is_json_lines_and_said_unless_the_name_says_it(
    tmp_path: Path, name: str, source: dict[str, Any]
) -> None:
    found = came(tmp_path, "".join(f"{json.dumps(row)}\n" for row in ROWS).encode(), name)
    assert (found.source, found.cells) == (source, CELLS)


def test_a_broken_line_among_others_is_still_json_lines(tmp_path: Path) -> None:
    found = came(tmp_path, "".join(f"{json.dumps(row)}\n" for row in (*ROWS, *ROWS)).encode() + b'{"line": \n{}\n')
    assert found.source == {"lines": True}
    assert [each.code for each in found.intake.rejections] == ["bad-json"]
    assert "1 row is rejected, such as " in found.comments


def test_a_document_with_the_name_of_json_lines_is_one_document(tmp_path: Path) -> None:
    assert of_json(tmp_path, ROWS, "export.jsonl").source == {"lines": False}


def test_moments_with_an_offset_need_no_format(tmp_path: Path) -> None:
    found = of_json(tmp_path, [{**row, "day": f"{row['day']}T06:00:00.5+01:00"} for row in ROWS])
    assert 'date: {column: day, day_starts: "00:00"}' in found.text
    assert "DECIDE: it has a time of day" in found.comments


@pytest.mark.parametrize(
    ("content", "what"),
    [(b'{"rows": [', "not complete"), (b'{"a": 1}\n{', "last line is not complete"), (b'{"a":\n 1}', "no list")],
)
def test_json_that_holds_no_rows_is_one_clear_error(tmp_path: Path, content: bytes, what: str) -> None:
    file = tmp_path / "export.json"
    file.write_bytes(content)
    with pytest.raises(SourceError, match=what):
        read_export(str(file))


# ---------------------------------------------------------------- XML

XML = """<?xml version="1.0"?>
<ORDERS xmlns="urn:x"><HEAD><PLANT>S</PLANT></HEAD>
<LINE code="L1"><DAY>2026-11-18</DAY><QTY unit="PC">1.5</QTY></LINE>
<LINE code="L2"><DAY>2026-11-19</DAY><QTY unit="PC">2.25</QTY><NOTE>x</NOTE></LINE>
<LINE code="L2"><DAY>2026-11-20</DAY><QTY unit="PC">3.5</QTY></LINE>
</ORDERS>
"""


def test_the_element_that_repeats_is_a_row_and_all_that_it_holds_a_column(tmp_path: Path) -> None:
    found = came(tmp_path, XML.encode())
    assert found.source == {
        "rows": "LINE",
        "namespaces": {"": "urn:x"},
        "fields": {"code": "@code", "DAY": "DAY", "unit": "QTY/@unit", "QTY": "QTY", "NOTE": "NOTE"},
        "decimal": ".",
    }
    assert found.cells[1] == ["L2", "2026-11-19", "PC", "2.25", "x"]
    assert "team: {column: code, lookup: teams}" in found.text
    assert 'decimal ".": 1.5 (line 3)' in found.comments


def test_what_stands_around_the_rows_is_offered_by_a_path_that_can_be_used(tmp_path: Path) -> None:
    found = came(tmp_path, XML.encode())
    path = "/ORDERS/HEAD/PLANT"
    assert f"columns too if fields names them: {path}" in found.comments
    assert came_with(tmp_path, found.text.replace("        NOTE: NOTE", f'        NOTE: "{path}"')) == ["S", "S", "S"]


def came_with(folder: Path, text: str) -> list[object]:
    """The last column, by a configuration that was changed by hand."""
    (folder / "kpisync.yaml").write_text(text, encoding="utf-8")
    source = load(folder / "kpisync.yaml", {}).jobs["export"].source
    (table,) = source.spec.build(source.options, Surroundings()).read(Scope(TODAY), Intake())
    return [row.cells[-1] for row in table.rows]


def test_elements_of_several_namespaces_get_prefixes(tmp_path: Path) -> None:
    text = XML.replace("<ORDERS ", '<ORDERS xmlns:q="urn:q" ').replace("QTY", "q:QTY")
    found = came(tmp_path, text.encode())
    assert found.source["namespaces"] == {"": "urn:x", "n1": "urn:q"}
    assert found.source["fields"]["QTY"] == "n1:QTY"
    assert found.cells[0][3] == "1.5"


def test_rows_within_rows_are_the_inner_ones_or_asked_about(tmp_path: Path) -> None:
    inner = "<P n='1'><Q>1.5</Q></P><P n='2'><Q>2.5</Q></P>"
    found = came(tmp_path, f"<R><O><D>2026-11-18</D>{inner}</O><O><D>2026-11-19</D>{inner}</O></R>".encode())
    assert found.source["rows"] == "O/P"
    assert len(found.rows) == 4


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a><b/></a>", "DOCTYPE"),
        ("<?xml version='1.0'?><a><b>", "not complete"),
        ("<a><b>1</b></a>", "no element repeats"),
        ('<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "Excel 2003"),
    ],
)
def test_xml_that_holds_no_rows_is_one_clear_error(tmp_path: Path, content: str, what: str) -> None:
    file = tmp_path / "export.xml"
    file.write_text(content)
    with pytest.raises(SourceError, match=what):
        read_export(str(file))


# ---------------------------------------------------------------- Parquet


def test_parquet_needs_no_options_and_its_columns_are_listed_by_kind(tmp_path: Path) -> None:
    cells = "'L' || i as line, date '2026-11-18' + i::int as day, (i * 1.5)::decimal(9, 2) as qty"
    query = f"select {cells} from range(1, 4) numbers(i)"
    duckdb.sql(f"copy ({query}) to '{tmp_path}/made' (format parquet)")
    found = came(tmp_path, (tmp_path / "made").read_bytes())
    assert (found.source, found.cells[0][0], found.cells[0][2]) == ({}, "L1", Decimal("1.50"))
    assert "columns: line (text), day (date), qty (number)" in found.comments
    assert "day: real dates" in found.comments


# ---------------------------------------------------------------- archives


def test_the_only_file_in_an_archive_is_read_by_its_name_and_as_what_it_is(tmp_path: Path) -> None:
    found = came(tmp_path, zipped({"out/a [1].csv": CSV}))
    assert found.source["archive"] == {"member": "out/a [[]1].csv"}
    assert found.source["delimiter"] == ";"
    assert [cells[2] for cells in found.cells] == ["1,5", "2,5"]


def test_several_files_in_an_archive_are_asked_about(tmp_path: Path) -> None:
    found = came(tmp_path, zipped({"b.txt": "x", "a.csv": CSV, ".hidden": "x"}))
    assert found.source["archive"] == {"member": "a.csv"}
    assert "DECIDE: of the files in the archive a.csv is read; there are also b.txt" in found.comments


def test_a_workbook_in_an_archive_is_read_as_a_workbook(tmp_path: Path) -> None:
    found = came(tmp_path, zipped({"a.csv": saved(workbook(("Line", "Qty"), ("L1", 1.5), ("L2", 2.5)))}))
    assert "type: excel" in found.text
    assert found.cells == [["L1", 1.5], ["L2", 2.5]]


def test_gzip_holds_one_file_that_needs_no_name(tmp_path: Path) -> None:
    found = came(tmp_path, gzip.compress(CSV))
    assert found.source["archive"] == {}
    assert len(found.rows) == 2


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (zipped({"a.zip": zipped({"b.csv": CSV})}), "another archive in the archive"),
        (zipped({}), "the archive is empty"),
        (zipped({"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}), "no workbook is in it"),
        (zipped({"a.csv": CSV})[:-30], "damaged"),
        (b"%PDF-1.7\n1 0 obj\n", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), "no text, and no other format"),
        (b"\0\0\1\2" * 300, "no text, and no other format"),
        (b"<html><body>Login</body></html>\n", "an HTML page"),
        (b"", "the file is empty"),
    ],
)
def test_what_is_no_table_is_one_clear_error(tmp_path: Path, content: bytes, what: str) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes(content)
    with pytest.raises(SourceError, match=what):
        read_export(str(file))
