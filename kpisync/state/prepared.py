"""Statements compiled once a dialect and given values as the database stores them: a converter each is what costs.

Those about many rows take all of them as one JSON document. A call a row would cost more than its work: around each,
the interpreter's lock goes to a thread that has requests to make, and must be won back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    CursorResult,
    Delete,
    Dialect,
    Integer,
    Select,
    String,
    Table,
    Update,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB, psycopg
from sqlalchemy.sql.base import ReadOnlyColumnCollection

Insert = sqlite.Insert | postgresql.Insert  # which know ON CONFLICT
Given = ReadOnlyColumnCollection[str, ColumnElement[Any]]


class Words(NamedTuple):
    """What a database has its own words for: INSERT, and the rows that a statement is given."""

    insert: Callable[[Table], Insert]
    given: Given


Make = Callable[[Words], Insert | Update | Delete | Select[Any]]  # a function of a module: its text is remembered


class Line(NamedTuple):
    """What a statement is given of one key; it takes what it needs, and None is NULL."""

    series: int
    period: int
    origin: int | None = None
    place: str | None = None
    old: str | None = None
    new: str | None = None
    number: str | None = None
    found: str | None = None
    answer: str | None = None
    remote: str | None = None
    settles: int | None = None


_KINDS = {"series": Integer(), "period": Integer(), "origin": Integer(), "settles": BigInteger()}  # the rest is text


class Prepared(NamedTuple):
    """A statement's text, and the names of its parameters in order."""

    text: str
    names: Sequence[str]


def written(lines: Sequence[Line]) -> str:
    """Lines for `many`, each about another key. Lists, for names in each line would double what reading them costs."""
    return json.dumps(lines, ensure_ascii=False, check_circular=False)


def many(connection: Connection, make: Make, rows: str, asked: Mapping[str, Any]) -> int:
    """Execute a statement for all rows at once; returns how many rows of the tables it touched."""
    return once(connection, make, {"rows": rows, **asked}).rowcount


def once(connection: Connection, make: Make, asked: Mapping[str, Any]) -> CursorResult[Any]:
    prepared = _prepared(make, connection.dialect.name)
    return connection.exec_driver_sql(prepared.text, tuple(asked[name] for name in prepared.names))


def stream(connection: Connection, make: Make, asked: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    """The rows of a long answer, one after the other, in constant memory."""
    prepared = _prepared(make, connection.dialect.name)
    values = tuple(asked[name] for name in prepared.names)
    if connection.dialect.name == "sqlite":  # past SQLAlchemy, whose rows take a third of the time
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(prepared.text, values)
            while rows := cursor.fetchmany(10_000):
                yield from rows
    else:
        streaming = connection.execution_options(yield_per=10_000)
        yield from streaming.exec_driver_sql(prepared.text, values)


def insert_for(dialect: str) -> Callable[[Table], Insert]:
    """INSERT in the database's own words."""
    return postgresql.insert if dialect == "postgresql" else sqlite.insert


def words_for(dialect: str) -> Words:
    return Words(insert_for(dialect), _given_postgresql() if dialect == "postgresql" else _given_sqlite())


def _given_postgresql() -> Given:
    document = cast(bindparam("rows", type_=String()), JSONB)
    line = func.jsonb_array_elements(document).table_valued("value").c.value
    cells = [line.op("->>")(literal_column(str(place))) for place in range(len(Line._fields))]
    columns = [
        cast(cell, _KINDS.get(name, String())).label(name) for name, cell in zip(Line._fields, cells, strict=True)
    ]
    return select(*columns).subquery("given").c


def _given_sqlite() -> Given:
    line = func.json_each(bindparam("rows", type_=String())).table_valued("value").c.value
    columns = [
        func.json_extract(line, literal_column(f"'$[{place}]'"), type_=_KINDS.get(name, String())).label(name)
        for place, name in enumerate(Line._fields)
    ]
    return select(*columns).subquery("given").c


@cache
def _prepared(make: Make, dialect: str) -> Prepared:
    make_dialect: Callable[..., Dialect] = psycopg.dialect if dialect == "postgresql" else sqlite.dialect
    positional = make_dialect(paramstyle="format" if dialect == "postgresql" else "qmark")
    compiled = make(words_for(dialect)).compile(dialect=positional)
    return Prepared(str(compiled), compiled.positiontup or ())
