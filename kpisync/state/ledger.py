"""Intents, outcomes and adoptions, written down on numbered keys inside a transaction of the caller."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from kpisync.model import Intent, Settled, Stands, Status
from kpisync.state import statements
from kpisync.state.columns import as_milliseconds, as_text, plain
from kpisync.state.numbering import StoredCell
from kpisync.state.prepared import Line, many, once, written
from kpisync.state.tables import CHANGE_STATUS, VALUE_STATUS, ChangeStatus

ANSWER_LIMIT = 500

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
    asked = {
        "run": run,
        "now": as_milliseconds(now),
        "until": as_milliseconds(settles),
        "status": CHANGE_STATUS.code(ChangeStatus.IN_DOUBT),
        "closed_as": CHANGE_STATUS.code(ChangeStatus.SUPERSEDED),
    }
    rows = written([_intended(key, intent, cells[intent.source]) for key, intent in intents.items()])
    many(connection, statements.close, rows, asked)
    many(connection, statements.open_intent, rows, asked)
    once(connection, statements.note_last_change, asked)


def adopt(
    connection: Connection,
    run: int,
    values: Mapping[At, Stands],
    cells: Mapping[str, StoredCell],
    now: datetime,
) -> None:
    """Make numbers known, close the open intents of their keys, and enter what is news in the history."""
    asked = {
        "run": run,
        "now": as_milliseconds(now),
        "closed_as": CHANGE_STATUS.code(ChangeStatus.CONFIRMED),
        "entered_as": CHANGE_STATUS.code(ChangeStatus.ADOPTED),
        "known_as": VALUE_STATUS.code(Status.CONFIRMED),
    }
    rows = written([_adopted(key, stands, cells[stands.source]) for key, stands in values.items()])
    if many(connection, statements.enter_adoption, rows, asked):
        once(connection, statements.note_last_change, asked)
    many(connection, statements.close, rows, asked)
    many(connection, statements.put_value, rows, asked)


def settle(connection: Connection, run: int, outcomes: Mapping[At, Settled], now: datetime) -> None:
    """Record one outcome a key: in the history, and in what is known."""
    found: dict[Status, list[Line]] = defaultdict(list)
    for key, outcome in outcomes.items():
        found[outcome.status].append(_settled(key, outcome))
    for status, each in found.items():
        rows = written(each)
        asked = {"run": run, "now": as_milliseconds(now), "closed_as": _CLOSED_AS[status]}
        if status in VALUE_STATUS.words:
            _know(connection, rows, len(each), {**asked, "known_as": VALUE_STATUS.code(status)})
        if status is Status.WITHDRAWN:
            many(connection, statements.forget, rows, asked)
        many(connection, statements.leave_open if status is Status.IN_DOUBT else statements.close, rows, asked)


def _know(connection: Connection, rows: str, count: int, asked: Mapping[str, Any]) -> None:
    """While the intents are open: they hold the source."""
    if many(connection, statements.put_intended, rows, asked) != count:
        many(connection, statements.put_bare, rows, asked)


def _intended(key: At, intent: Intent, cell: StoredCell) -> Line:
    old = None if intent.old is None else as_text(intent.old)
    new = None if intent.new is None else as_text(intent.new)
    return Line(*key, *cell, old, new)


def _adopted(key: At, stands: Stands, cell: StoredCell) -> Line:
    text = as_text(stands.number)
    return Line(*key, *cell, number=text, found=text, remote=_plain(stands.remote))


def _settled(key: At, outcome: Settled) -> Line:
    """`found` is what was read back, which `sent` was not."""
    number = None if outcome.number is None else as_text(outcome.number)
    return Line(
        *key,
        number=number,
        found=None if outcome.status is Status.SENT else number,
        answer=plain(outcome.answer, ANSWER_LIMIT) or None,
        remote=_plain(outcome.remote),
        settles=None if outcome.settles is None else as_milliseconds(outcome.settles),
    )


def _plain(text: str | None) -> str | None:
    return None if text is None else plain(text)


_CLOSED_AS = {status: CHANGE_STATUS.code(ChangeStatus(status.value)) for status in Status}
