"""Forgetting old history: in transactions too short for a run to notice, and never what still stands or is open.

A run is old if it began before a given instant. Its changes go, its closed rejects, the due times of then, and in the
end the run itself with the hashes of its sources. What stays: the change that a known number came from, what is in
doubt, what was undone, open rejects, of each job the newest run of each kind and the one that confirmed last, and every
run that any of these refers to. An old run that nothing refers to is never referred to again: that is why it is safe
to look first and to delete afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, bindparam, delete, false, func, not_, select

from kpisync.ports import Clock
from kpisync.state.broom import Broom, Stopped
from kpisync.state.engine import locate
from kpisync.state.numbering import chunks
from kpisync.state.open import open_readonly
from kpisync.state.store import Store
from kpisync.state.tables import (
    IS_IN_DOUBT,
    ChangeStatus,
    change,
    due,
    job,
    open_reject,
    origin,
    reject,
    run,
    run_origin,
    undone,
    value,
)

_SLICE = 10_000  # rows that are looked at in one transaction
_STOOD = (ChangeStatus.CONFIRMED, ChangeStatus.SENT, ChangeStatus.ADOPTED)


@dataclass
class Forgotten:
    """How many rows went, or would go; `whole` unless something was left for the next time."""

    runs: int = 0
    changes: int = 0
    rejects: int = 0
    dues: int = 0
    origins: int = 0
    whole: bool = True


@dataclass
class _Old:
    """Old runs that are kept only if something refers to them, and what of that was found."""

    spent: set[int] = field(default_factory=set)
    referred: set[int | None] = field(default_factory=set)
    last_change: int = 0  # no change of theirs has a higher id


def would_forget(url: str, before: datetime) -> Forgotten:
    """What `forget` would delete now; nothing is changed. Raises StateError."""
    with open_readonly(url) as store:
        return _Sweep(store, before, None).all()


def forget(url: str, before: datetime, clock: Clock, stopped: Callable[[], bool] = lambda: False) -> Forgotten:
    """Delete history from before an instant, while others read and write; what is left over, the next call deletes.

    `stopped` is asked between two transactions. Raises StateError.
    """
    with open_readonly(url) as store, Broom(locate(url), store, clock, stopped) as broom:
        return _Sweep(store, before, broom).all()


class _Sweep:
    """One round through the store; without a broom it only counts."""

    def __init__(self, store: Store, before: datetime, broom: Broom | None) -> None:
        self._store, self._before, self._broom = store, before, broom
        self._found = Forgotten()

    def all(self) -> Forgotten:
        try:
            old = self._old()
            self._dues(old)
            if old.spent:
                self._values(old)
                self._changes(old)
                self._rejects(old)
            self._runs(sorted(old.spent.difference(old.referred)))
        except Stopped:
            self._found.whole = False
        return self._found

    # ------------------------------------------------------------ what is old

    def _old(self) -> _Old:
        found, newest = _Old(), dict[tuple[int, str | None], int]()  # of each job and kind; None: that confirmed
        with self._store.reading() as connection:
            jobs = {each.id: each for each in connection.execute(select(job))}
            last = connection.execute(select(func.max(run.c.id))).scalar()
        columns = (run.c.id, run.c.job, run.c.kind, run.c.started, run.c.ended, run.c.changes_upto)
        for row in self._sliced(select(*columns), run.c.id, last):
            newest[row.job, row.kind] = row.id
            if row.ended is not None and row.ended == jobs[row.job].confirmed:
                newest[row.job, None] = row.id
            if row.started < self._before:
                found.spent.add(row.id)
                found.last_change = max(found.last_change, row.changes_upto or 0)
        found.spent.difference_update(newest.values(), (each.last_run for each in jobs.values()))
        return found

    # ------------------------------------------------------------ what goes, and what refers to runs

    def _dues(self, old: _Old) -> None:
        """Of each job the newest of then stays, for the later ones may be of a clock that was wrong."""
        newest = select(due.c.job, func.max(due.c.at).label("at")).where(due.c.at < self._before).group_by(due.c.job)
        with self._store.reading() as connection:
            old.referred.update(connection.execute(select(due.c.run).where(due.c.at >= self._before)).scalars())
            newest_of_then = connection.execute(newest).all()
        for each in newest_of_then:
            of_then = (due.c.job == each.job, due.c.at < each.at)
            with self._store.reading() as connection:
                old.referred.update(
                    connection.execute(select(due.c.run).where(due.c.job == each.job, due.c.at == each.at)).scalars()
                )
                gone = connection.execute(select(due.c.job, due.c.at).where(*of_then)).all()
            self._found.dues += self._delete(gone, due.c.job, due.c.at)

    def _values(self, old: _Old) -> None:
        """Before the changes: a number that comes to stand meanwhile does so by a change that is kept."""
        first: date | None = date.min
        while first is not None:
            later = value.c.period >= first
            with self._store.reading() as connection:
                in_order = select(value.c.period).where(later).order_by(value.c.period)
                last = connection.execute(in_order.offset(_SLICE).limit(1)).scalar()
                slice_ = (later,) if last is None else (later, value.c.period <= last)
                old.referred.update(connection.execute(select(value.c.run).where(*slice_).distinct()).scalars())
            first = None if last is None or last == date.max else last + timedelta(days=1)

    def _changes(self, old: _Old) -> None:
        with self._store.reading() as connection:
            newest = connection.execute(select(func.max(change.c.id))).scalar() or 0
        for first in range(1, newest + 1, _SLICE):
            within = change.c.id.between(first, first + _SLICE - 1)
            with self._store.reading() as connection:
                references = Counter(_references(connection, within))
                gone = _gone(connection, within, old.spent) if first <= old.last_change else []
            references.subtract(by for row in gone for by in (row.run, row.settled_by))
            old.referred.update(by for by, count in references.items() if count)
            self._found.changes += self._delete([(row.id,) for row in gone], change.c.id)

    def _rejects(self, old: _Old) -> None:
        is_open = select(open_reject.c.reject)
        with self._store.reading() as connection:
            old.referred.update(connection.execute(select(reject.c.run).where(reject.c.id.in_(is_open))).scalars())
        for some in chunks(sorted(old.spent)):
            closed = select(reject.c.id).where(reject.c.run.in_(some), reject.c.id.not_in(is_open))
            with self._store.reading() as connection:
                gone = connection.execute(closed).all()
            self._found.rejects += self._delete(gone, reject.c.id)

    def _runs(self, gone: Sequence[int]) -> None:
        """With their origins; last of all, so that nothing ever refers to what is not there."""
        if self._broom is None:
            self._found.runs = len(gone)
        elif gone:
            self._broom.prepare(value.c.run, change.c.run, change.c.settled_by, due.c.run)
            self._found.runs = self._broom.sweep(gone, _delete_runs)
        orphans = self._orphans(set(gone))
        if self._broom is None:
            self._found.origins = len(orphans)
        elif orphans:
            self._broom.prepare(value.c.origin, change.c.origin, run_origin.c.origin)
            self._found.origins = self._broom.sweep(orphans, _delete_origins)

    def _orphans(self, gone: Collection[int]) -> list[int]:
        """Files with their hashes, and queries, that no run is left of.

        Not the bare names: they are small, and a store that is open remembers their numbers.
        """
        with self._store.reading() as connection:
            hashed = set(connection.execute(select(origin.c.id).where(origin.c.digest != "")).scalars())
            last = connection.execute(select(func.max(run_origin.c.run))).scalar()
        links = self._sliced(select(run_origin), run_origin.c.run, last)
        return sorted(hashed.difference(link.origin for link in links if link.run not in gone))

    # ------------------------------------------------------------ inside

    def _sliced(self, query: Select[Any], key: ColumnElement[int], last: int | None) -> Iterator[Any]:
        """All rows by a key, in transactions that keep nobody waiting."""
        for first in range(1, (last or 0) + 1, _SLICE):
            with self._store.reading() as connection:
                rows = connection.execute(query.where(key.between(first, first + _SLICE - 1)).order_by(key)).all()
            yield from rows

    def _delete(self, gone: Sequence[Sequence[Any]], *key: Column[Any]) -> int:
        """Rows of one table, by their keys."""
        if self._broom is None:
            return len(gone)
        names = [f"gone_{column.name}" for column in key]
        is_it = [column == bindparam(name, type_=column.type) for column, name in zip(key, names, strict=True)]
        statement = delete(key[0].table).where(*is_it)

        def work(connection: Connection, some: Sequence[Sequence[Any]]) -> int:
            connection.execute(statement, [dict(zip(names, each, strict=True)) for each in some])
            return len(some)

        return self._broom.sweep(gone, work)


def _references(connection: Connection, within: ColumnElement[bool]) -> Counter[int | None]:
    """How many changes refer to each run, as the one they are of or the one that settled them."""
    counted = select(change.c.run, change.c.settled_by, func.count()).where(within)
    found: Counter[int | None] = Counter()
    for by, settled_by, count in connection.execute(counted.group_by(change.c.run, change.c.settled_by)):
        found[by] += count
        found[settled_by] += count
    return found


def _gone(connection: Connection, within: ColumnElement[bool], spent: Collection[int]) -> list[Row[Any]]:
    """Changes of spent runs that no known number came from: not the one that its own run wrote, nor an equal one.

    Of equal ones it can have come only where its own run wrote none: that confirmed what another had sent, or adopted.
    """
    rows = [row for row in connection.execute(_not_its_own(within)).all() if row.run in spent]
    wrote = _written(connection, {row.owner for row in rows if row.is_equal})
    return [row for row in rows if not row.is_equal or (row.owner, row.period, row.series) in wrote]


def _not_its_own(within: ColumnElement[bool]) -> Select[Any]:
    """Settled changes, but those by the run that stands behind the number, and those that an undo still needs."""
    of = change.c
    is_own = func.coalesce(value.c.run == of.run, false())
    is_equal = func.coalesce((value.c.number == of.new) & of.status.in_(_STOOD), false())
    return (
        select(
            of.id, of.run, of.settled_by, of.period, of.series, value.c.run.label("owner"), is_equal.label("is_equal")
        )
        .outerjoin(value, (value.c.period == of.period) & (value.c.series == of.series))
        .outerjoin(undone, (undone.c.period == of.period) & (undone.c.series == of.series))
        .where(within, not_(IS_IN_DOUBT), not_(is_own), undone.c.series.is_(None))
        .order_by(of.id)
    )


def _written(connection: Connection, owners: Collection[int]) -> set[tuple[int, date, int]]:
    """What these runs wrote, by run and key; their changes lie together."""
    of, found = change.c, set[tuple[int, date, int]]()
    theirs = (of.run == run.c.id) & of.id.between(run.c.changes_after + 1, run.c.changes_upto)
    for some in chunks(sorted(owners)):
        wanted = select(of.run, of.period, of.series).join_from(run, change, theirs).where(run.c.id.in_(some))
        found.update((row.run, row.period, row.series) for row in connection.execute(wanted))
    return found


def _delete_runs(connection: Connection, some: Sequence[int]) -> int:
    for numbers in chunks(some):
        connection.execute(delete(run_origin).where(run_origin.c.run.in_(numbers)))
        connection.execute(delete(run).where(run.c.id.in_(numbers)))
    return len(some)


def _delete_origins(connection: Connection, some: Sequence[int]) -> int:
    """But those that a run came to refer to since they were looked at."""
    done = 0
    for numbers in chunks(some):
        of = run_origin.c.origin
        used = set(connection.execute(select(of).where(of.in_(numbers)).distinct()).scalars())
        gone = [number for number in numbers if number not in used]
        connection.execute(delete(origin).where(origin.c.id.in_(gone)))
        done += len(gone)
    return done
