"""Rows → readings: each cell with a number gets its key; what cannot be mapped is rejected with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache, partial
from typing import NamedTuple

from kpisync.mapping.bind import (
    Cells,
    OfKpi,
    RecordFinder,
    Ref,
    View,
    check_fixed_names,
    part,
    sub_tile_of,
    sure,
    team_of,
)
from kpisync.mapping.keys import Misfit, kpi_of, sub_tile_id, team_id, value_id
from kpisync.mapping.numbers import ReadNumber, number_reader
from kpisync.mapping.options import CellRef, Empty, MapOptions, OpenPeriods, ValueOptions
from kpisync.mapping.parse import BadCell, parse_date
from kpisync.mapping.periods import period_end, period_start, touches, widen
from kpisync.model import Catalog, Intake, Interval, RecordKey, Row, Scope, Table, ValueKey
from kpisync.tables.columns import find_column
from kpisync.tables.numbers import BadNumber


class Reading(NamedTuple):
    """One cell under its key, before aggregation. `number` is None where the row was rejected: its key is spoilt."""

    spec: int  # its place in `values:`
    key: ValueKey
    day: date
    number: Decimal | None
    line: int


# What ValueKey(…) and Reading(…) do, at a third of the price; there is one of each for every value of every row.
_value_key = partial(tuple.__new__, ValueKey)
_reading = partial(tuple.__new__, Reading)


@dataclass(frozen=True)
class Mapper:
    """A job's `map:` with all that it refers to."""

    options: MapOptions
    destination: str
    catalog: Catalog
    lookups: Mapping[str, Mapping[str, str]]
    scope: Scope
    empty: Empty = Empty.SKIP
    open_periods: OpenPeriods | None = None  # None: send, but skip where values are aggregated
    kpis: frozenset[str] | None = None  # only these KPI ids
    teams: frozenset[str] | None = None  # only these team ids

    def intervals(self) -> set[Interval]:
        """The intervals that the job's values can have. Raises ConfigError for a KPI that the catalog does not have."""
        if any(isinstance(spec.kpi, CellRef) for spec in self.options.values):
            return {kpi.interval for kpi in self.catalog.kpis.values()} | {Interval.DAY}
        kpis = [spec.kpi for spec in self.options.values if isinstance(spec.kpi, str)]
        return {sure(partial(kpi_of, self.catalog), kpi).interval for kpi in kpis}

    def covers(self, key: RecordKey) -> bool:
        """Whether the source should have stated this record's values, had they been there."""
        interval = self._interval_of.get(key.kpi, Interval.DAY)
        if not touches(self.scope, key.period, interval):
            return False
        return period_end(key.period, interval) < self.scope.today or not any(
            map(self._skips_open, self.options.values)
        )

    @cached_property
    def _interval_of(self) -> dict[str, Interval]:
        return {kpi.id: kpi.interval for kpi in self.catalog.kpis.values()}

    def _skips_open(self, spec: ValueOptions) -> bool:
        default = OpenPeriods.SKIP if spec.aggregate else OpenPeriods.SEND
        return (self.open_periods or default) is OpenPeriods.SKIP

    @property
    def tells_periods_apart(self) -> bool:
        """Whether a row's date alone tells the period of all its values."""
        return len(self.intervals()) == 1

    def period_of(self, cell: object) -> date | None:
        """The period that a row with this date belongs to, None if it is outside of the scope.

        `date.min` is all of the source: periods are not told apart, or the date is not readable.
        """
        day = _day(cell, "", self.options.date.format, self._widened)
        if isinstance(day, Misfit) or (day is not None and not self.tells_periods_apart):
            return date.min
        return None if day is None else period_start(day, min(self.intervals()))

    @property
    def looks_at_all(self) -> bool:
        """Whether every date is looked at, whatever day it is."""
        return self.scope.first is self.scope.last is None and not any(map(self._skips_open, self.options.values))

    def closed(self, period: date) -> bool:
        """Whether all values of a period, as `period_of` tells it, are looked at: it ended, or open ones are sent."""
        if not any(map(self._skips_open, self.options.values)):
            return True
        return period != date.min and period_end(period, min(self.intervals())) < self.scope.today

    def readings(self, table: Table, intake: Intake) -> Iterator[Reading]:
        """The readings of a table, in its order; rejects are entered in the intake.

        A row outside of the scope gives none, whatever is wrong with it. Raises SourceError for a column that the
        table does not have, ConfigError for a name in the map that the catalog does not have.
        """
        check_fixed_names(self.options, self.catalog)
        date_index = find_column(table.columns, self.options.date.column, table.origin)
        groups = self._groups(table)
        rejects = Rejects(table.origin, intake)
        parse = partial(_day, column=self.options.date.column, format=self.options.date.format, scope=self._widened)
        remembered = lru_cache(maxsize=10_000)(parse)
        for row in table.rows:
            cell = row.cells[date_index]
            day = remembered(cell) if type(cell) is str else parse(cell)  # other cells may be equal and yet differ
            if isinstance(day, Misfit):
                rejects.enter(row.line, day)
            elif day is not None:
                for group in groups:
                    yield from group.readings(row, day, rejects)

    @property
    def _widened(self) -> Scope:
        return widen(self.scope, self.intervals())

    def _groups(self, table: Table) -> list[Group]:
        align = self.options.date.align
        view = View(self.destination, self.catalog, self.lookups, self.scope, align, self.kpis, self.teams)
        together: dict[tuple[Ref, Ref | None, Ref | None], list[BoundValue]] = {}
        for index, spec in enumerate(self.options.values):
            refs = (spec.kpi, team_of(spec, self.options), sub_tile_of(spec, self.options))
            together.setdefault(refs, []).append(self._bound(index, spec, table, view))
        return [
            Group(RecordFinder(refs, table, view, skip_open=all(value.skip_open for value in values)), values)
            for refs, values in together.items()
        ]

    def _bound(self, index: int, spec: ValueOptions, table: Table, view: View) -> BoundValue:
        return BoundValue(
            spec=index,
            id=OfKpi(part(spec.value, "value", table, view), value_id),
            read=number_reader(spec, table),
            column=spec.column,
            aggregated=spec.aggregate is not None,
            skip_open=self._skips_open(spec),
            reject_empty=self.empty is Empty.REJECT,
        )


def _day(cell: object, column: str, format: str | None, scope: Scope) -> date | Misfit | None:
    """The day of a row; None if nothing of this run can belong to it."""
    try:
        day = parse_date(cell, format)
    except BadCell as bad:
        return Misfit("bad-date", f"column {column}: {bad}")
    if day is None:
        return Misfit("no-date", f"column {column} is empty, so the period is unknown")
    return day if day in scope else None


@dataclass(frozen=True)
class BoundValue:
    """One entry of `values:` bound to the columns of a table."""

    spec: int
    id: OfKpi
    read: ReadNumber
    column: str | None
    aggregated: bool
    skip_open: bool
    reject_empty: bool


class Rejects:
    """Enters the rejects of a table; a row whose team is unknown is one reject, however many values it has."""

    def __init__(self, origin: str, intake: Intake) -> None:
        self._origin, self._intake = origin, intake
        self._line, self._said = 0, set[Misfit]()

    def enter(self, line: int, why: Misfit) -> None:
        if line != self._line:
            self._line, self._said = line, set()
        if why not in self._said:
            self._said.add(why)
            self._intake.reject(f"{self._origin}:{line}", why.code, why.reason)


@dataclass(frozen=True)
class Group:
    """The values of a map that stand in one record."""

    finder: RecordFinder
    values: list[BoundValue]

    def readings(self, row: Row, day: date, rejects: Rejects) -> Sequence[Reading]:
        line, cells = row
        place = self.finder.place(cells, day)
        if place is None:
            return ()
        if isinstance(place, Misfit):
            rejects.enter(line, place)
            return ()
        found = []
        kpi, record, period = place
        for value in self.values:
            if period.open and value.skip_open:
                continue
            id = value.id(kpi, cells)
            if isinstance(id, Misfit):
                rejects.enter(line, id)
                continue
            number = period.misfit or _number(value, cells)
            if number is None:
                continue
            if isinstance(number, Misfit):
                rejects.enter(line, number)
                if period.misfit and not value.aggregated:
                    continue
                number = None
            found.append(_reading((value.spec, _value_key((record, id)), day, number, line)))
        return found


def _number(value: BoundValue, cells: Cells) -> Decimal | Misfit | None:
    """The number of a cell; None where an empty cell is no statement."""
    try:
        number = value.read(cells)
    except (BadNumber, BadCell) as bad:
        return Misfit("bad-number", f"column {value.column}: {bad}")
    if number is None and value.reject_empty:
        return Misfit("empty", f"column {value.column} is empty, and the job says empty: reject")
    return number


class Resolved(NamedTuple):
    kpi: str
    interval: Interval
    value: str
    team: str | None
    sub_tile: str | None


def resolve(catalog: Catalog, kpi: str, value: str, team: str | None, sub_tile: str | None) -> Resolved:
    """Catalog names or ids → ids. Raises Unmapped naming the nearest name."""
    known = kpi_of(catalog, kpi)
    return Resolved(
        known.id,
        known.interval,
        value_id(known, value),
        None if team is None else team_id(catalog, team),
        None if sub_tile is None else sub_tile_id(known, sub_tile),
    )
