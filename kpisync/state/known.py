"""What is known of a destination, by value key, at a few dozen bytes a value, and what is in doubt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, Integer, Select, String, select, type_coerce

from kpisync.model import Doubt, Intent, Known, ValueKey
from kpisync.state import tables
from kpisync.state.columns import as_number
from kpisync.state.numbering import Cell, Series, key_of, series_ids, series_of
from kpisync.state.tables import job, run, series, value


class KnownValues(Mapping[ValueKey, Known]):
    """Keyed by series, then by day: keys are made only when someone asks for them, and equal entries are one."""

    def __init__(self, by_series: Mapping[Series, Mapping[int, Known]]) -> None:
        self._by_series = by_series

    def __getitem__(self, key: ValueKey) -> Known:
        days = self._by_series.get(series_of(key))
        if days is None or (known := days.get(key.record.period.toordinal())) is None:
            raise KeyError(key)
        return known

    def __iter__(self) -> Iterator[ValueKey]:
        for name, days in self._by_series.items():
            for day in days:
                yield key_of(name, date.fromordinal(day))

    def __len__(self) -> int:
        return sum(len(days) for days in self._by_series.values())


def read_known(connection: Connection, destination: str, first: date, last: date) -> KnownValues:
    """All of a destination between two days, both inclusive."""
    names = {number: name for name, number in series_ids(connection, destination).items()}
    jobs: dict[int, str] = {row.id: row.name for row in connection.execute(select(job))}
    shared: dict[tuple[str, int, int], Known] = {}
    shared_days: dict[int, int] = {}
    by_series: dict[int, dict[int, Known]] = {}
    for number, day, text, status, owner in connection.execute(_stored(destination, first, last)):
        content = (text, status, owner)
        known = shared.get(content)
        if known is None:
            known = shared[content] = Known(as_number(text), tables.VALUE_STATUS.word(status), jobs[owner])
        by_series.setdefault(number, {})[shared_days.setdefault(day, day)] = known
    return KnownValues({names[number]: days for number, days in by_series.items()})


def _stored(destination: str, first: date, last: date) -> Select[Any]:
    """The columns as they are stored: a million rows are too many for a converter each."""
    columns = (
        value.c.series,
        type_coerce(value.c.period, Integer),
        type_coerce(value.c.number, String),
        type_coerce(value.c.status, Integer),
        run.c.job,
    )
    wanted = select(*columns).join(series, series.c.id == value.c.series).join(run, run.c.id == value.c.run)
    wanted = wanted.where(series.c.destination == destination, value.c.period.between(first, last))
    return wanted.execution_options(yield_per=10_000)


def read_doubts(connection: Connection, destination: str | None = None) -> list[Doubt]:
    """Every open intent, of one destination or of all, oldest first."""
    change, series, origin = tables.change.c, tables.series, tables.origin
    wanted = (
        select(
            *[column for column in series.c if column.name != "id"],
            change.period,
            change.old,
            change.new,
            change.place,
            change.settles,
            origin.c.name.label("origin"),
            tables.job.c.name.label("job"),
            tables.run.c.ulid.label("run"),
        )
        .select_from(tables.change)
        .join(series, series.c.id == change.series)
        .join(tables.run, tables.run.c.id == change.run)
        .join(tables.job, tables.job.c.id == tables.run.c.job)
        .outerjoin(origin, origin.c.id == change.origin)
        .where(tables.IS_IN_DOUBT)
        .order_by(change.id)
    )
    if destination is not None:
        wanted = wanted.where(series.c.destination == destination)
    return [
        Doubt(
            Intent(key_of(row[:5], row.period), row.old, row.new, str(Cell(row.origin, row.place))),
            row.job,
            row.run,
            row.settles,
        )
        for row in connection.execute(wanted)
    ]
