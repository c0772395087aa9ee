"""Intents, outcomes and adoptions, written down on numbered keys inside a transaction of the caller."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from kpisync.model import Intent, Settled, Status
from kpisync.state import statements
from kpisync.state.columns import as_milliseconds, as_text, plain
from kpisync.state.numbering import StoredCell
from kpisync.state.prepared import Rows, many, once
from kpisync.state.tables import CHANGE_STATUS, VALUE_STATUS, ChangeStatus

ANSWER_LIMIT = 500

_NOTHING_NEW = {"answer": None, "found": None}


At = tuple[int, int]  # a numbered key: the series of a value, and its period as it is stored


def intend(
    connection: Connection,
    run: int,
    intents: Mapping[At, Intent],
    cells: Mapping[str, StoredCell],
    now: datetime,
    settles: datetime,
) -> None:
    """Record intents as in doubt; open ones of the same keys are superseded."""
    if not intents:
        return
    at = as_milliseconds(now)
    closing = {"closed_as": CHANGE_STATUS.code(ChangeStatus.SUPERSEDED), "now": at, **_NOTHING_NEW}
    opening = {"status": CHANGE_STATUS.code(ChangeStatus.IN_DOUBT), "intended_at": at}
    fixed = {"run": run, **closing, **opening, "settles": as_milliseconds(settles)}
    rows = [_intended(key, intent, cells[intent.source], fixed) for key, intent in intents.items()]
    many(connection, statements.close, _maybe_open(connection, rows)[0])
    many(connection, statements.open_intent, rows)
    once(connection, statements.note_last_change, {"run": run})


def adopt(
    connection: Connection,
    run: int,
    values: Mapping[At, tuple[Decimal, str]],
    cells: Mapping[str, StoredCell],
    now: datetime,
) -> None:
    """Make numbers known, close the open intents of their keys, and enter what is news in the history."""
    closing = {"closed_as": CHANGE_STATUS.code(ChangeStatus.CONFIRMED), "now": as_milliseconds(now), "answer": None}
    entering = {"entered_as": CHANGE_STATUS.code(ChangeStatus.ADOPTED), "status": VALUE_STATUS.code(Status.CONFIRMED)}
    fixed = {"run": run, **closing, **entering}
    rows = [_adopted(key, number, cells[source], fixed) for key, (number, source) in values.items()]
    doubtful, others = _maybe_open(connection, rows)
    entered = many(connection, statements.enter_adoption_unless_open, doubtful)
    if entered + many(connection, statements.enter_adoption, others):
        once(connection, statements.note_last_change, {"run": run})
    many(connection, statements.close, doubtful)
    many(connection, statements.put_value, rows)


def settle(connection: Connection, run: int, outcomes: Mapping[At, Settled], now: datetime) -> None:
    """Record one outcome a key: in the history, and in what is known."""
    at = as_milliseconds(now)
    rows: dict[Status, Rows] = {status: [] for status in Status}
    for key, outcome in outcomes.items():
        rows[outcome.status].append(_settled(key, outcome, run, at))
    for status in (Status.CONFIRMED, Status.SENT):
        _know(connection, rows[status])
    many(connection, statements.leave_open, rows.pop(Status.IN_DOUBT))
    many(connection, statements.forget, rows[Status.WITHDRAWN])
    for closed in rows.values():
        many(connection, statements.close, closed)


def _know(connection: Connection, rows: Rows) -> None:
    """While the intents are open: they hold the source."""
    if many(connection, statements.put_intended, rows) != len(rows):
        many(connection, statements.put_bare, rows)


def _maybe_open(connection: Connection, rows: Rows) -> tuple[Rows, Rows]:
    """Rows whose keys may have an open intent, and rows whose keys surely have none.

    One look at what is in doubt between the first and the last period: next to nothing, as a rule. Where it is much,
    all may be, and the statement for each key finds out.
    """
    if not rows:
        return [], []
    days = [row["period"] for row in rows]
    wanted = {"first": min(days), "last": max(days), "enough": 4 * len(rows)}
    found = once(connection, statements.open_keys, wanted).all()
    if len(found) == wanted["enough"]:
        return rows, []
    keys = {(row.series, row.period) for row in found}
    parts: tuple[Rows, Rows] = [], []
    for row in rows:
        parts[(row["series"], row["period"]) not in keys].append(row)
    return parts


def _intended(key: At, intent: Intent, cell: StoredCell, fixed: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **fixed,
        "series": key[0],
        "period": key[1],
        "old": None if intent.old is None else as_text(intent.old),
        "new": None if intent.new is None else as_text(intent.new),
        "origin": cell[0],
        "place": cell[1],
    }


def _adopted(key: At, number: Decimal, cell: StoredCell, fixed: Mapping[str, Any]) -> dict[str, Any]:
    text = as_text(number)
    place = {"series": key[0], "period": key[1], "origin": cell[0], "place": cell[1]}
    return {**fixed, **place, "number": text, "found": text}


def _settled(key: At, outcome: Settled, run: int, now: int) -> dict[str, Any]:
    """`found` is what was read back, which `sent` was not."""
    status = outcome.status
    number = None if outcome.number is None else as_text(outcome.number)
    return {
        "run": run,
        "now": now,
        "series": key[0],
        "period": key[1],
        "number": number,
        "found": None if status is Status.SENT else number,
        "known_as": _KNOWN_AS.get(status),
        "closed_as": _CLOSED_AS[status],
        "answer": plain(outcome.answer, ANSWER_LIMIT) or None,
        "settles": None if outcome.settles is None else as_milliseconds(outcome.settles),
    }


_CLOSED_AS = {status: CHANGE_STATUS.code(ChangeStatus(status.value)) for status in Status}
_KNOWN_AS = {status: VALUE_STATUS.code(status) for status in VALUE_STATUS.words}
