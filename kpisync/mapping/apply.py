"""Rows → readings: each cell with a number gets its key; what cannot be mapped is rejected with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, tzinfo
from functools import cached_property, lru_cache, partial
from typing import NamedTuple

from kpisync.mapping.bind import (
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
from kpisync.mapping.cells import amount_reader
from kpisync.mapping.cumulative import Calendars, read_from_beginning
from kpisync.mapping.days import Days, ReadDay
from kpisync.mapping.keys import Misfit, kpi_of, sub_tile_id, team_id, value_id
from kpisync.mapping.options import Empty, MapOptions, OpenPeriods
from kpisync.mapping.periods import period_end, period_start, touches, widen
from kpisync.mapping.presence import Presence
from kpisync.mapping.rows import BoundValue, Group, Reading, Rejects
from kpisync.mapping.value_options import CellRef, ValueOptions
from kpisync.mapping.workdays import Workdays
from kpisync.model import Catalog, Intake, Interval, RecordKey, Rhythm, Scope, Table


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
    timezone: tzinfo = UTC  # the plant's
    workdays: Mapping[str, Workdays] = field(default_factory=dict)
    calendars: Calendars = field(default_factory=dict)

    def rhythms(self) -> set[Rhythm]:
        """Those that the job's values can have. Raises ConfigError for a KPI that the catalog does not have."""
        if any(isinstance(spec.kpi, CellRef) for spec in self.options.values):
            return {kpi.rhythm for kpi in self.catalog.kpis.values()} | {Rhythm(Interval.DAY)}
        kpis = [spec.kpi for spec in self.options.values if isinstance(spec.kpi, str)]
        return {sure(partial(kpi_of, self.catalog), kpi).rhythm for kpi in kpis}

    def covers(self, key: RecordKey) -> bool:
        """Whether the source should have stated this record's values, had they been there."""
        rhythm = self.rhythm_of.get(key.kpi, Rhythm(Interval.DAY))
        if not touches(self.scope, key.period, *rhythm):
            return False
        return period_end(key.period, *rhythm) < self.scope.today or not any(map(self._skips_open, self.options.values))

    @cached_property
    def rhythm_of(self) -> dict[str, Rhythm]:
        """Of each KPI that the catalog has, by its id."""
        return {kpi.id: kpi.rhythm for kpi in self.catalog.kpis.values()}

    def _skips_open(self, spec: ValueOptions) -> bool:
        default = OpenPeriods.SKIP if spec.combines else OpenPeriods.SEND
        return (self.open_periods or default) is OpenPeriods.SKIP

    @cached_property
    def _days(self) -> Days:
        return Days(self.options.date, self.timezone)

    @property
    def periods_stand_alone(self) -> bool:
        """Whether a period's own rows decide what it comes to: neither those of others, nor that there are none."""
        return all(spec.cumulative is None and spec.fill_missing is None for spec in self.options.values)

    @property
    def tells_periods_apart(self) -> bool:
        """Whether a row's date cell alone tells the period of all its values."""
        return self._days.by_one_cell and len(self.rhythms()) == 1

    def period_of(self, cell: object) -> date | None:
        """The period that a row with this date belongs to, None if it is outside of the scope.

        `date.min` is all of the source: periods are not told apart, or the date is not readable.
        """
        if not self._days.by_one_cell:
            return date.min
        day = _day(cell, self._days.day, self._widened)
        if isinstance(day, Misfit) or (day is not None and not self.tells_periods_apart):
            return date.min
        return None if day is None else period_start(day, *min(self.rhythms()))

    @property
    def looks_at_all(self) -> bool:
        """Whether every date is looked at, whatever day it is."""
        return self.scope.first is self.scope.last is None and not any(map(self._skips_open, self.options.values))

    def closed(self, period: date) -> bool:
        """Whether all values of a period, as `period_of` tells it, are looked at: it ended, or open ones are sent."""
        if not any(map(self._skips_open, self.options.values)):
            return True
        return period != date.min and period_end(period, *min(self.rhythms())) < self.scope.today

    def readings(self, table: Table, intake: Intake, presence: Presence | None = None) -> Iterator[Reading]:
        """The readings of a table, in its order; rejects are entered in the intake, all rows in `presence`.

        A row outside of the scope gives none, whatever is wrong with it. Raises SourceError for a column that the
        table does not have, ConfigError for a name in the map that the catalog does not have.
        """
        check_fixed_names(self.options, self.catalog)
        dates = self._days.bound(table)
        groups = self._groups(table)
        rejects = Rejects(table.origin, intake, presence)
        read = dates.day if presence is None else presence.noting(dates.day)
        parse = partial(_day, read=read, scope=self._widened)
        remembered = lru_cache(maxsize=10_000)(parse)
        for row in table.rows:
            cell = dates.take(row.cells)
            day = remembered(cell) if type(cell) is str else parse(cell)  # other cells may be equal and yet differ
            if isinstance(day, Misfit):
                rejects.enter(row.line, day)
            elif day is not None:
                for group in groups:
                    yield from group.readings(row, day, rejects)

    @property
    def to_read(self) -> Scope:
        """The dates to ask the source for, so that every row of every period that is looked at is among them."""
        return self._days.to_read(self._widened)

    @cached_property
    def _widened(self) -> Scope:
        rhythms = self.rhythms()
        return read_from_beginning(widen(self.scope, rhythms), self.options.values, rhythms, self.calendars)

    @cached_property
    def view(self) -> View:
        """What the run looks at."""
        align = self.options.date.align
        return View(self.destination, self.catalog, self.lookups, self.scope, align, self.kpis, self.teams)

    def _groups(self, table: Table) -> list[Group]:
        together: dict[tuple[Scope, tuple[Ref, Ref | None, Ref | None]], list[BoundValue]] = {}
        for index, spec in enumerate(self.options.values):
            refs = (spec.kpi, team_of(spec, self.options), sub_tile_of(spec, self.options))
            scope = self.scope if spec.cumulative is None else self._widened  # the reading before may lie before it
            together.setdefault((scope, refs), []).append(self._bound(index, spec, table))
        return [
            Group(
                RecordFinder(
                    refs, table, replace(self.view, scope=scope), skip_open=all(value.skip_open for value in values)
                ),
                values,
            )
            for (scope, refs), values in together.items()
        ]

    def _bound(self, index: int, spec: ValueOptions, table: Table) -> BoundValue:
        return BoundValue(
            spec=index,
            id=OfKpi(part(spec.value, "value", table, self.view), value_id),
            read=amount_reader(spec, table),
            column=" or ".join(spec.columns),
            combines=spec.combines,
            skip_open=self._skips_open(spec),
            reject_empty=self.empty is Empty.REJECT,
            fills=spec.fill_missing is not None,
        )


def _day(cell: object, read: ReadDay, scope: Scope) -> date | Misfit | None:
    """The day of a row; None if nothing of this run can belong to it."""
    day = read(cell)
    return day if isinstance(day, Misfit) or day in scope else None


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
