"""Parquet files: typed cells arrive exactly, and nothing but the file is read."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kpisync.errors import SourceError
from kpisync.mapping.parse import BadCell, parse_date
from kpisync.model import Intake, NumberFormat, Row, Scope, Table
from kpisync.ports import Surroundings
from kpisync.sources.parquet import SPEC, ParquetOptions
from kpisync.support.duck import opened
from kpisync.tables.numbers import BadNumber, parse_number

SCOPE = Scope(date(2026, 11, 20))
FILE_FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(select: str, path: str = "in.parquet", options: str = "") -> None:
    """A Parquet file with the rows of a query."""
    plain = Path(f"{path}.new" if "'" not in path else "plain.new")
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{plain.name}' (FORMAT parquet{options})")
    plain.replace(path)


class Reading:
    def __init__(self, path: str = "in.parquet", **given: Any) -> None:
        self.intake = Intake()
        self.tables: list[Table] = []
        self.rows: list[Row] = []
        source = SPEC.build(ParquetOptions.model_validate({"path": path, **given}), Surroundings())
        for table in source.read(SCOPE, self.intake):
            self.tables.append(table)
            self.rows += table.rows

    @property
    def cells(self) -> list[list[object]]:
        return [list(row.cells) for row in self.rows]


def cell(expression: str) -> object:
    write(f"SELECT {expression} AS x, 1 AS y")
    return Reading().cells[0][0]


def refusal(path: str = "in.parquet") -> SourceError:
    with pytest.raises(SourceError) as caught:
        Reading(path)
    assert caught.value.where and caught.value.hint
    return caught.value


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("'L1'", "L1"),
        ("1.10::DECIMAL(10, 2)", Decimal("1.10")),
        (
            "12345678901234567890123456.789012345678::DECIMAL(38, 12)",
            Decimal("12345678901234567890123456.789012345678"),
        ),
        ("5::TINYINT", 5),
        ("9223372036854775807::BIGINT", 9223372036854775807),
        ("18446744073709551615::UBIGINT", 18446744073709551615),
        ("0.1::DOUBLE", 0.1),
        ("0.1::FLOAT", Decimal("0.1")),
        ("true", True),
        ("DATE '2026-11-20'", date(2026, 11, 20)),
        ("TIMESTAMP '2026-11-20 14:43:01.5'", datetime(2026, 11, 20, 14, 43, 1, 500000)),  # noqa: DTZ001
        ("TIMESTAMPTZ '2026-11-20 00:30:00+02'", datetime(2026, 11, 19, 22, 30, tzinfo=UTC)),
        ("TIMESTAMP_NS '2026-11-20 14:43:01.123456789'", datetime(2026, 11, 20, 14, 43, 1, 123456)),  # noqa: DTZ001
        ("TIME '14:43'", time(14, 43)),
        ("'\\x00\\xFF'::BLOB", b"\x00\xff"),
        ("INTERVAL '1 day'", "1 day"),
        ("'a'::ENUM('a', 'b')", "a"),
        ("UUID '6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10'", "6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10"),
        ("NULL::INTEGER", None),
    ],
)
def test_a_cell_arrives_with_its_type_and_exactly(expression: str, wanted: object) -> None:
    found = cell(expression)
    assert (type(found), found) == (type(wanted), wanted)


@pytest.mark.parametrize("expression", ["[5]", "{'a': 5}", "MAP {'a': 5}"])
def test_a_list_is_a_text_that_is_never_a_number(expression: str) -> None:
    with pytest.raises(BadNumber):
        parse_number(cell(expression), NumberFormat())


@pytest.mark.parametrize("expression", ["'NaN'::DOUBLE", "'inf'::DOUBLE", "'-inf'::FLOAT"])
def test_what_is_not_finite_is_never_a_number(expression: str) -> None:
    with pytest.raises(BadNumber):
        parse_number(cell(expression), NumberFormat())


@pytest.mark.parametrize("type", ["DATE", "TIMESTAMP", "TIMESTAMPTZ"])
@pytest.mark.parametrize("text", ["20000-01-01", "infinity"])
def test_a_date_beyond_all_calendars_is_never_a_day(type: str, text: str) -> None:
    found = cell(f"'{text}'::{type}")
    if found is not None:
        with pytest.raises(BadCell):
            parse_date(found, None)


@given(st.lists(st.tuples(st.decimals(-(10**20), 10**20, places=6), st.text(max_size=8), st.dates()), min_size=1))
@FILE_FIXTURE
def test_what_is_written_comes_back(rows: list[tuple[Decimal, str, date]]) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (n DECIMAL(38, 6), t VARCHAR, d DATE)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
        connection.execute("COPY t TO 'in.parquet' (FORMAT parquet)")
    reading = Reading()
    assert [tuple(cells) for cells in reading.cells] == rows
    assert [row.line for row in reading.rows] == list(range(1, len(rows) + 1))


# ---------------------------------------------------------------- tables


def test_columns_have_the_names_of_the_file_and_the_rules_for_rows_apply() -> None:
    write("SELECT * FROM (VALUES ('L1', 5), (NULL, 6), (NULL, NULL)) AS t(Linie, Menge)")
    reading = Reading(require=["Linie"], columns={"qty": {"from": "Menge"}})
    assert reading.tables[0].columns == ("Linie", "qty")
    assert reading.cells == [["L1", 5]]
    assert reading.intake.skipped == {"blank": 1, "require Linie": 1}
    assert reading.intake.read == 1


def test_rows_keep_their_order_over_many_groups() -> None:
    write("SELECT range AS n FROM range(50000)", options=", ROW_GROUP_SIZE 3000")
    assert [cells[0] for cells in Reading().cells] == list(range(50_000))


def test_a_file_without_rows_has_columns_and_no_rows() -> None:
    write("SELECT 1 AS n WHERE false")
    reading = Reading()
    assert (reading.tables[0].columns, reading.rows) == (("n",), [])
    assert reading.intake.origins


def test_a_name_with_the_signs_of_a_pattern_means_one_file() -> None:
    name = "scrap [1]'s {a}.parquet"
    write("SELECT 1 AS n", name)
    write("SELECT 2 AS n", "scrap 1's {a}.parquet")
    assert Reading(name).cells == [[1]]


def test_folders_do_not_add_columns() -> None:
    Path("day=5").mkdir()
    write("SELECT 1 AS n")
    Path("in.parquet").rename("day=5/in.parquet")
    assert Reading("day=5/in.parquet").tables[0].columns == ("n",)


@pytest.mark.parametrize("option", ["header", "start_after", "skip_lines_matching", "field_count"])
def test_options_for_lines_are_a_mistake_of_the_configuration(option: str) -> None:
    value: object = {"header": {"row": 1}, "start_after": "x", "skip_lines_matching": ["x"]}.get(option, "lenient")
    with pytest.raises(ValidationError, match=f"{option} means nothing here"):
        ParquetOptions.model_validate({"path": "x", option: value})


# ---------------------------------------------------------------- what cannot be read


def test_a_file_that_is_cut_is_not_used() -> None:
    write("SELECT range AS n FROM range(1000)")
    Path("in.parquet").write_bytes(Path("in.parquet").read_bytes()[:-3])
    assert "does not end as a Parquet file does" in refusal().what


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty"),
        (b"PAR1", "is cut"),
        (b"PAR1PAR1", "is cut"),
        (b"PARE....PARE", "encrypted"),
        (b"PAR1....PARE", "encrypted"),
        (b"a;b\n1;2\n", "no Parquet file"),
        (b"<html>login", "an HTML page"),
        (b"PK\x03\x04", "an Excel workbook"),
        (b"PAR1\x00\x00\x00\x00\x04\x00\x00\x00PAR1", "cannot be read"),
    ],
)
def test_what_is_no_parquet_file_is_recognised(content: bytes, what: str) -> None:
    Path("in.parquet").write_bytes(content)
    assert what in refusal().what


@pytest.mark.parametrize("at", [200, 2000, -60])
def test_a_damaged_file_gives_no_rows_that_are_not_in_it(at: int) -> None:
    write("SELECT range AS n, 'L' || range AS t FROM range(5000)", options=", COMPRESSION uncompressed")
    content = bytearray(Path("in.parquet").read_bytes())
    content[at : at + 24] = b"\xff" * 24
    Path("in.parquet").write_bytes(content)
    try:
        reading = Reading()
    except SourceError as error:
        assert error.where == "in.parquet" and error.hint
    else:  # a page has no checksum: numbers in it can be others, but none is lost
        assert len(reading.rows) == 5000


def test_a_file_that_changes_while_it_is_read_is_not_used() -> None:
    write("SELECT range AS n FROM range(100000)")
    intake = Intake()
    source = SPEC.build(ParquetOptions.model_validate({"path": "in.parquet"}), Surroundings())
    for table in source.read(SCOPE, intake):
        next(table.rows)
        write("SELECT range + 1 AS n FROM range(100000)")
        with pytest.raises(SourceError, match=r"changed|put in its place"):
            list(table.rows)
    assert not intake.origins


def test_without_duckdb_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    write("SELECT 1 AS n")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert "pip install 'kpisync[parquet]'" in str(refusal().hint)


# ---------------------------------------------------------------- what DuckDB may do


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('other.csv')",
        "SELECT * FROM read_text('other.csv')",
        "SELECT * FROM 'other.csv'",
        "SELECT * FROM glob('*')",
        "COPY (SELECT 1) TO 'new.csv'",
        "ATTACH 'new.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_csv('https://localhost:1/x.csv')",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
    ],
)
def test_nothing_but_the_named_files_can_be_reached(query: str) -> None:
    Path("other.csv").write_text("a\n1\n")
    write("SELECT 1 AS n")
    with opened("duckdb", "here", memory="100MB", paths=["in.parquet"]) as connection:
        path = str(Path("in.parquet").absolute())
        assert connection.execute("SELECT n FROM read_parquet(?)", [path]).fetchall() == [(1,)]
        with pytest.raises(duckdb.Error):
            connection.execute(query).fetchall()
    assert sorted(path.name for path in Path().iterdir()) == ["in.parquet", "other.csv"]
