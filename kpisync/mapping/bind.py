"""The keys of a job's `map:` bound to the columns of a table: which record a row belongs to, and which value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from operator import itemgetter
from typing import NamedTuple, Protocol, TypeVar

from kpisync.errors import ConfigError
from kpisync.mapping.keys import Answers, Misfit, Unmapped, kpi_of, looked_up, sub_tile_id, team_id, value_id
from kpisync.mapping.options import MapOptions
from kpisync.mapping.periods import first_day, period_end, period_name, period_start, touches
from kpisync.mapping.value_options import CellRef, ValueOptions
from kpisync.model import Catalog, CatalogKpi, RecordKey, Rhythm, Scope, Table
from kpisync.tables.columns import find_column

T = TypeVar("T")
Cells = Sequence[object]
Ref = str | CellRef


@dataclass(frozen=True)
class View:
    """What a run looks at, and in which terms. Ids in the filters; None: all."""

    destination: str
    catalog: Catalog
    lookups: Mapping[str, Mapping[str, str]]
    scope: Scope
    align: bool
    kpis: frozenset[str] | None
    teams: frozenset[str] | None


# ---------------------------------------------------------------- names of the configuration


def sure(find: Callable[[str], T], name: str) -> T:
    """What a name of the configuration stands for; without it no row could be mapped, so it is a ConfigError."""
    try:
        return find(name)
    except Unmapped as bad:
        raise ConfigError(
            bad.reason, hint="Catalog names stand under `catalog`; kpisync discover writes them"
        ) from None


def check_fixed_names(options: MapOptions, catalog: Catalog) -> None:
    """Raises ConfigError for a name that stands in the map itself and not in the catalog."""
    for spec in options.values:
        team, sub_tile = team_of(spec, options), sub_tile_of(spec, options)
        if isinstance(team, str):
            sure(partial(team_id, catalog), team)
        if isinstance(spec.kpi, str):
            kpi = sure(partial(kpi_of, catalog), spec.kpi)
            if isinstance(spec.value, str):
                sure(partial(value_id, kpi), spec.value)
            if isinstance(sub_tile, str):
                sure(partial(sub_tile_id, kpi), sub_tile)


class Whole(Protocol):
    """What a map says for all its values."""

    @property
    def team(self) -> Ref | None: ...

    @property
    def sub_tile(self) -> Ref | None: ...


def team_of(spec: ValueOptions, whole: Whole) -> Ref | None:
    return whole.team if spec.team is None else spec.team


def sub_tile_of(spec: ValueOptions, whole: Whole) -> Ref | None:
    return whole.sub_tile if spec.sub_tile is None else spec.sub_tile


# ---------------------------------------------------------------- parts of a key


@dataclass(frozen=True)
class Part:
    """Where a part of the key stands (one text for every row, or a column), and how its text becomes a name."""

    take: Callable[[Cells], object]
    name: Callable[[str], str]  # raises Unmapped
    empty: Misfit
    fixed: bool

    def finder(self, find: Callable[[str], T]) -> Callable[[Cells], T | Misfit]:
        """A row's cells → what the name in them stands for; `find` raises Unmapped."""
        answers = Answers(self.take, lambda text: find(self.name(text)), self.empty)
        if not self.fixed:
            return answers
        answer = answers(())
        return lambda cells: answer


def part(ref: Ref, what: str, table: Table, view: View) -> Part:
    """`what` names it in rejects: team, kpi, value, sub-tile. SourceError for a column that the table does not have."""
    if isinstance(ref, str):
        return Part(lambda cells: ref, str, Misfit(f"no-{what}", f"the {what} of the map is empty"), fixed=True)
    empty = Misfit(f"no-{what}", f"column {ref.column} is empty, so the {what} is unknown")
    name: Callable[[str], str] = str
    if ref.lookup is not None:
        name = partial(looked_up, lookup=view.lookups[ref.lookup], name=ref.lookup, what=what)
    take = itemgetter(find_column(table.columns, ref.column, table.origin))
    return Part(take, name, empty, fixed=False)


class Period(NamedTuple):
    """The period of a day. `misfit` says why the day may not stand for it."""

    start: date
    open: bool
    misfit: Misfit | None


def period_of(day: date, rhythm: Rhythm, view: View) -> Period | None:
    """None if the scope has no day of it."""
    start = period_start(day, *rhythm)
    if not touches(view.scope, start, *rhythm):
        return None
    misfit = None
    first = first_day(start, *rhythm)
    if first != day and not view.align:
        misfit = Misfit(
            "not-aligned",
            f"{day} is not the first day of its {rhythm.interval} ({period_name(start, *rhythm)} starts on {first}); "
            "correct it, or set align: true under map.date",
        )
    return Period(start, view.scope.today <= period_end(start, *rhythm), misfit)


@dataclass(frozen=True)
class BoundKpi:
    """A KPI as a run sees it."""

    kpi: CatalogKpi
    id: str
    wanted: bool
    period: Callable[[date], Period | None]


def bound_kpi(text: str, view: View) -> BoundKpi:
    """Raises Unmapped."""
    kpi = kpi_of(view.catalog, text)
    period = lru_cache(maxsize=10_000)(partial(period_of, rhythm=kpi.rhythm, view=view))
    return BoundKpi(kpi, kpi.id, view.kpis is None or kpi.id in view.kpis, period)


class OfKpi:
    """A part whose names differ from KPI to KPI: the value kind, the sub-tile."""

    def __init__(self, part: Part, find: Callable[[CatalogKpi, str], str]) -> None:
        self._part, self._find = part, find
        self._finders: dict[str, Callable[[Cells], str | Misfit]] = {}

    def __call__(self, kpi: BoundKpi, cells: Cells) -> str | Misfit:
        finder = self._finders.get(kpi.id)
        if finder is None:
            finder = self._finders[kpi.id] = self._part.finder(partial(self._find, kpi.kpi))
        return finder(cells)


# ---------------------------------------------------------------- the record of a row


class Place(NamedTuple):
    """The record that a row belongs to."""

    kpi: BoundKpi
    record: RecordKey
    period: Period


# What RecordKey(…) and Place(…) do, at a third of the price; there is one of each for every row.
_record_key = partial(tuple.__new__, RecordKey)
_place = partial(tuple.__new__, Place)


class RecordFinder:
    """Row → its record, for the values of a map that have their KPI, team and sub-tile from the same places."""

    def __init__(self, refs: tuple[Ref, Ref | None, Ref | None], table: Table, view: View, *, skip_open: bool) -> None:
        kpi, team, sub_tile = refs
        self._view, self._skip_open = view, skip_open
        self._kpi = part(kpi, "kpi", table, view).finder(partial(bound_kpi, view=view))
        self._team: Callable[[Cells], str | Misfit | None] = lambda cells: None
        if team is not None:
            self._team = part(team, "team", table, view).finder(partial(team_id, view.catalog))
        self._sub_tile: Callable[[BoundKpi, Cells], str | Misfit | None] = lambda kpi, cells: None
        if sub_tile is not None:
            self._sub_tile = OfKpi(part(sub_tile, "sub-tile", table, view), sub_tile_id)

    def place(self, cells: Cells, day: date) -> Place | Misfit | None:
        """None if the run does not look at it; what lies outside of the run is not looked at any closer."""
        kpi = self._kpi(cells)
        if isinstance(kpi, Misfit):
            return kpi
        period = kpi.period(day) if kpi.wanted else None
        if period is None or (period.open and self._skip_open):
            return None
        team = self._team(cells)
        if isinstance(team, Misfit):
            return team
        if self._view.teams is not None and team not in self._view.teams:
            return None
        sub_tile = self._sub_tile(kpi, cells)
        if isinstance(sub_tile, Misfit):
            return sub_tile
        record = _record_key((self._view.destination, kpi.id, team, sub_tile, period.start))
        return _place((kpi, record, period))
