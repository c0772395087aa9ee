"""Values for workdays without any row, of those whose absence is a statement: no accident was entered.

Only whole periods that ended are filled, between the first and the last row of the source unless the job says that it
knows more, and only where somebody worked. Nothing is filled where a row was rejected that could be the missing one:
on its day, or anywhere if its day is not known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from kpisync.mapping.bind import View, sub_tile_of, sure, team_of
from kpisync.mapping.keys import Unmapped, kpi_of, sub_tile_id, team_id, value_id
from kpisync.mapping.numbers import canonical
from kpisync.mapping.options import MapOptions
from kpisync.mapping.periods import days_of, first_day, period_end, period_start, touches, widen
from kpisync.mapping.presence import Presence
from kpisync.mapping.value_options import FillOptions, ValueOptions
from kpisync.mapping.workdays import Workdays
from kpisync.model import Intake, KpiValue, RecordKey, Rhythm, Scope, ValueKey

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Fill:
    """Fills in what a job's map says under `fill_missing`."""

    options: MapOptions
    view: View
    workdays: Mapping[str, Workdays]

    def values(self, stated: Collection[ValueKey], presence: Presence, intake: Intake) -> list[KpiValue]:
        """Those of keys that no row was of. `stated` are the others, be they rejected; `intake` is that of all rows."""
        wanted = [(spec, spec.fill_missing) for spec in self.options.values if spec.fill_missing is not None]
        astray = len(intake.rejections) - presence.told
        if astray:
            rows = "a row was rejected that may be" if astray == 1 else f"{astray} rows were rejected that may be"
            intake.notes.append(f"fill_missing: nothing is filled, because {rows} of any day")
            return []
        found = [
            KpiValue(key, canonical(fill.with_), f"no row on a workday of {fill.workdays}")
            for spec, fill in wanted
            for key in self._keys(spec, fill, presence)
            if key not in stated and key not in presence.keys
        ]
        if found:
            were = "value is" if len(found) == 1 else "values are"
            intake.notes.append(f"fill_missing: {len(found)} {were} filled in, for workdays without a row")
        return found

    def _keys(self, spec: ValueOptions, fill: FillOptions, presence: Presence) -> Iterator[ValueKey]:
        view = self.view
        kpi = sure(partial(kpi_of, view.catalog), str(spec.kpi))
        if view.kpis is not None and kpi.id not in view.kpis:
            return
        value, sub_tile = sure(partial(value_id, kpi), str(spec.value)), sub_tile_of(spec, self.options)
        tile = sure(partial(sub_tile_id, kpi), sub_tile) if isinstance(sub_tile, str) else None
        teams = self._teams(spec, fill)
        for period in self._periods(fill, kpi.rhythm, presence):
            for team in teams:
                yield ValueKey(RecordKey(view.destination, kpi.id, team, tile, period), value)

    def _teams(self, spec: ValueOptions, fill: FillOptions) -> list[str | None]:
        """Their ids; the one None where the platform has none."""
        view, ref = self.view, team_of(spec, self.options)
        ids: list[str | None]
        if fill.teams is not None:
            ids = [sure(partial(team_id, view.catalog), name) for name in fill.teams]
        elif ref is None:
            return [None]
        elif isinstance(ref, str):
            ids = [sure(partial(team_id, view.catalog), ref)]
        else:
            ids = [*self._of_lookup(ref.lookup)]
        return [id for id in dict.fromkeys(ids) if view.teams is None or id in view.teams]

    def _of_lookup(self, lookup: str | None) -> Iterator[str]:
        for name in self.view.lookups[lookup].values() if lookup is not None else ():
            try:
                yield team_id(self.view.catalog, name)
            except Unmapped:  # a row that names it is rejected, so nothing is ever stated of it
                continue

    def _periods(self, fill: FillOptions, rhythm: Rhythm, presence: Presence) -> Iterator[date]:
        wide, workdays = widen(self.view.scope, [rhythm]), self.workdays[fill.workdays]
        spoilt = {period_start(day, *rhythm) for day in presence.spoilt}
        for period in _whole_periods(_span(fill, wide, presence), rhythm):
            looked_at = period not in spoilt and touches(self.view.scope, period, *rhythm)
            if looked_at and any(day in workdays for day in days_of(period, rhythm)):
                yield period


def _span(fill: FillOptions, wide: Scope, presence: Presence) -> tuple[date, date] | None:
    """The days between which a missing row says something; None if there are none."""
    first, last = wide.first, min(wide.today - _DAY, wide.last or date.max)
    if fill.from_ == "first_row" or first is None:
        first = presence.first and max(presence.first, first or date.min)
    if fill.until == "last_row":
        last = min(last, presence.last or date.min)
    return None if first is None else (first, last)


def _whole_periods(span: tuple[date, date] | None, rhythm: Rhythm) -> Iterator[date]:
    if span is None:
        return
    period = period_start(span[0], *rhythm)
    while period_end(period, *rhythm) <= span[1]:
        if first_day(period, *rhythm) >= span[0]:
            yield period
        period = period_start(period_end(period, *rhythm) + _DAY, *rhythm)
