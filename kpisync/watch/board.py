"""The completeness grids: every field of a KPI, team and period, with its values and what stands there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import reduce

from kpisync.model import Interval, Rhythm
from kpisync.state import standing
from kpisync.state.standing import Number
from kpisync.state.store import Store
from kpisync.watch.completeness import Expected, mark_of, worst
from kpisync.watch.configured import Configured
from kpisync.watch.model import Field, Grid, GridRow, Mark
from kpisync.watch.overview import Look
from kpisync.watch.past import Open, SeriesIndex, Span, read_open, read_past, read_past_of, slower
from kpisync.watch.roll import Roll, Spot, expect

Value = tuple[str, Decimal | None, Mark]


@dataclass(frozen=True)
class Board:
    """Over what is expected, and the numbers that stand at the periods that are shown."""

    configured: Configured
    span: Span
    roll: Roll
    numbers: Mapping[Spot, Number]
    ended_before: Mapping[str, date | None]

    def grids(self, destination: str | None, job: str | None) -> tuple[Grid, ...]:
        """By destination and rhythm; None: all. A row of a job is whole, whoever states its other values."""
        of_job = {each.series[:4] for each in self.roll.expected if job in (None, *each.jobs)}
        wanted = [
            each for each in self.roll.expected if destination in (None, each.series[0]) and each.series[:4] in of_job
        ]
        found: dict[tuple[str, Rhythm], list[Expected]] = {}
        for each in wanted:
            found.setdefault((each.series[0], each.rhythm), []).append(each)
        order = list(Interval)
        keys = sorted(found, key=lambda key: (key[0], order.index(key[1].interval), str(key[1].calendar)))
        return tuple(self._grid(*key, found[key]) for key in keys)

    def _grid(self, destination: str, rhythm: Rhythm, expected: Sequence[Expected]) -> Grid:
        periods = tuple((period, self.configured.label(period, rhythm)) for period in self.span.periods(rhythm))
        of_field: dict[tuple[str, ...], list[Expected]] = {}
        for each in expected:
            of_field.setdefault(each.series[1:4], []).append(each)
        rows = sorted((self._row(values, periods) for values in of_field.values()), key=_in_order)
        return Grid(destination, rhythm.interval, periods, tuple(rows))

    def _row(self, expected: Sequence[Expected], periods: Sequence[tuple[date, str]]) -> GridRow:
        destination, kpi, team, sub_tile, _ = expected[0].series
        names, said = self.configured.names(destination), self.configured.said
        team_name, tile_name = names.team(team or None), names.sub_tile(kpi, sub_tile or None)
        paths = [(each, self.configured.path(each.series)) for each in sorted(expected, key=lambda each: each.series)]
        return GridRow(
            kpi=self.configured.kpi(destination, kpi),
            team=team_name and said(team_name),
            sub_tile=tile_name and said(tile_name),
            jobs=tuple(dict.fromkeys(job for each in expected for job in each.jobs)),
            fields=tuple(_field(self._values(paths, period, label)) for period, label in periods),
        )

    def _values(self, paths: Iterable[tuple[Expected, str]], period: date, label: str) -> Iterator[Value]:
        for each, path in paths:
            spot = (each.number, period)
            stands = self.numbers.get(spot)
            mark = mark_of(
                stands and stands.status,
                rejected=spot in self.roll.rejected,
                in_doubt=spot in self.roll.in_doubt,
                due=stands is None and each.is_due(period, self.ended_before.get(each.jobs[0])),
            )
            yield path + label, stands and stands.number, mark


def _field(values: Iterable[Value]) -> Field:
    """Values of which nothing is known, and nothing due, are left out."""
    shown = tuple(value for value in values if value[2] is not Mark.NOT_DUE)
    return Field(reduce(worst, (mark for _, _, mark in shown)) if shown else Mark.NOT_DUE, shown)


def _in_order(row: GridRow) -> tuple[str, str, str]:
    return row.kpi, row.team or "", row.sub_tile or ""


def read_board(store: Store, configured: Configured, span: Span, look: Look) -> Board:
    """All that there is."""
    with store.reading() as connection:
        index = SeriesIndex().read(connection)
        past, open_now = read_past(connection, configured, index, span), read_open(connection, span)
        days = span.whole_days
        numbers = [*standing.numbers_between(connection, days[0], days[-1])]
        for rhythm, series in slower(configured, index).items():
            numbers += standing.numbers_at(connection, span.periods(rhythm), series)
    return _board(configured, span, look, expect(index, past, open_now, configured), numbers)


def read_board_of(store: Store, configured: Configured, span: Span, look: Look, job: str) -> Board:
    """The fields of one job; what is known of new ones may be a minute old."""
    fields = {each.series[:4] for each in look.roll.expected if job in each.jobs}
    some = {each.number: each.series for each in look.roll.expected if each.number > 0 and each.series[:4] in fields}
    with store.reading() as connection:
        past, open_now = read_past_of(connection, configured, some, span), read_open(connection, span)
        numbers: list[Number] = []
        for rhythm in {configured.rhythm(*series[:2]) for series in some.values()}:
            numbers += standing.numbers_at(connection, span.periods(rhythm), some)
    known = Open(*([attempt for attempt in each if attempt.series in some] for each in open_now))
    return _board(configured, span, look, expect(some, past, known, configured), numbers)


def _board(configured: Configured, span: Span, look: Look, roll: Roll, numbers: Iterable[Number]) -> Board:
    by_spot = {(number.series, number.period): number for number in numbers}
    return Board(configured, span, roll, by_spot, look.ended_before)
