"""Statements compiled once a dialect and given values as the database stores them: a converter each is what costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, CursorResult, Delete, Dialect, Select, Table, Update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import psycopg

Insert = sqlite.Insert | postgresql.Insert  # which know ON CONFLICT
MakeInsert = Callable[[Table], Insert]
Make = Callable[
    [MakeInsert], Insert | Update | Delete | Select[Any]
]  # a function of a module, because its text is remembered

Rows = list[dict[str, Any]]


class Prepared(NamedTuple):
    """A statement's text, and what picks its parameters, in order, out of the named values of a row."""

    text: str
    pick: Callable[[dict[str, Any]], tuple[Any, ...]]


def many(connection: Connection, make: Make, rows: Rows) -> int:
    """Execute a statement for each row, in order; returns how many rows of the tables it touched in all.

    A row may hold more values than the statement takes.
    """
    if not rows:
        return 0
    prepared = _prepared(make, connection.dialect.name)
    return connection.exec_driver_sql(prepared.text, list(map(prepared.pick, rows))).rowcount


def once(connection: Connection, make: Make, row: dict[str, Any]) -> CursorResult[Any]:
    prepared = _prepared(make, connection.dialect.name)
    return connection.exec_driver_sql(prepared.text, prepared.pick(row))


def stream(connection: Connection, make: Make, row: dict[str, Any]) -> Iterator[Sequence[Any]]:
    """The rows of a long answer, one after the other, in constant memory."""
    prepared = _prepared(make, connection.dialect.name)
    if connection.dialect.name == "sqlite":  # past SQLAlchemy, whose rows take a third of the time
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(prepared.text, prepared.pick(row))
            while rows := cursor.fetchmany(10_000):
                yield from rows
    else:
        streaming = connection.execution_options(yield_per=10_000)
        yield from streaming.exec_driver_sql(prepared.text, prepared.pick(row))


def insert_for(dialect: str) -> MakeInsert:
    """INSERT in the database's own words."""
    return postgresql.insert if dialect == "postgresql" else sqlite.insert


@cache
def _prepared(make: Make, dialect: str) -> Prepared:
    make_dialect: Callable[..., Dialect] = psycopg.dialect if dialect == "postgresql" else sqlite.dialect
    positional = make_dialect(paramstyle="format" if dialect == "postgresql" else "qmark")
    compiled = make(insert_for(dialect)).compile(dialect=positional)
    names = compiled.positiontup or []
    return Prepared(str(compiled), itemgetter(*names) if len(names) > 1 else lambda row: tuple(row[n] for n in names))
