"""Sessions with databases: the driver of a URL, read-only, one snapshot, and a time limit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, CursorResult, Dialect, Engine, TextClause

FETCH = 1000  # rows at a time

_CONNECT_SECONDS = 10
_SQLITE_STEPS = 10_000  # virtual machine instructions between two looks at the clock
_ALIASES = MappingProxyType({"postgres": "postgresql"})
_DRIVERS = MappingProxyType(  # where a URL names none; SQLAlchemy's own choice differs, or changed over time
    {
        "postgresql": "psycopg",
        "mysql": "pymysql",
        "mariadb": "pymysql",
        "mssql": "mssqlpython",
        "oracle": "oracledb",
    }
)
_EXTRAS = MappingProxyType(
    {
        "postgresql": "postgres",
        "mysql": "mysql",
        "mariadb": "mysql",
        "mssql": "mssql",
        "oracle": "oracle",
        "hana": "hana",
        "db2": "db2",
        "ibm_db_sa": "db2",
        "snowflake": "snowflake",
    }
)


def with_driver(url: URL) -> URL:
    """The URL with the driver that kpisync's extras bring, where it names none."""
    backend = _ALIASES.get(url.drivername, url.drivername)
    return url.set(drivername=f"{backend}+{_DRIVERS[backend]}" if backend in _DRIVERS else backend)


def extra_of(url: URL) -> str | None:
    """The extra of kpisync that brings the driver; None for a database that it has none for."""
    return _EXTRAS.get(_ALIASES.get(url.get_backend_name(), url.get_backend_name()))


@contextmanager
def connected(url: URL, timeout: timedelta) -> Iterator[Connection]:
    """A connection in a transaction that only reads. SQLAlchemyError, and ImportError where a driver is missing."""
    engine = _engine(url, timeout)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            for guard in guards(connection.dialect, timeout):
                connection.exec_driver_sql(guard)
            yield connection
    finally:
        engine.dispose()


@contextmanager
def streamed(
    connection: Connection, statement: TextClause, values: Mapping[str, object]
) -> Iterator[CursorResult[Any]]:
    """The rows of a statement, fetched as they are taken; left with an exception, the rest is abandoned at once."""
    driver, done = connection.connection.driver_connection, False
    streaming = connection.execution_options(stream_results=True, yield_per=FETCH, sqlite_raw_colnames=True)
    result = streaming.execute(statement, values)
    try:
        yield result
        done = True
    finally:
        if not done:
            _leave_unread(driver)
        result.close()
        if not done and not connection.invalidated:
            connection.invalidate()  # hang up


def _leave_unread(driver: Any) -> None:
    """PyMySQL would read all rows that are left, when its cursor is closed and again when it is forgotten."""
    result: Any = getattr(driver, "_result", None)
    if getattr(result, "unbuffered_active", False):
        result.unbuffered_active = False


def _engine(url: URL, timeout: timedelta) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    if url.get_backend_name() == "sqlite":
        return create_engine("sqlite://", creator=partial(_open_sqlite, str(url.database), timeout), poolclass=NullPool)
    url = with_driver(url)
    given = {name: value for name, value in _network(url, timeout).items() if name not in url.query}
    return create_engine(url, poolclass=NullPool, connect_args=given)


def _network(url: URL, timeout: timedelta) -> Mapping[str, Any]:
    """How long silence is waited for, in whole seconds: a server that vanished must not hold a job for ever."""
    if url.drivername == "postgresql+psycopg":
        keepalives = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
        return {"connect_timeout": _CONNECT_SECONDS, **keepalives}
    if url.drivername in ("mysql+pymysql", "mariadb+pymysql"):
        return {"connect_timeout": _CONNECT_SECONDS, "read_timeout": int(timeout.total_seconds()) + _CONNECT_SECONDS}
    return {}


def _open_sqlite(path: str, timeout: timedelta) -> sqlite3.Connection:
    """Read-only, so a file that does not exist is an error and never created; a query that takes too long ends."""
    connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
    deadline = time.monotonic() + timeout.total_seconds()
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _SQLITE_STEPS)
    return connection


def guards(dialect: Dialect, timeout: timedelta) -> list[str]:
    """What makes a session read-only, shows it one state, and limits its time, where the database can do that.

    PostgreSQL's transaction is made read-only and repeatable as it begins. SQL Server and Db2 have no such
    transaction: there the rights of the login are all there is.
    """
    milliseconds = max(1, round(timeout.total_seconds() * 1000))
    if dialect.name == "postgresql":
        return [f"SET LOCAL statement_timeout = {milliseconds}"]
    if dialect.name in ("mysql", "mariadb"):
        limit = (
            f"max_statement_time = {milliseconds / 1000}"
            if getattr(dialect, "is_mariadb", False)
            else f"max_execution_time = {milliseconds}"
        )
        return ["SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", f"SET SESSION {limit}"]
    if dialect.name in ("oracle", "hana"):
        return ["SET TRANSACTION READ ONLY"]
    if dialect.name == "snowflake":
        return [f"ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = {-(-milliseconds // 1000)}"]
    return []
