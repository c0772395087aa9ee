"""A query runs in a session that changes nothing, sees one state and is bounded; it may end in its midst."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from server_database import NOVEMBER, Database
from sqlalchemy.engine import make_url

from kpisync.errors import Exit, HeldError, KpisyncError, SourceError
from kpisync.model import Intake, Row
from kpisync.sources.sql.sessions import connected

SOON = timedelta(seconds=5)


def open_table(database: Database, query: str, intake: Intake, **options: str) -> Iterator[Row]:
    """The rows of a query, not taken yet."""
    return next(database.source(query, **options).read(NOVEMBER, intake)).rows


def taken(rows: Iterator[Row], count: int) -> list[Row]:
    return [next(rows) for _ in range(count)]


# ---------------------------------------------------------------- drivers


@pytest.mark.parametrize(("scheme", "driver"), [("postgresql", "psycopg"), ("postgres", "psycopg")])
def test_a_plain_postgresql_url_is_enough(postgres: Database, scheme: str, driver: str) -> None:
    url = postgres.plain.replace("postgresql://", f"{scheme}://")
    assert postgres.cells("SELECT 1", url=url) == [1]
    with connected(make_url(url), SOON) as connection:
        assert connection.dialect.driver == driver


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql"])
def test_a_plain_mysql_or_mariadb_url_is_enough(mariadb: Database, scheme: str) -> None:
    url = mariadb.plain.replace("mariadb://", f"{scheme}://")
    assert mariadb.cells("SELECT 1", url=url) == [1]
    with connected(make_url(url), SOON) as connection:
        assert connection.dialect.driver == "pymysql"


def test_what_the_url_says_of_the_network_is_kept(postgres: Database) -> None:
    url = f"{postgres.plain}?connect_timeout=3&application_name=kpis"
    assert postgres.cells("SELECT current_setting('application_name')", url=url) == ["kpis"]


# ---------------------------------------------------------------- nothing is changed


@pytest.fixture
def production(database: Database) -> Database:
    database.run("CREATE TABLE production (qty INT)", "INSERT INTO production VALUES (1)")
    return database


def write_function(database: Database) -> None:
    if database.is_mariadb:
        database.run(
            "CREATE FUNCTION sneak() RETURNS INT MODIFIES SQL DATA BEGIN DELETE FROM production; RETURN 1; END"
        )
    else:
        database.run("CREATE FUNCTION sneak() RETURNS int LANGUAGE sql AS 'DELETE FROM production RETURNING 1'")


def test_a_function_that_writes_is_refused_by_the_server(production: Database) -> None:
    write_function(production)
    error = production.refusal("SELECT sneak()")
    assert isinstance(error, SourceError)
    assert "read-only" in error.what.lower() or "read only" in error.what.lower()
    assert production.look("SELECT qty FROM production") == [(1,)]


def test_a_function_cannot_make_the_session_writable(postgres: Database) -> None:
    postgres.run("CREATE TABLE production (qty INT)", "INSERT INTO production VALUES (1)")
    postgres.run(
        """CREATE FUNCTION sneak() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
           PERFORM set_config('transaction_read_only', 'off', false); DELETE FROM production; RETURN 1; END $$"""
    )
    assert "read-write mode" in postgres.refusal("SELECT sneak()").what
    assert postgres.look("SELECT qty FROM production") == [(1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO production VALUES (2)",
        "UPDATE production SET qty = 2",
        "DELETE FROM production",
        "DROP TABLE production",
        "CREATE TABLE other (a INT)",
    ],
)
def test_the_session_itself_refuses_every_change(production: Database, statement: str) -> None:
    with (
        pytest.raises(Exception, match=r"(?i)read.only"),
        connected(make_url(production.plain), SOON) as connection,
    ):
        connection.exec_driver_sql(statement)
    assert production.look("SELECT qty FROM production") == [(1,)]


def test_a_changing_cte_is_refused_by_the_server_too(postgres: Database) -> None:
    postgres.run("CREATE TABLE production (qty INT)", "INSERT INTO production VALUES (1)")
    with pytest.raises(Exception, match="read-only"), connected(make_url(postgres.plain), SOON) as connection:
        connection.exec_driver_sql("WITH gone AS (DELETE FROM production RETURNING qty) SELECT qty FROM gone")
    assert postgres.look("SELECT qty FROM production") == [(1,)]


def test_two_statements_in_one_are_refused_by_the_server_too(database: Database) -> None:
    with (
        pytest.raises(Exception, match=r"multiple commands|syntax"),
        connected(make_url(database.plain), SOON) as open_,
    ):
        streaming = open_.execution_options(stream_results=True)
        streaming.exec_driver_sql("SELECT 1; COMMIT; CREATE TABLE sneaked (a INT)", {}).all()
    assert "sneaked" not in {name for (name,) in database.look("SELECT table_name FROM information_schema.tables")}


# ---------------------------------------------------------------- one state


def test_a_query_sees_one_state_however_slowly_its_rows_are_taken(database: Database) -> None:
    database.run("CREATE TABLE production (qty INT)")
    database.run(f"INSERT INTO production SELECT n.i FROM {database.series(5000)}")
    rows = open_table(database, "SELECT qty FROM production", Intake())
    first = taken(rows, 10)
    database.run("UPDATE production SET qty = -1")
    assert all(row.cells[0] > 0 for row in [*first, *rows])  # type: ignore[operator]


@pytest.mark.parametrize("wanted", ["repeatable read"])
def test_the_transaction_is_repeatable(database: Database, wanted: str) -> None:
    name = "@@tx_isolation" if database.is_mariadb else "current_setting('transaction_isolation')"
    (found,) = database.cells(f"SELECT {name}")
    assert str(found).replace("-", " ").lower() == wanted


# ---------------------------------------------------------------- limits


def test_a_query_that_takes_too_long_is_ended_in_about_its_time(database: Database) -> None:
    query = "SELECT SLEEP(20)" if database.is_mariadb else "SELECT pg_sleep(20)"
    began = time.monotonic()
    error = database.refusal(query, statement_timeout="300ms")
    assert 0.25 < time.monotonic() - began < 3
    assert "took too long" in error.what
    assert "statement_timeout" in str(error.hint)
    assert error.exit_code == Exit.UNUSABLE


def test_the_time_is_that_of_the_whole_query_not_of_each_fetch(postgres: Database) -> None:
    """Each fetch of a thousand rows takes 100 ms; ten of them are too many."""
    query = "SELECT n.i, CASE WHEN n.i % 500 = 0 THEN pg_sleep(0.05) END FROM generate_series(1, 10000) AS n(i)"
    intake = Intake()
    with pytest.raises(SourceError, match="took too long"):
        list(open_table(postgres, query, intake, statement_timeout="300ms"))
    assert 0 < intake.read < 10_000


def test_more_rows_than_allowed_end_the_reading_at_once(database: Database) -> None:
    """A cross join of ten million rows: nobody waits for the rest of it."""
    began = time.monotonic()
    error = database.refusal(f"SELECT n.i FROM {database.series(10_000_000)}", max_rows="5000")
    assert isinstance(error, HeldError)
    assert "more than 5000 rows" in error.what
    assert "max_rows" in str(error.hint)
    assert time.monotonic() - began < 5


MEASURE = """
import resource, sys
from datetime import date
from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.sources.sql import SPEC

def peak_after(query):
    options = SPEC.options.model_validate({"url": sys.argv[1], "query": query})
    for table in SPEC.build(options, Surroundings()).read(Scope(date(2026, 12, 1)), Intake()):
        for row in table.rows:
            pass
    return row.line, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

(few, before), (many, after) = map(peak_after, sys.argv[2:])
print(few, many, after - before)
"""


@pytest.mark.slow
def test_a_million_rows_take_no_more_memory_than_a_few(database: Database) -> None:
    few, many = (
        f"SELECT n.i, 'some text of a row', 1.5 FROM {database.series(count)}" for count in (10_000, 1_000_000)
    )
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, database.plain, few, many], capture_output=True, text=True, check=True
    )
    *rows, kilobytes = map(int, measured.stdout.split())
    assert rows == [10_000, 1_000_000]
    assert kilobytes < 8_000


# ---------------------------------------------------------------- the end in the midst


def test_a_server_that_goes_away_in_the_midst_leaves_nothing_to_use(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    me = "CONNECTION_ID()" if database.is_mariadb else "pg_backend_pid()"
    kill = "KILL {}" if database.is_mariadb else "SELECT pg_terminate_backend({})"
    intake = Intake()
    rows = open_table(database, f"SELECT {me}, n.i FROM {database.series(3_000_000)}", intake)
    (first, *_) = taken(rows, 1500)
    database.run(kill.format(first.cells[0]))
    with pytest.raises(SourceError, match=r"the database failed after \d+ rows: .+Nothing of them is used") as caught:
        list(rows)
    assert caught.value.exit_code == Exit.UNUSABLE
    assert not intake.origins
    assert caplog.records == [], "one message, not the drivers' own"


def test_an_error_in_the_midst_says_that_rows_came_before_it(postgres: Database) -> None:
    error = postgres.refusal("SELECT 1 / (n.i - 2500) FROM generate_series(1, 5000) AS n(i)")
    assert re.fullmatch(r"the database failed after [1-9]\d+ rows: division by zero", error.what)


def test_a_table_that_is_dropped_unread_gives_its_session_back(database: Database) -> None:
    rows = open_table(database, f"SELECT n.i FROM {database.series(3_000_000)}", Intake())
    taken(rows, 5)
    began = time.monotonic()
    del rows
    assert time.monotonic() - began < 1
    query = (
        "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        if database.is_mariadb
        else "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert _soon(lambda: database.look(query) == [(0,)])


def _soon(is_so: Callable[[], bool]) -> bool:
    """Whether a server notices within two seconds; it is a process of its own."""
    for _ in range(200):
        if is_so():
            return True
        time.sleep(0.01)
    return False


def test_an_exception_of_the_reader_ends_the_session_and_stays_what_it_is(database: Database) -> None:
    with pytest.raises(KpisyncError, match="enough"):
        for row in open_table(database, f"SELECT n.i FROM {database.series(3_000_000)}", Intake()):
            if row.line == 1500:
                raise KpisyncError("enough")
