"""SQL databases: the rows of one SELECT, read in a read-only transaction, streaming."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationInfo, field_validator

from kpisync.errors import ConfigError, SourceError
from kpisync.fields import Duration
from kpisync.model import Intake, Row, Scope, Table
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.tables.options import NumberOptions, number_format

if TYPE_CHECKING:  # imported where it is used: a job without SQL does not wait for it
    from sqlalchemy import URL, Connection, Dialect, TextClause

_BINDS = {"from", "to", "until"}
_FETCH = 1000
_QUOTED = r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$"""
_LITERAL = re.compile(_QUOTED, re.DOTALL)
_CAST_BIND = re.compile(r"(?<![:\w\\]):\w+(?=::)")
_NO_CODE = re.compile(rf"{_QUOTED}|\[[^\]]*\]", re.DOTALL)
_WRITES = re.compile(r"\b(into|update|delete)\b", re.IGNORECASE)
_SQLITE_STEPS = 10_000  # virtual machine instructions between two looks at the clock
_STOPPED = ("interrupted", "statement timeout", "execution time", "max_statement_time")


class SqlOptions(NumberOptions):
    url: str = Field(
        repr=False,
        description="where the database is, such as sqlite:///erp.db or postgresql+psycopg://user@host/db; "
        "SQLite files are opened read-only",
    )
    query: str = Field(
        description="one SELECT; :from and :to (both inclusive) and :until (exclusive) are the dates of the run"
    )
    statement_timeout: Duration = Field(timedelta(minutes=5), description="how long the query may take at most")
    max_rows: int = Field(10_000_000, ge=1, description="more rows than this are taken for a mistake")

    @field_validator("url")
    @classmethod
    def _usable_url(cls, value: str, info: ValidationInfo) -> str:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError("not a database URL such as postgresql+psycopg://user@host/db") from None
        if url.get_backend_name() != "sqlite":
            return value
        if not url.database or url.database == ":memory:":
            raise ValueError("the URL names no SQLite file; write sqlite:///path/to/file.db")
        base = (info.context or {}).get("base")
        path = url.database if base is None else str(Path(base) / url.database)
        return url.set(database=path).render_as_string(hide_password=False)

    @field_validator("query")
    @classmethod
    def _one_select(cls, value: str) -> str:
        code = _NO_CODE.sub(" ", value).strip().removesuffix(";").strip()
        if ";" in code:
            raise ValueError("more than one statement; a source is one SELECT")
        if not re.match(r"\(*\s*(select|with)\b", code, re.IGNORECASE) or _WRITES.search(code):
            raise ValueError("not a SELECT (or WITH … SELECT) that only reads")
        if unknown := _bind_names(value) - _BINDS:
            raise ValueError(f"unknown parameter :{min(unknown)}; there are :from, :to and :until")
        return value


def _statement(query: str) -> TextClause:
    """The query with its parameters; a colon in quotes or in a comment begins none, and a cast may follow one."""
    from sqlalchemy import text

    escaped = _LITERAL.sub(lambda match: re.sub(r"(?<!\\):", r"\\:", match[0]), query.strip().removesuffix(";"))
    return text(_CAST_BIND.sub(r"\g<0> ", escaped))


def _bind_names(query: str) -> set[str]:
    return set(_statement(query).compile().params)


@dataclass(frozen=True, slots=True)
class SqlSource:
    """One table: the rows of the query."""

    options: SqlOptions

    @property
    def needs_range(self) -> bool:
        return bool(_bind_names(self.options.query))

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        from sqlalchemy.engine import make_url

        url = make_url(self.options.url)
        origin = f"{Path(url.database).name if url.database else url.host or url.get_backend_name()} query"
        binds = _dates(_bind_names(self.options.query), scope, origin)
        rows = _rows(self.options, url, binds, origin, intake)
        columns = tuple(str(name) for name in next(rows).cells)
        yield Table(origin, columns, rows, number_format(self.options))


def _dates(names: set[str], scope: Scope, origin: str) -> dict[str, date]:
    until = None if scope.last is None else scope.last + timedelta(days=1)
    known = {"from": scope.first, "to": scope.last, "until": until}
    dates = {name: known[name] for name in sorted(names)}
    for name in dates:
        if dates[name] is None:
            raise ConfigError(
                f"the query uses :{name}, but the run has no such date",
                where=origin,
                hint="Set a lookback for the job, or run with --from and --to",
            )
    return {name: day for name, day in dates.items() if day is not None}


def _rows(options: SqlOptions, url: URL, binds: Mapping[str, date], origin: str, intake: Intake) -> Iterator[Row]:
    """The column names as row 0, then the rows; the connection is open from the first one taken until the last."""
    from sqlalchemy.exc import SQLAlchemyError

    line = 0
    try:
        with _connected(url, options.statement_timeout) as connection:
            sqlite = connection.dialect.name == "sqlite"
            values = {name: day.isoformat() if sqlite else day for name, day in binds.items()}
            streaming = connection.execution_options(stream_results=True, yield_per=_FETCH, sqlite_raw_colnames=True)
            result = streaming.execute(_statement(options.query), values)
            yield Row(0, tuple(result.keys()))
            for line, cells in enumerate(result, 1):
                if line > options.max_rows:
                    raise _too_many(options.max_rows, origin)
                intake.read += 1
                yield Row(line, tuple(cells))
    except (SQLAlchemyError, ImportError) as error:
        raise _unusable(error, url, options.statement_timeout, origin, line) from None
    intake.origins[origin] = _fingerprint(options.query, binds)
    intake.notes.append(f"{origin}: {line} rows" + "".join(f", :{name} {day}" for name, day in binds.items()))


@contextmanager
def _connected(url: URL, timeout: timedelta) -> Iterator[Connection]:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            "sqlite://", creator=partial(_open_sqlite, str(url.database), timeout), poolclass=NullPool
        )
    else:
        engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            for statement in _guards(connection.dialect, timeout):
                connection.exec_driver_sql(statement)
            yield connection
    finally:
        engine.dispose()


def _open_sqlite(path: str, timeout: timedelta) -> sqlite3.Connection:
    """Read-only, so a file that does not exist is an error and never created; a query that takes too long ends."""
    connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
    deadline = time.monotonic() + timeout.total_seconds()
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _SQLITE_STEPS)
    return connection


def _guards(dialect: Dialect, timeout: timedelta) -> list[str]:
    """What makes the session read-only and gives the query its time limit, where the database can do that."""
    milliseconds = max(1, round(timeout.total_seconds() * 1000))
    if dialect.name == "postgresql":
        return ["SET TRANSACTION READ ONLY", f"SET LOCAL statement_timeout = {milliseconds}"]
    if dialect.name in ("mysql", "mariadb"):
        limit = (
            f"max_statement_time = {milliseconds / 1000}"
            if getattr(dialect, "is_mariadb", False)
            else f"max_execution_time = {milliseconds}"
        )
        return ["SET SESSION TRANSACTION READ ONLY", f"SET SESSION {limit}"]
    return ["SET TRANSACTION READ ONLY"] if dialect.name == "oracle" else []


def _too_many(most: int, origin: str) -> SourceError:
    return SourceError(
        f"the query has more than {most} rows, which is taken for a mistake",
        where=origin,
        hint="Look for a join without a condition, or raise max_rows",
    )


def _unusable(error: Exception, url: URL, timeout: timedelta, origin: str, line: int) -> SourceError:
    """The driver's own words, first line only and without the password."""
    said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    if url.password:
        said = said.replace(str(url.password), "***")
    if isinstance(error, ImportError) or "Can't load plugin" in said:
        what, hint = f"no driver for {url.drivername}: {said}", "Install it beside kpisync, or correct the url"
    elif any(words in said for words in _STOPPED):
        seconds = f"{timeout.total_seconds():g}s"
        what, hint = f"the query was stopped: {said}", f"It had {seconds}; narrow it, or raise statement_timeout"
    elif line:
        what, hint = f"the database failed after {line} rows: {said}", "Nothing of them is used; run again"
    else:
        place = f"{url.drivername}://{url.host or ''}/{url.database or ''}"
        what, hint = f"the database cannot be read: {said}", f"Check the query, and the url ({place})"
    return SourceError(what, where=origin, hint=hint)


def _fingerprint(query: str, binds: Mapping[str, date]) -> str:
    text = "\n".join([query, *(f":{name} {day}" for name, day in sorted(binds.items()))])
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def build(options: SqlOptions, surroundings: Surroundings) -> Source:
    return SqlSource(options)


SPEC: AdapterSpec[Source] = AdapterSpec("The rows of an SQL query", SqlOptions, build)
