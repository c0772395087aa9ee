"""A query is one SELECT, read-only, with the dates of the run; its rows keep their types."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.engine import make_url

from kpisync.errors import ConfigError, Exit, HeldError, SourceError
from kpisync.model import Intake, Scope, Table
from kpisync.ports import Source, Surroundings
from kpisync.sources.sql import SPEC
from kpisync.sources.sql.failures import unusable
from kpisync.sources.sql.sessions import connected
from kpisync.tables.numbers import parse_number

NOVEMBER = Scope(date(2026, 12, 1), date(2026, 11, 1), date(2026, 11, 30))
OPEN = Scope(date(2026, 12, 1))
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"


@pytest.fixture
def erp(tmp_path: Path) -> Path:
    path = tmp_path / "erp.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE production (line TEXT, day TEXT, qty)")
        rows: Sequence[tuple[str, str, object]] = [
            ("L1", "2026-10-31", 1),
            ("L1", "2026-11-01", b"224.91"),
            ("L2", "2026-11-30", 0.1),
            ("L2", "2026-12-01", None),
        ]
        connection.executemany("INSERT INTO production VALUES (?, ?, ?)", rows)
    return path


def source(path: Path | str, query: str, **options: Any) -> Source:
    url = path if isinstance(path, str) else f"sqlite:///{path}"
    return SPEC.build(SPEC.options.model_validate({"url": url, "query": query, **options}), Surroundings())


def read(path: Path, query: str, scope: Scope = OPEN, intake: Intake | None = None, **options: Any) -> Table:
    (table,) = _filled(source(path, query, **options), scope, intake or Intake())
    return table


def _filled(source: Source, scope: Scope, intake: Intake) -> list[Table]:
    return [
        Table(table.origin, table.columns, iter(list(table.rows)), table.numbers)
        for table in source.read(scope, intake)
    ]


def refusal(path: Path | str, query: str, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        _filled(source(path, query, **options), OPEN, Intake())
    error = caught.value
    assert error.what
    assert error.where
    assert error.hint
    assert "\n" not in str(error)
    return error


def config_error(query: str, url: str = "sqlite:///erp.db") -> str:
    with pytest.raises(ValidationError) as caught:
        SPEC.options.model_validate({"url": url, "query": query})
    return str(caught.value.errors()[0]["msg"])


# ---------------------------------------------------------------- rows


def test_rows_are_numbered_and_keep_their_types(erp: Path) -> None:
    intake = Intake()
    table = read(erp, "SELECT line, qty FROM production ORDER BY day", intake=intake)
    assert table.columns == ("line", "qty")
    assert [(row.line, *row.cells) for row in table.rows] == [
        (1, "L1", 1), (2, "L1", b"224.91"), (3, "L2", 0.1), (4, "L2", None),
    ]  # fmt: skip
    assert intake.read == 4
    assert table.origin == "erp.db query"


def test_decimals_that_sqlite_stores_as_bytes_and_floats_are_exact_numbers(erp: Path) -> None:
    table = read(erp, "SELECT qty FROM production WHERE day LIKE '2026-11%' ORDER BY day")
    assert [parse_number(row.cells[0], table.numbers) for row in table.rows] == [Decimal("224.91"), Decimal("0.1")]


def test_numbers_in_text_columns_are_read_as_declared(erp: Path) -> None:
    table = read(erp, "SELECT '1.234,5' AS qty", decimal=",", thousands=".")
    assert [parse_number(row.cells[0], table.numbers) for row in table.rows] == [Decimal("1234.5")]


def test_column_names_come_as_the_database_gives_them(erp: Path) -> None:
    assert read(erp, 'SELECT 1 AS a, 2 AS a, 3 AS "x.y"').columns == ("a", "a", "x.y")


def test_no_rows_are_a_table_without_rows(erp: Path) -> None:
    table = read(erp, "SELECT line FROM production WHERE 1 = 0")
    assert table.columns == ("line",)
    assert list(table.rows) == []


# ---------------------------------------------------------------- dates


@pytest.mark.parametrize("condition", ["day >= :from AND day < :until", "day BETWEEN :from AND :to"])
def test_from_and_to_are_inclusive_and_until_is_exclusive(erp: Path, condition: str) -> None:
    table = read(erp, f"SELECT day FROM production WHERE {condition} ORDER BY day", NOVEMBER)
    assert [row.cells[0] for row in table.rows] == ["2026-11-01", "2026-11-30"]


@pytest.mark.parametrize(
    ("query", "needed"),
    [
        ("SELECT 1 WHERE 'x' > :from", True),
        ("SELECT :to::date", True),
        ("SELECT day::date, '12:30 :from', \":to\" FROM t -- :until\n /* :from */", False),
    ],
)
def test_a_range_is_needed_only_for_parameters_not_for_casts_and_quoted_colons(query: str, needed: bool) -> None:
    assert source("sqlite:///erp.db", query).needs_range is needed


def test_quoted_colons_reach_the_database_unchanged(erp: Path) -> None:
    (row,) = read(erp, "SELECT '12:30 :from ::x' AS a; -- :to").rows
    assert row.cells == ("12:30 :from ::x",)


def test_a_parameter_without_a_date_names_what_is_missing(erp: Path) -> None:
    with pytest.raises(ConfigError, match="lookback"):
        _filled(source(erp, "SELECT :from AS a"), OPEN, Intake())


def test_an_unknown_parameter_is_refused() -> None:
    assert ":form" in config_error("SELECT :form")


# ---------------------------------------------------------------- what was read


def test_the_statement_and_its_dates_are_the_fingerprint_once_the_rows_are_used_up(erp: Path) -> None:
    def fingerprint(scope: Scope) -> str:
        intake = Intake()
        read(erp, "SELECT :from AS a", scope, intake)
        return intake.origins["erp.db query"]

    other = Scope(NOVEMBER.today, date(2026, 10, 1), NOVEMBER.last)
    assert fingerprint(NOVEMBER) == fingerprint(NOVEMBER)
    assert fingerprint(NOVEMBER) != fingerprint(other)
    assert fingerprint(NOVEMBER).startswith("sha256:")


def test_a_failure_in_the_midst_leaves_no_fingerprint(erp: Path) -> None:
    intake = Intake()
    query = (
        "SELECT CASE WHEN day > '2026-11-15' THEN abs(-9223372036854775807 - 1) ELSE 1 END FROM production ORDER BY day"
    )
    with pytest.raises(SourceError, match="overflow"):
        _filled(source(erp, query), OPEN, intake)
    assert not intake.origins


def test_a_table_that_is_dropped_unread_closes_its_connection(erp: Path) -> None:
    table = next(source(erp, "SELECT * FROM production").read(OPEN, Intake()))
    del table
    with closing(sqlite3.connect(erp, timeout=0)) as writer, writer:
        writer.execute("DELETE FROM production")


# ---------------------------------------------------------------- read-only, bounded


def test_the_connection_itself_is_read_only(erp: Path) -> None:
    with (
        connected(make_url(f"sqlite:///{erp}"), timedelta(seconds=5)) as connection,
        pytest.raises(Exception, match="readonly"),
    ):
        connection.exec_driver_sql("DELETE FROM production")


def test_a_missing_file_is_an_error_and_is_not_created(tmp_path: Path) -> None:
    assert "unable to open" in refusal(tmp_path / "gone.db", "SELECT 1").what
    assert list(tmp_path.iterdir()) == []


def test_a_query_that_takes_too_long_is_stopped(erp: Path) -> None:
    error = refusal(erp, f"SELECT count(*) FROM ({ENDLESS})", statement_timeout="20ms")
    assert "stopped" in error.what
    assert "statement_timeout" in str(error.hint)


def test_more_rows_than_allowed_are_an_error(erp: Path) -> None:
    with pytest.raises(HeldError, match="more than 100 rows") as caught:
        _filled(source(erp, ENDLESS, max_rows=100), OPEN, Intake())
    assert "max_rows" in str(caught.value.hint)
    assert caught.value.exit_code == Exit.HELD


def test_as_many_rows_as_allowed_are_read(erp: Path) -> None:
    assert len(list(read(erp, f"{ENDLESS} LIMIT 2500", max_rows=2500).rows)) == 2500


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("query", "words"),
    [("SELECT * FROM productoin", "no such table: productoin"), ("SELECT lien FROM production", "no such column")],
)
def test_the_database_says_in_its_own_words_what_is_wrong(erp: Path, query: str, words: str) -> None:
    assert words in refusal(erp, query).what


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "erp.db").write_text("line,day\n" * 100)
    assert "not a database" in refusal(tmp_path / "erp.db", "SELECT 1 FROM x").what


@pytest.mark.parametrize("url", ["postgresql+nodriver://u:s3cret@h/d", "mssql+pymssql://u:s3cret@h/d"])
def test_a_missing_driver_is_named_and_no_password_is_shown(url: str) -> None:
    error = refusal(url, "SELECT 1")
    assert "is not installed" in error.what
    assert "s3cret" not in str(error)


def test_a_password_in_the_words_of_a_driver_is_not_shown() -> None:
    url = make_url("postgresql://u:s3cret@h/d")
    words = OSError("no login with host=h password=s3cret\nmore of it")
    error = unusable(words, url, timedelta(minutes=5), "d query", line=None)
    assert "no login with host=h password=***" in str(error)
    assert "more of it" not in str(error)


def test_the_options_do_not_show_the_url() -> None:
    options = SPEC.options.model_validate({"url": "postgresql://u:s3cret@h/d", "query": "SELECT 1"})
    assert "s3cret" not in repr(options)


@pytest.mark.parametrize("url", ["nonsense s3cret", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    assert "s3cret" not in config_error("SELECT 1", url)


def test_a_relative_sqlite_file_is_relative_to_the_file_that_names_it(erp: Path) -> None:
    options = SPEC.options.model_validate(
        {"url": "sqlite:///erp.db", "query": "SELECT 1 AS a"}, context={"base": str(erp.parent)}
    )
    (table,) = _filled(SPEC.build(options, Surroundings()), OPEN, Intake())
    assert table.columns == ("a",)
