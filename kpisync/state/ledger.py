"""The statements behind intents, outcomes and adoptions, on numbered keys inside a transaction of the caller."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, delete, literal, select, update

from kpisync.model import Intent, Settled, Status
from kpisync.state.columns import plain
from kpisync.state.numbering import RunNumbers, chunks, insert_into
from kpisync.state.tables import ChangeStatus, change, run, value

ANSWER_LIMIT = 500

# Written out in the SQL, because SQLite uses a partial index only where it can see the condition.
IS_OPEN = change.c.status == literal(ChangeStatus.IN_DOUBT.value, literal_execute=True)

_KNOWING = frozenset({Status.CONFIRMED, Status.SENT})


class At(NamedTuple):
    """A numbered key: the series and the period of a value."""

    series: int
    period: date


class StoredCell(NamedTuple):
    """A source cell: the number of its origin, and the place in it."""

    origin: int | None
    place: str


Rows = list[dict[str, Any]]


def open_intents(connection: Connection, keys: Collection[At]) -> dict[At, list[Row[Any]]]:
    """The unsettled intents of these keys, of any run, oldest first, with the job that has them."""
    found: dict[At, list[Row[Any]]] = {}
    wanted = select(change, run.c.job).join(run, run.c.id == change.c.run).where(IS_OPEN).order_by(change.c.id)
    for numbers in chunks({key.series for key in keys}):
        for row in connection.execute(wanted.where(change.c.series.in_(numbers))):
            found.setdefault(At(row.series, row.period), []).append(row)
    return {key: found[key] for key in keys if key in found}


def known_numbers(connection: Connection, keys: Collection[At]) -> dict[At, Decimal]:
    """The known numbers of these keys."""
    if not keys:
        return {}
    days = [key.period for key in keys]
    wanted = select(value.c.series, value.c.period, value.c.number).where(value.c.period.between(min(days), max(days)))
    found: dict[At, Decimal] = {}
    for numbers in chunks({key.series for key in keys}):
        for row in connection.execute(wanted.where(value.c.series.in_(numbers))):
            found[At(row.series, row.period)] = row.number
    return {key: found[key] for key in keys if key in found}


def intend(
    connection: Connection,
    by: RunNumbers,
    intents: Mapping[At, Intent],
    cells: Mapping[str, StoredCell],
    now: datetime,
    settles: datetime,
) -> None:
    """Record intents as in doubt; open ones of the same keys are superseded."""
    older = [intent for found in open_intents(connection, intents).values() for intent in found]
    _close(connection, [_closing(intent, ChangeStatus.SUPERSEDED, by, now) for intent in older])
    fixed = {"run": by.run, "status": ChangeStatus.IN_DOUBT.value, "intended_at": now, "settles": settles}
    rows = [
        {**at._asdict(), "old": intent.old, "new": intent.new, **cells[intent.source]._asdict(), **fixed}
        for at, intent in intents.items()
    ]
    connection.execute(change.insert(), rows)


def adopt(
    connection: Connection,
    by: RunNumbers,
    values: Mapping[At, tuple[Decimal, str]],
    cells: Mapping[str, StoredCell],
    now: datetime,
) -> None:
    """Make numbers known, close the open intents of their keys, and enter what is news in the history."""
    if not values:
        return
    closed = _close_as_confirmed(connection, by, values, now)
    known = known_numbers(connection, values)
    fixed = {"status": ChangeStatus.ADOPTED.value, "intended_at": now, "settles": now, "settled_at": now}
    rows: Rows = []
    news: Rows = []
    for at, (number, source) in values.items():
        row = {**at._asdict(), **cells[source]._asdict(), "run": by.run}
        rows.append({**row, "number": number, "status": Status.CONFIRMED.value, "job": by.job})
        if at not in closed and known.get(at) != number:
            news.append({**row, **fixed, "old": known.get(at), "new": number, "found": number, "settled_by": by.run})
    put_values(connection, rows)
    if news:
        connection.execute(change.insert(), news)


def settle(connection: Connection, by: RunNumbers, outcomes: Mapping[At, Settled], now: datetime) -> None:
    """Record one outcome a key: in the history, and in what is known."""
    intents = open_intents(connection, outcomes)
    closings: Rows = []
    sourced: Rows = []
    bare: Rows = []
    for key, outcome in outcomes.items():
        closings += [_closing_as(outcome, intent, by, now) for intent in intents.get(key, ())]
        if outcome.status in _KNOWING:
            row = {"series": key.series, "period": key.period, "number": outcome.number, "status": outcome.status.value}
            if key in intents:
                last = intents[key][-1]
                sourced.append({**row, "job": last.job, "run": last.run, "origin": last.origin, "place": last.place})
            else:  # known before, such as sent and now confirmed: its source stays
                bare.append({**row, "job": by.job, "run": by.run, "origin": None, "place": ""})
    _close(connection, closings)
    put_values(connection, sourced)
    put_values(connection, bare, keep_source=True)
    forget(connection, [key for key, outcome in outcomes.items() if outcome.status is Status.WITHDRAWN])


def _closing_as(outcome: Settled, intent: Row[Any], by: RunNumbers, now: datetime) -> dict[str, Any]:
    closing = _closing(intent, ChangeStatus(outcome.status.value), by, now)
    if outcome.status is Status.IN_DOUBT:
        closing |= {"now": None, "by": None, "new_settles": outcome.settles or intent.settles}
    found = outcome.number if outcome.status is not Status.SENT else None  # `sent` was not read back
    return closing | {
        "new_answer": plain(outcome.answer, ANSWER_LIMIT) or intent.answer,
        "new_found": intent.found if found is None else found,
    }


def _close_as_confirmed(
    connection: Connection, by: RunNumbers, values: Mapping[At, tuple[Decimal, str]], now: datetime
) -> frozenset[At]:
    """Returns the keys that had an open intent."""
    intents = open_intents(connection, values)
    closings: Rows = []
    for key, found in intents.items():
        at_platform = {"new_found": values[key][0]}
        closings += [_closing(intent, ChangeStatus.CONFIRMED, by, now) | at_platform for intent in found]
    _close(connection, closings)
    return frozenset(intents)


def _closing(intent: Row[Any], status: ChangeStatus, by: RunNumbers, now: datetime) -> dict[str, Any]:
    return {
        "intent": intent.id,
        "new_status": status.value,
        "now": now,
        "by": by.run,
        "new_answer": intent.answer,
        "new_found": intent.found,
        "new_settles": intent.settles,
    }


def _close(connection: Connection, rows: Rows) -> None:
    if rows:
        closing = update(change).where(change.c.id == bindparam("intent"))
        named: dict[str, Any] = {
            "status": bindparam("new_status"),
            "settled_at": bindparam("now"),
            "settled_by": bindparam("by"),
            "answer": bindparam("new_answer"),
            "found": bindparam("new_found"),
            "settles": bindparam("new_settles"),
        }
        connection.execute(closing.values(named), rows)


def put_values(connection: Connection, rows: Rows, *, keep_source: bool = False) -> None:
    """Write what is known; `keep_source` leaves the source cell of a value that is there already."""
    if not rows:
        return
    kept = {"series", "period"} | ({"origin", "place"} if keep_source else set())
    statement = insert_into(connection, value)
    changed = {column.name: statement.excluded[column.name] for column in value.c if column.name not in kept}
    connection.execute(statement.on_conflict_do_update(index_elements=["series", "period"], set_=changed), rows)


def forget(connection: Connection, keys: Iterable[At]) -> None:
    rows = [{"at_series": key.series, "at_period": key.period} for key in keys]
    if rows:
        gone = (value.c.series == bindparam("at_series")) & (value.c.period == bindparam("at_period"))
        connection.execute(delete(value).where(gone), rows)
