"""KPI platforms as sources: what a destination of the configuration holds, read as runs read it before they write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import Literal, TypeVar

from pydantic import Field

from kpisync.errors import ConfigError, SourceError
from kpisync.mapping.keys import Unmapped, kpi_of, sub_tile_id, team_id, value_id
from kpisync.mapping.periods import period_end, period_start
from kpisync.model import Catalog, CatalogKpi, Intake, Interval, RecordKey, ReplyKind, Row, Scope, Table, Values
from kpisync.ports import (
    AdapterSpec,
    Clock,
    Destination,
    PlatformOptions,
    Source,
    Summarises,
    Surroundings,
    Unreadable,
)

COLUMNS = ("kpi", "team", "sub_tile", "value", "date", "number")
_ATTEMPTS = 4
_LONGEST_PAUSE = 60.0  # seconds
_PASSING = (ReplyKind.BUSY, ReplyKind.NOT_SENT, ReplyKind.UNKNOWN, ReplyKind.FAILED)


class KpiOptions(PlatformOptions):
    """Each row is one number: its KPI, team, sub-tile and value kind by their catalog names, its period's first day."""

    kpis: list[str] = Field(min_length=1, description="catalog names or ids")
    values: list[str] = Field(["actual"], min_length=1, description="value kinds, by name or id")
    teams: list[str] | None = Field(None, description="default: every team of the catalog, or none where it has none")
    sub_tiles: list[str] = Field([], description="these too; default: the numbers of whole teams alone")


class QuantiveKpiOptions(KpiOptions):
    statistics: Literal["week", "month", "year"] | None = Field(
        None, description="the platform's own number for the span that is going on and for the one before, of each KPI"
    )


Ids = Mapping[str | None, str | None]  # of teams or sub-tiles by name; None: the platform has none, or the whole team
T = TypeVar("T")
_WHOLE = MappingProxyType[str | None, str | None]({None: None})


@dataclass(frozen=True)
class PlatformSource:
    """A table for each series, so that a row is called as people call a value: `board/scrap/line-1/actual:20261120`."""

    options: KpiOptions
    around: Surroundings

    @property
    def needs_range(self) -> bool:
        return self._span is None

    @property
    def _span(self) -> Interval | None:
        span = getattr(self.options, "statistics", None)
        return span and Interval(span)

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        platform = self.around.platform(self.options.destination)
        destination = platform.connect()
        try:
            for name in self.options.kpis:
                kpi = kpi_of(platform.catalog, name)
                if self._span:
                    yield self._statistics(destination, kpi, self._span, scope.today, intake)
                else:
                    yield from self._records(destination, platform.catalog, kpi, _days(kpi, scope), intake)
        except Unmapped as bad:
            where = f"source {self.options.destination}"
            raise ConfigError(str(bad), where=where, hint="kpisync discover writes the catalog") from None
        finally:
            destination.close()

    def _records(
        self, destination: Destination, catalog: Catalog, kpi: CatalogKpi, days: Sequence[date], intake: Intake
    ) -> Iterator[Table]:
        name, options = self.options.destination, self.options
        teams: Ids = {team: team_id(catalog, team) for team in options.teams or catalog.teams} or _WHOLE
        tiles: Ids = {**_WHOLE, **{tile: sub_tile_id(kpi, tile) for tile in options.sub_tiles}}
        kinds = {value: value_id(kpi, value) for value in options.values}
        keys = {
            (team, tile, day): RecordKey(name, kpi.id, teams[team], tiles[tile], day)
            for team, tile, day in product(teams, tiles, days)
        }
        found: dict[RecordKey, Values] = {}
        for window in destination.windows(keys.values()):
            found.update(_asked(partial(destination.read, window), self.around.clock, f"{name}/{kpi.name}"))
        for team, tile, kind in product(teams, tiles, kinds):
            stated = {day: found.get(keys[team, tile, day], {}).get(kinds[kind]) for day in days}
            yield _table((name, kpi.name, team, tile, kind), stated, intake)

    def _statistics(
        self, destination: Destination, kpi: CatalogKpi, span: Interval, today: date, intake: Intake
    ) -> Table:
        name = self.options.destination
        if not isinstance(destination, Summarises):
            raise ConfigError(f"{name} has no statistics", hint="Leave statistics out")
        ask = partial(destination.statistics, kpi.id, span)
        current, previous = _asked(ask, self.around.clock, f"{name}/{kpi.name}")
        begun = period_start(today, span)
        before = period_start(begun - timedelta(days=1), span)
        return _table((name, kpi.name, None, None, "statistics"), {before: previous, begun: current}, intake)


def _days(kpi: CatalogKpi, scope: Scope) -> list[date]:
    """The first days of all periods that have a day in the scope."""
    if scope.first is None or scope.last is None:
        hint = "Set a lookback for the job, or run with --from and --to"
        raise ConfigError("a KPI platform is read between two dates, and the run has none", hint=hint)
    return list(_periods(kpi, scope.first, scope.last))


def _periods(kpi: CatalogKpi, first: date, last: date) -> Iterator[date]:
    """The first days of all periods that have a day between the two."""
    start = period_start(first, kpi.interval)
    while start <= last:
        yield start
        end = period_end(start, kpi.interval)
        if end == date.max:
            return
        start = end + timedelta(days=1)


def _table(series: tuple[str | None, ...], stated: Mapping[date, Decimal | None], intake: Intake) -> Table:
    origin = "/".join(part for part in series if part is not None)
    _, kpi, team, tile, kind = series
    rows = [
        Row(int(f"{day:%Y%m%d}"), (kpi, team, tile, kind, day, number))
        for day, number in stated.items()
        if number is not None
    ]
    intake.read += len(rows)
    if stated:
        intake.origins[origin] = f"read from {min(stated)} to {max(stated)}"
    return Table(origin, COLUMNS, iter(rows))


def _asked(ask: Callable[[], T], clock: Clock, where: str) -> T:
    """Raises SourceError where the platform keeps failing; half of what it holds is never taken for all of it."""
    for attempt in range(_ATTEMPTS):
        try:
            return ask()
        except Unreadable as failure:
            reply = failure.reply
            if reply.kind not in _PASSING or attempt == _ATTEMPTS - 1:
                what = f"the platform could not be read: {reply.words}"
                raise SourceError(what, where=where, hint="Run again once it answers") from None
            clock.sleep(min(reply.retry_after or float(2**attempt), _LONGEST_PAUSE))
    raise AssertionError("the last attempt returns or raises")


def _build(options: KpiOptions, surroundings: Surroundings) -> Source:
    return PlatformSource(options, surroundings)


VALUESTREAMER: AdapterSpec[Source] = AdapterSpec("What a ValueStreamer board holds", KpiOptions, _build)
QUANTIVE: AdapterSpec[Source] = AdapterSpec("What a Quantive account holds", QuantiveKpiOptions, _build)
GTMHUB: AdapterSpec[Source] = AdapterSpec("What a Gtmhub account holds", KpiOptions, _build)
