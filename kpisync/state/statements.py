"""The SQL of the ledger, about many numbered keys or one at a time; `prepared` runs it.

The conditions find the open intents by the partial index, so nothing of them is read or remembered: what another run
or process left open is closed like one's own.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Delete,
    Integer,
    Select,
    String,
    Update,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    null,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.types import TypeEngine

from kpisync.state.prepared import Given, Insert, Words
from kpisync.state.tables import CHANGE_STATUS, IS_IN_DOUBT, ChangeStatus, change, run, value


def _asked(name: str, kind: type[TypeEngine[Any]] = Integer) -> BindParameter[Any]:
    return bindparam(name, type_=kind())


_NOW = _asked("now", BigInteger)
_CONFIRMED: ColumnElement[int] = literal_column(str(CHANGE_STATUS.code(ChangeStatus.CONFIRMED)))


def _is_open(given: Given) -> tuple[ColumnElement[bool], ...]:
    return IS_IN_DOUBT, change.c.period == given.period, change.c.series == given.series


def _is_this(given: Given) -> tuple[ColumnElement[bool], ...]:
    return value.c.period == given.period, value.c.series == given.series


def _has_open(given: Given) -> ColumnElement[bool]:
    return exists(select(change.c.id).where(*_is_open(given)).correlate_except(change))


# ---------------------------------------------------------------- the history


def open_intent(words: Words) -> Insert:
    of_each = {name: words.given[name] for name in ("period", "series", "old", "new", "origin", "place")}
    of_all = {
        "run": _asked("run"),
        "status": _asked("status"),
        "intended_at": _NOW,
        "settles": _asked("until", BigInteger),
    }
    row: dict[str, Any] = {**of_each, **of_all}
    return words.insert(change).from_select(list(row), select(*row.values()))


def close(words: Words) -> Update:
    """Settle the open intents of each key as `closed_as`; an answer or a finding that is not given stays what it was.

    What only repeats is left out: the run that settles, if it is the intent's own, and a confirmed number.
    """
    given, by, closed_as = words.given, _asked("run"), _asked("closed_as")
    is_repeated = (closed_as == _CONFIRMED) & (change.c.new == given.found)
    return (
        update(change)
        .where(*_is_open(given))
        .values(
            status=closed_as,
            settles=null(),
            settled_at=_NOW,
            settled_by=case((change.c.run == by, null()), else_=by),
            answer=func.coalesce(given.answer, change.c.answer),
            found=case((is_repeated, null()), else_=func.coalesce(given.found, change.c.found)),
        )
    )


def leave_open(words: Words) -> Update:
    """Note what is given of an attempt that stays in doubt."""
    noted = {name: func.coalesce(words.given[name], change.c[name]) for name in ("settles", "answer", "found")}
    return update(change).where(*_is_open(words.given)).values(noted)


def enter_adoption(words: Words) -> Insert:
    """Numbers that are not known yet; but the end of an intent of ours is told by the intent."""
    given = words.given
    was_known = select(value.c.number).where(*_is_this(given)).correlate_except(value).scalar_subquery()
    row = {
        "run": _asked("run"),
        "period": given.period,
        "series": given.series,
        "old": was_known,
        "new": given.number,
        "origin": given.origin,
        "place": given.place,
        "status": _asked("entered_as"),
        "intended_at": _NOW,
    }
    is_known = exists(
        select(value.c.series).where(*_is_this(given), value.c.number == given.number).correlate_except(value)
    )
    return words.insert(change).from_select(list(row), select(*row.values()).where(~is_known, ~_has_open(given)))


def note_last_change(words: Words) -> Update:
    newest = select(func.max(change.c.id)).scalar_subquery()
    return update(run).where(run.c.id == _asked("run")).values(changes_upto=newest)


# ---------------------------------------------------------------- what is known


def put_value(words: Words) -> Insert:
    given = words.given
    content = (given.number, _asked("known_as"), _asked("run"), given.remote, given.origin, given.place)
    row = (given.period, given.series, *content)
    return _replacing(words, select(*row).where(true()), _CONTENT)


def put_intended(words: Words) -> Insert:
    """The outcome of each key's open intent: its run and its source cell; nothing where there is no such intent.

    A key has one open intent at most, for a new one closes the others.
    """
    given, intent = words.given, change.c
    content = (given.number, _asked("known_as"), intent.run, given.remote, intent.origin, intent.place)
    row = (intent.period, intent.series, *content)
    return _replacing(words, select(*row).where(*_is_open(given)), _CONTENT)


def put_bare(words: Words) -> Insert:
    """The outcome of keys without an open intent, such as sent and now confirmed: a source cell that it has stays."""
    given = words.given
    cell: tuple[Any, ...] = (null(), literal_column("''"))
    row = (given.period, given.series, given.number, _asked("known_as"), _asked("run"), given.remote, *cell)
    return _replacing(words, select(*row).where(~_has_open(given)), _BARE_CONTENT)


def forget(words: Words) -> Delete:
    given = words.given
    return delete(value).where(tuple_(value.c.period, value.c.series).in_(select(given.period, given.series)))


_COLUMNS = ("period", "series", "number", "status", "run", "remote", "origin", "place")
_BARE_CONTENT = ("number", "status", "run", "remote")
_CONTENT = (*_BARE_CONTENT, "origin", "place")


def _replacing(words: Words, rows: Select[Any], names: tuple[str, ...]) -> Insert:
    statement = words.insert(value).from_select(_COLUMNS, rows)
    changed = {name: statement.excluded[name] for name in names}
    return statement.on_conflict_do_update(index_elements=["period", "series"], set_=changed)


def known_between(words: Words) -> Select[Any]:
    between = value.c.period.between(_asked("first"), _asked("last"))
    known = (value.c.series, value.c.period, value.c.number, value.c.status, value.c.run, value.c.remote)
    return select(*known).where(between)


# ---------------------------------------------------------------- names


def run_number(words: Words) -> Select[Any]:
    return select(run.c.id).where(run.c.ulid == _asked("ulid", String))
