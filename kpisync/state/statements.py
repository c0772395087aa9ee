"""The SQL of the ledger, each statement about one numbered key; `prepared` runs it.

The conditions find the open intents by the partial index, so nothing of them is read or remembered: what another run
or process left open is closed like one's own.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
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
    update,
)
from sqlalchemy.types import TypeEngine

from kpisync.state.prepared import Insert, MakeInsert
from kpisync.state.tables import CHANGE_STATUS, IS_IN_DOUBT, ChangeStatus, change, run, value


def _given(name: str, kind: type[TypeEngine[Any]] = Integer) -> BindParameter[Any]:
    return bindparam(name, type_=kind())


_IS_OPEN = IS_IN_DOUBT, change.c.period == _given("period"), change.c.series == _given("series")
_CONFIRMED: ColumnElement[int] = literal_column(str(CHANGE_STATUS.code(ChangeStatus.CONFIRMED)))
_IS_THIS = value.c.period == _given("period"), value.c.series == _given("series")

# ---------------------------------------------------------------- the history


def open_intent(insert: MakeInsert) -> Insert:
    names = ("run", "period", "series", "old", "new", "origin", "place", "status", "intended_at", "settles")
    return insert(change).values({name: bindparam(name) for name in names}).inline()


def close(insert: MakeInsert) -> Update:
    """Settle the open intents of a key as `closed_as`; an answer or a finding that is not given stays what it was.

    What only repeats is left out: the run that settles, if it is the intent's own, and a confirmed number.
    """
    by, found = _given("run"), _given("found", String)
    is_repeated = (_given("closed_as") == _CONFIRMED) & (change.c.new == found)
    return (
        update(change)
        .where(*_IS_OPEN)
        .values(
            status=bindparam("closed_as"),
            settles=null(),
            settled_at=bindparam("now"),
            settled_by=case((change.c.run == by, null()), else_=by),
            answer=func.coalesce(_given("answer", String), change.c.answer),
            found=case((is_repeated, null()), else_=func.coalesce(found, change.c.found)),
        )
    )


def leave_open(insert: MakeInsert) -> Update:
    """Note what is given of an attempt that stays in doubt."""
    noted = {name: func.coalesce(bindparam(name, type_=change.c[name].type), change.c[name]) for name in _NOTES}
    return update(change).where(*_IS_OPEN).values(noted)


_NOTES = ("settles", "answer", "found")


def open_keys(insert: MakeInsert) -> Select[Any]:
    between = change.c.period.between(_given("first"), _given("last"))
    found = select(change.c.series, change.c.period).where(IS_IN_DOUBT, between)
    return found.limit(_given("enough")).offset(literal_column("0"))


def enter_adoption(insert: MakeInsert) -> Insert:
    """A number that is not known yet."""
    return _enter_adoption(insert)


def enter_adoption_unless_open(insert: MakeInsert) -> Insert:
    """The same, but the end of an intent of ours is told by the intent."""
    return _enter_adoption(insert, ~_is_open())


def _enter_adoption(insert: MakeInsert, *conditions: ColumnElement[bool]) -> Insert:
    was_known = select(value.c.number).where(*_IS_THIS).scalar_subquery()
    row = {
        "run": _given("run"),
        "period": _given("period"),
        "series": _given("series"),
        "old": was_known,
        "new": _given("number", String),
        "origin": _given("origin"),
        "place": _given("place", String),
        "status": _given("entered_as"),
        "intended_at": bindparam("now", type_=change.c.intended_at.type),
    }
    is_known = exists(select(value.c.series).where(*_IS_THIS, value.c.number == _given("number", String)))
    return insert(change).from_select(list(row), select(*row.values()).where(~is_known, *conditions))


def note_last_change(insert: MakeInsert) -> Update:
    newest = select(func.max(change.c.id)).scalar_subquery()
    return update(run).where(run.c.id == _given("run")).values(changes_upto=newest)


# ---------------------------------------------------------------- what is known


def put_value(insert: MakeInsert) -> Insert:
    return _replacing(insert(value).values({name: bindparam(name) for name in _ROW}), _CONTENT)


def put_intended(insert: MakeInsert) -> Insert:
    """The outcome of a key's open intent: its run and its source cell; nothing where there is no such intent."""
    intent = change.c
    row = (intent.period, intent.series, _given("number", String), _given("known_as"))
    found = select(*row, intent.run, intent.origin, intent.place).where(*_IS_OPEN).order_by(intent.id.desc())
    newest = found.limit(literal_column("1")).offset(literal_column("0"))  # numbers would become parameters
    return _replacing(insert(value).from_select(_ROW, newest), _CONTENT)


def put_bare(insert: MakeInsert) -> Insert:
    """The outcome of a key without an open intent, such as sent and now confirmed: a source cell that it has stays."""
    row = (_given("period"), _given("series"), _given("number", String), _given("known_as"), _given("run"))
    bare = select(*row, null(), literal_column("''")).where(~_is_open())
    return _replacing(insert(value).from_select(_ROW, bare), _BARE_CONTENT)


def forget(insert: MakeInsert) -> Delete:
    return delete(value).where(*_IS_THIS)


_ROW = ("period", "series", "number", "status", "run", "origin", "place")
_BARE_CONTENT = ("number", "status", "run")
_CONTENT = (*_BARE_CONTENT, "origin", "place")


def _replacing(statement: Insert, names: tuple[str, ...]) -> Insert:
    changed = {name: statement.excluded[name] for name in names}
    return statement.on_conflict_do_update(index_elements=["period", "series"], set_=changed)


def _is_open() -> ColumnElement[bool]:
    return exists(select(change.c.id).where(*_IS_OPEN))


def known_between(insert: MakeInsert) -> Select[Any]:
    between = value.c.period.between(_given("first"), _given("last"))
    return select(value.c.series, value.c.period, value.c.number, value.c.status, value.c.run).where(between)


# ---------------------------------------------------------------- names


def run_number(insert: MakeInsert) -> Select[Any]:
    return select(run.c.id).where(run.c.ulid == _given("ulid", String))
