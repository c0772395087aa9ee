"""Rows → readings: each cell with a number gets its key; what cannot be mapped is rejected with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from kpisync.mapping.keys import Pick, Unmapped, kpi_of, pick, sub_tile_id, team_id, value_id
from kpisync.mapping.options import Aggregate, CellRef, Empty, MapOptions, OpenPeriods, ValueOptions
from kpisync.mapping.parse import BadCell, parse_date, parse_minutes
from kpisync.mapping.periods import period_end, period_name, period_start, touches
from kpisync.model import Catalog, CatalogKpi, Intake, Interval, NumberFormat, RecordKey, Row, Scope, Table, ValueKey
from kpisync.tables.columns import find_column
from kpisync.tables.numbers import BadNumber, parse_number


class Reading(NamedTuple):
    """One cell under its key, before aggregation. `number` is None where the cell was rejected: its key is spoilt."""

    spec: int
    key: ValueKey
    day: date
    number: Decimal | None
    line: int


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
        """The intervals that the job's values can have."""
        found: set[Interval] = set()
        for spec in self.options.values:
            if isinstance(spec.kpi, CellRef):
                return {kpi.interval for kpi in self.catalog.kpis.values()} | {Interval.DAY}
            found.add(kpi_of(self.catalog, spec.kpi).interval)
        return found

    def covers(self, key: RecordKey) -> bool:
        """Whether the source should have stated this record's values, had they been there."""
        interval = self.catalog.interval(key.kpi)
        closed = period_end(key.period, interval) < self.scope.today
        skips_open = any(self._skips_open(spec) for spec in self.options.values)
        return touches(self.scope, key.period, interval) and (closed or not skips_open)

    def _skips_open(self, spec: ValueOptions) -> bool:
        default = OpenPeriods.SKIP if spec.aggregate else OpenPeriods.SEND
        return (self.open_periods or default) is OpenPeriods.SKIP

    def readings(self, table: Table, intake: Intake) -> Iterator[Reading]:
        """The readings of a table, in its order; rejects are entered in the intake. Raises SourceError for a column."""
        specs = [self._bind(index, spec, table) for index, spec in enumerate(self.options.values)]
        when = self.options.date
        date_index = find_column(table.columns, when.column, table.origin)
        days = lru_cache(maxsize=4096)(lambda cell: parse_date(cell, when.format))
        for row in table.rows:
            try:
                day = days(row.cells[date_index])
                if day is None:
                    raise Unmapped("no-date", f"column {when.column} is empty, so the period is unknown")
            except (BadCell, Unmapped) as bad:
                code = bad.code if isinstance(bad, Unmapped) else "bad-date"
                intake.reject(f"{table.origin}:{row.line}", code, str(bad))
                continue
            yield from _row_readings(row, day, specs, table.origin, intake)

    def _bind(self, index: int, spec: ValueOptions, table: Table) -> BoundSpec:
        def bind(ref: str | CellRef | None, what: str) -> Pick | None:
            return None if ref is None else pick(ref, what, table.columns, table.origin, self.lookups)

        kpi, value = bind(spec.kpi, "kpi"), bind(spec.value, "value")
        assert kpi and value  # noqa: S101 - both are required by the options
        return BoundSpec(
            index=index,
            mapper=self,
            read=_reader(spec, table),
            kpi=kpi,
            value=value,
            team=bind(self.options.team if spec.team is None else spec.team, "team"),
            sub_tile=bind(self.options.sub_tile if spec.sub_tile is None else spec.sub_tile, "sub-tile"),
            skip_open=self._skips_open(spec),
        )


@dataclass(frozen=True)
class BoundSpec:
    """One entry of `values:` bound to the columns of a table."""

    index: int
    mapper: Mapper
    read: Callable[[Sequence[object]], Decimal | None]
    kpi: Pick
    value: Pick
    team: Pick | None
    sub_tile: Pick | None
    skip_open: bool
    resolved: dict[tuple[str, str, str | None, str | None], Resolved] = field(default_factory=dict)

    def key(self, cells: Sequence[object], day: date) -> ValueKey | None:
        """The key of a row's value; None if it is outside of what the run looks at. Raises Unmapped."""
        names = (
            self.kpi(cells),
            self.value(cells),
            self.team(cells) if self.team else None,
            self.sub_tile(cells) if self.sub_tile else None,
        )
        ids = self.resolved.get(names)
        if ids is None:
            ids = self.resolved[names] = resolve(self.mapper.catalog, *names)
        period = self._period(day, ids.interval)
        if period is None or not self._wanted(ids):
            return None
        return ValueKey(RecordKey(self.mapper.destination, ids.kpi, ids.team, ids.sub_tile, period), ids.value)

    def _wanted(self, ids: Resolved) -> bool:
        kpis, teams = self.mapper.kpis, self.mapper.teams
        return (kpis is None or ids.kpi in kpis) and (teams is None or ids.team in teams)

    def _period(self, day: date, interval: Interval) -> date | None:
        start = period_start(day, interval)
        scope = self.mapper.scope
        if not touches(scope, start, interval):
            return None
        if start != day and not self.mapper.options.date.align:
            raise Unmapped(
                "not-aligned",
                f"{day} is not the first day of its {interval} ({period_name(start, interval)} starts on {start}); "
                "correct it, or set align: true under map.date",
            )
        return None if self.skip_open and scope.today <= period_end(start, interval) else start


class Resolved(NamedTuple):
    kpi: str
    interval: Interval
    value: str
    team: str | None
    sub_tile: str | None


def resolve(catalog: Catalog, kpi: str, value: str, team: str | None, sub_tile: str | None) -> Resolved:
    """Catalog names or ids → ids. Raises Unmapped naming the nearest name."""
    known: CatalogKpi = kpi_of(catalog, kpi)
    return Resolved(
        known.id,
        known.interval,
        value_id(known, value),
        None if team is None else team_id(catalog, team),
        None if sub_tile is None else sub_tile_id(known, sub_tile),
    )


def _reader(spec: ValueOptions, table: Table) -> Callable[[Sequence[object]], Decimal | None]:
    if spec.constant is not None:
        constant = spec.constant
        return lambda cells: constant
    if spec.column is None:  # count of rows
        return lambda cells: Decimal(1)
    index = find_column(table.columns, spec.column, table.origin)
    if spec.as_ == "minutes":
        return lambda cells: parse_minutes(cells[index])
    format = _format_of(table, index)
    if spec.aggregate is Aggregate.COUNT:  # of cells that are not empty
        return lambda cells: None if _is_null(cells[index], format) else Decimal(1)
    return lambda cells: parse_number(cells[index], format)


def _format_of(table: Table, index: int) -> NumberFormat:
    return table.column_numbers.get(table.columns[index], table.numbers)


def _is_null(cell: object, format: NumberFormat) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip() in format.nulls)


def _row_readings(row: Row, day: date, specs: Sequence[BoundSpec], origin: str, intake: Intake) -> Iterator[Reading]:
    for spec in specs:
        try:
            key = spec.key(row.cells, day)
        except Unmapped as bad:
            _reject_once(intake, f"{origin}:{row.line}", bad)
            continue
        if key is None:
            continue
        try:
            number = spec.read(row.cells)
        except (BadNumber, BadCell) as bad:
            column = spec.mapper.options.values[spec.index].column
            intake.reject(f"{origin}:{row.line}", "bad-number", f"column {column}: {bad}")
            yield Reading(spec.index, key, day, None, row.line)
            continue
        if number is not None:
            yield Reading(spec.index, key, day, number, row.line)
        elif spec.mapper.empty is Empty.REJECT:
            column = spec.mapper.options.values[spec.index].column
            intake.reject(f"{origin}:{row.line}", "empty", f"column {column} is empty, and the job says empty: reject")
            yield Reading(spec.index, key, day, None, row.line)


def _reject_once(intake: Intake, place: str, bad: Unmapped) -> None:
    """A row whose team is unknown is one reject, however many values it has."""
    last = intake.rejections[-1] if intake.rejections else None
    if last is None or (last.source, last.code, last.reason) != (place, bad.code, bad.reason):
        intake.reject(place, bad.code, bad.reason)
