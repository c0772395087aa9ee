"""What earlier runs did to many values at once, for the commands that judge by it."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import func, select

from kpisync.model import ValueKey
from kpisync.state import tables
from kpisync.state.numbering import Cell, Series, key_of, series_ids, series_of
from kpisync.state.runs import run as one_run
from kpisync.state.store import Store
from kpisync.state.tables import ChangeStatus

DONE = (ChangeStatus.CONFIRMED, ChangeStatus.SENT, ChangeStatus.WITHDRAWN)


class Attempt(NamedTuple):
    """One intent, or one adoption, in the history of a value."""

    old: Decimal | None
    new: Decimal | None
    status: ChangeStatus
    source: str


def attempts(store: Store, keys: Collection[ValueKey]) -> dict[ValueKey, list[Attempt]]:
    """The history of these values, oldest first; those without any are left out. Reads the history once."""
    if not keys:
        return {}
    of, origin = tables.change.c, tables.origin.c
    periods = [key.record.period for key in keys]
    found: dict[ValueKey, list[Attempt]] = {}
    with store.reading() as connection:
        numbers: dict[Series, int] = {}
        for destination in {key.record.destination for key in keys}:
            numbers |= series_ids(connection, destination)
        wanted = {(numbers.get(series_of(key)), key.record.period): key for key in keys}
        rows = connection.execute(
            select(of.series, of.period, of.old, of.new, of.status, of.place, origin.name)
            .outerjoin(tables.origin, origin.id == of.origin)
            .where(of.period.between(min(periods), max(periods)))
            .order_by(of.id)
        )
        for row in rows:
            if key := wanted.get((row.series, row.period)):
                cell = str(Cell(row.name, row.place))
                found.setdefault(key, []).append(Attempt(row.old, row.new, row.status, cell))
    return found


def changed_later(store: Store, run_id: str) -> dict[ValueKey, str]:
    """The values of a run that another run changed after it, each with the id of the last one that did."""
    run, of = one_run(store, run_id).id, tables.change.c
    mine = (
        select(of.series, of.period, func.max(of.id).label("id"))
        .join(tables.run, tables.run.c.id == of.run)
        .where(tables.run.c.ulid == run)
        .group_by(of.series, of.period)
        .subquery()
    )
    later = (
        select(*[column for column in tables.series.c if column.name != "id"], of.period, tables.run.c.ulid)
        .select_from(tables.change)
        .join(mine, (mine.c.series == of.series) & (mine.c.period == of.period) & (mine.c.id < of.id))
        .join(tables.run, tables.run.c.id == of.run)
        .join(tables.series, tables.series.c.id == of.series)
        .where(tables.run.c.ulid != run, of.status.in_(DONE))
        .order_by(of.id)
    )
    with store.reading() as connection:
        return {key_of(row[:5], row.period): row.ulid for row in connection.execute(later)}
