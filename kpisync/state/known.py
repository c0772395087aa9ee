"""What is known of a destination, by value key, at a few dozen bytes a value, and what is in doubt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from sqlalchemy import Connection, select

from kpisync.model import Doubt, Intent, Known, ValueKey
from kpisync.state import statements, tables
from kpisync.state.columns import as_number
from kpisync.state.numbering import Cell, Series, key_of, series_ids, series_of
from kpisync.state.prepared import stream
from kpisync.state.tables import VALUE_STATUS, job, run


class KnownValues(Mapping[ValueKey, Known]):
    """By day and by series number: keys are made only when someone asks for them, and equal entries are one."""

    def __init__(self, numbers: Mapping[Series, int], by_day: Mapping[int, Mapping[int, Known]]) -> None:
        self._numbers = numbers
        self._by_day = by_day

    def __getitem__(self, key: ValueKey) -> Known:
        values = self._by_day.get(key.record.period.toordinal())
        number = self._numbers.get(series_of(key))
        if values is None or number is None or (known := values.get(number)) is None:
            raise KeyError(key)
        return known

    def __iter__(self) -> Iterator[ValueKey]:
        names = {number: name for name, number in self._numbers.items()}
        for day, values in self._by_day.items():
            period = date.fromordinal(day)
            for number in values:
                yield key_of(names[number], period)

    def __len__(self) -> int:
        return sum(map(len, self._by_day.values()))


def read_known(connection: Connection, destination: str, first: date, last: date) -> KnownValues:
    """All of a destination between two days, both inclusive; every statement of this loop counts a million times."""
    numbers = series_ids(connection, destination)
    own = {number: number for number in numbers.values()}  # one object a series, instead of one a value
    jobs = {row.id: row.name for row in connection.execute(select(run.c.id, job.c.name).join(job))}
    by_day: dict[int, dict[int, Known]] = {}
    entries: dict[tuple[int, str], dict[str, Known]] = {}
    last_content: tuple[int, int] | None = None
    between = {"first": first.toordinal(), "last": last.toordinal()}
    for series, day, text, status, by, remote in stream(connection, statements.known_between, between):
        number = own.get(series)
        if number is None:  # another destination's
            continue
        if (status, by) != last_content:
            last_content = status, by
            equal = entries.setdefault((status, jobs[by]), {})
        known = equal.get(text)
        if remote is not None:
            known = Known(as_number(text), VALUE_STATUS.word(status), jobs[by], remote)
        elif known is None:
            known = equal[text] = Known(as_number(text), VALUE_STATUS.word(status), jobs[by])
        values = by_day.get(day)
        if values is None:
            values = by_day[day] = {}
        values[number] = known
    return KnownValues(numbers, by_day)


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
