"""Whether a state store or a copy of one is sound: its pages, its references, and everything that must be readable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Column, Connection, Engine, Integer, Select, String, func, not_, select, type_coerce

from kpisync.errors import StateError
from kpisync.model import RunStatus
from kpisync.state.backup import require_store
from kpisync.state.columns import as_number
from kpisync.state.engine import Location, connect, locate, reading
from kpisync.state.tables import (
    CHANGE_STATUS,
    IS_IN_DOUBT,
    VALUE_STATUS,
    change,
    open_reject,
    reject,
    run,
    undone,
    value,
)
from kpisync.state.upgrade import SHIPPED, Schema, current, require_readable
from kpisync.support.json import loads

_MOST = 5  # words of SQLite about damage
_AT_ONCE = 10_000

_NUMBERS = (value.c.number, change.c.old, change.c.new, change.c.found, undone.c.number, reject.c.number)
_DAYS = (value.c.period, change.c.period, undone.c.period)
_RANGES: tuple[tuple[Column[Any], int, int, str], ...] = (
    *((column, 1, date.max.toordinal(), "what is no day") for column in _DAYS),
    (value.c.status, 0, len(VALUE_STATUS.words) - 1, "what is no status"),
    (change.c.status, 0, len(CHANGE_STATUS.words) - 1, "what is no status"),
)


@dataclass(frozen=True)
class Soundness:
    """What was found. `revision` is the schema's; it may be an older one, which is brought up when it is opened."""

    shown: str
    revision: str
    values: int = 0
    runs: int = 0
    changes: int = 0
    in_doubt: int = 0
    open_rejects: int = 0
    problems: tuple[str, ...] = field(default=())

    @property
    def is_current(self) -> bool:
        return self.revision == SHIPPED.head


def examine(url: str, schema: Schema = SHIPPED) -> Soundness:
    """Read all of a store; nothing is changed, and others may use it meanwhile.

    Raises StateError if it is none, or not one that this program understands.
    """
    location = locate(url)
    if location.file is not None:
        require_store(location.file)
    engine = connect(location, "read")
    try:
        with reading(engine, location.shown) as connection:
            revision = current(connection)
        require_readable(revision, schema, location.shown)
        return _examined(engine, location, str(revision))
    finally:
        engine.dispose()


def _examined(engine: Engine, location: Location, revision: str) -> Soundness:
    """Each question in a reading of its own: what is too damaged for one may still answer the next."""
    problems: list[str] = []
    counts: dict[str, int] = {}

    def ask(question: Callable[[Connection], Iterator[str]]) -> None:
        try:
            with reading(engine, location.shown) as connection:
                problems.extend(question(connection))
        except StateError as error:
            problems.append(error.what)

    def count(connection: Connection) -> Iterator[str]:
        for name, table in (("values", value), ("runs", run), ("changes", change), ("open_rejects", open_reject)):
            counts[name] = connection.execute(select(func.count()).select_from(table)).scalar_one()
        counts["in_doubt"] = connection.execute(select(func.count()).where(IS_IN_DOUBT)).scalar_one()
        yield from ()

    if not location.is_server:  # a server sees to both by itself
        ask(_pages)
        ask(_references)
    for question in (count, _numbers, _codes, _runs, _doubts):
        ask(question)
    return Soundness(location.shown, revision, **counts, problems=tuple(dict.fromkeys(problems)))


def _pages(connection: Connection) -> Iterator[str]:
    for (words,) in connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST})"):
        if words != "ok":
            yield f"the file is damaged: {' '.join(str(words).split())}"


def _references(connection: Connection) -> Iterator[str]:
    found = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    for (table, parent), count in Counter((row[0], row[2]) for row in found).items():
        yield f"{_rows(count)} of {table} refer to rows of {parent} that are not there"


def _numbers(connection: Connection) -> Iterator[str]:
    for column in _NUMBERS:
        texts = select(type_coerce(column, String)).where(column.is_not(None))
        bad = sum(not _is_number(text) for text in _each(connection, texts))
        yield from _unless_none(bad, column, "a number that cannot be read")


def _is_number(text: object) -> bool:
    try:
        return isinstance(text, str) and as_number(text).is_finite()
    except StateError:
        return False


def _codes(connection: Connection) -> Iterator[str]:
    """Days and words, which are stored as integers."""
    for column, first, last, what in _RANGES:
        is_good = type_coerce(column, Integer).between(first, last)
        bad = connection.execute(select(func.count()).select_from(column.table).where(not_(is_good))).scalar_one()
        yield from _unless_none(bad, column, what)


def _runs(connection: Connection) -> Iterator[str]:
    reports = select(run.c.report).where(run.c.report.is_not(None))
    bad = sum(not _is_document(text) for text in _each(connection, reports))
    yield from _unless_none(bad, run.c.report, "a report that cannot be read")
    known = [status.value for status in RunStatus]
    strange = select(func.count()).select_from(run).where(run.c.status.not_in(known))
    yield from _unless_none(connection.execute(strange).scalar_one(), run.c.status, "what is no status of a run")


def _is_document(text: object) -> bool:
    try:
        return isinstance(loads(str(text)), dict)
    except ValueError:
        return False


def _doubts(connection: Connection) -> Iterator[str]:
    """A key has one open intent at most."""
    twice = select(change.c.series).where(IS_IN_DOUBT).group_by(change.c.period, change.c.series)
    several = twice.having(func.count() > 1).subquery()
    count = connection.execute(select(func.count()).select_from(several)).scalar_one()
    if count:
        yield f"{count:,} value{'s are' if count != 1 else ' is'} in doubt more than once"


def _each(connection: Connection, query: Select[Any]) -> Iterator[object]:
    streaming = connection.execution_options(yield_per=_AT_ONCE)
    return iter(streaming.execute(query).scalars())


def _unless_none(bad: int, column: Column[Any], what: str) -> Iterator[str]:
    if bad:
        yield f"{_rows(bad)} of {column.table.name} hold {what} ({column.name})"


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"
