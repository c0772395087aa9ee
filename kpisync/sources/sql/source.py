"""SQL databases: the rows of one SELECT, read in a read-only transaction, streaming."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationInfo, field_validator

from kpisync.errors import ConfigError
from kpisync.fields import Duration
from kpisync.model import Intake, Row, Scope, Table
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.sources.sql.failures import out_of_time, too_many_rows, unusable
from kpisync.sources.sql.sessions import FETCH, connected, streamed
from kpisync.sources.sql.statements import bind_names, one_select, statement
from kpisync.tables.options import NumberOptions, number_format

if TYPE_CHECKING:  # imported where it is used: a job without SQL does not wait for it
    from sqlalchemy import URL


class SqlOptions(NumberOptions):
    url: str = Field(
        repr=False,
        description="where the database is: sqlite:///erp.db, postgresql://user@host/db, or one of mysql:// mariadb:// "
        "mssql:// oracle:// hana:// db2:// snowflake://; all but SQLite need an extra such as kpisync[postgres]",
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
            raise ValueError("not a database URL such as postgresql://user@host/db") from None
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
        return one_select(value)


@dataclass(frozen=True, slots=True)
class SqlSource:
    """One table: the rows of the query."""

    options: SqlOptions

    @property
    def needs_range(self) -> bool:
        return bool(bind_names(self.options.query))

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        from sqlalchemy.engine import make_url

        url = make_url(self.options.url)
        origin = f"{Path(url.database).name if url.database else url.host or url.get_backend_name()} query"
        binds = _dates(bind_names(self.options.query), scope, origin)
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

    line: int | None = None
    timeout = options.statement_timeout
    deadline = time.monotonic() + timeout.total_seconds()  # PostgreSQL times each fetch for itself
    try:
        with connected(url, timeout) as connection:
            line = 0
            sqlite = connection.dialect.name == "sqlite"
            values = {name: day.isoformat() if sqlite else day for name, day in binds.items()}
            with streamed(connection, statement(options.query), values) as result:
                yield Row(0, tuple(result.keys()))
                for line, cells in enumerate(result, 1):
                    if line > options.max_rows:
                        raise too_many_rows(options.max_rows, origin)
                    if line % FETCH == 0 and time.monotonic() > deadline:
                        raise out_of_time(timeout, origin)
                    intake.read += 1
                    yield Row(line, tuple(cells))
    except (SQLAlchemyError, ImportError) as error:
        raise unusable(error, url, timeout, origin, line=line) from None
    intake.origins[origin] = _fingerprint(options.query, binds)
    intake.notes.append(f"{origin}: {line} rows" + "".join(f", :{name} {day}" for name, day in binds.items()))


def _fingerprint(query: str, binds: Mapping[str, date]) -> str:
    text = "\n".join([query, *(f":{name} {day}" for name, day in sorted(binds.items()))])
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def build(options: SqlOptions, surroundings: Surroundings) -> Source:
    return SqlSource(options)


SPEC: AdapterSpec[Source] = AdapterSpec("The rows of an SQL query", SqlOptions, build)
