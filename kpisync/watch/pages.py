"""What the pages about one run, one value and all rejects show: documents as the commands print them, in measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from kpisync.kept import changes_json, life_json, run_row_json
from kpisync.mapping.periods import period_start
from kpisync.model import Interval, Rhythm, ValueKey
from kpisync.names import parse_path
from kpisync.reports import reject_json, without_secrets
from kpisync.state import recent, runs, standing
from kpisync.state.numbering import series_of
from kpisync.state.rejects import OpenReject
from kpisync.state.runs import RunRow
from kpisync.state.standing import Spot
from kpisync.state.store import Store
from kpisync.watch.completeness import mark_of
from kpisync.watch.configured import Configured
from kpisync.watch.model import Point, RejectRow, RunPage, ValuePage
from kpisync.watch.steps import moved, step

_CHANGES, _REJECTS = 500, 200
_LISTED = 200  # of a list in a report
_POINTS = 400
_AFTER, _AHEAD = 200, 30  # periods after the one that is looked at, and after today


@dataclass(frozen=True)
class Pages:
    """Over an open store. Every method raises StateError while it cannot be used."""

    store: Store
    configured: Configured

    def runs(self, job: str | None, limit: int, before: str | None) -> Sequence[Mapping[str, Any]]:
        earlier = before and before.strip().upper()
        return [self._run_json(row) for row in runs.runs(self.store, limit, job, earlier)]

    def run(self, run_id: str) -> RunPage:
        row = runs.run(self.store, run_id)
        changes = runs.changes(self.store, row.id, _CHANGES)
        rejects = runs.rejects(self.store, row.id, _REJECTS)
        with self.store.reading() as connection:
            totals = recent.changes_total(connection, row.id), recent.rejects_total(connection, row.id)
        shown = self._clean(changes_json(self.configured.names, changes))
        reasons = self._clean([reject_json(rejection) for rejection in rejects])
        return RunPage(self._run_json(row), tuple(shown), tuple(reasons), *totals)

    def value(self, path: str, now: datetime) -> ValuePage:
        key = parse_path(path, self.configured.catalogs)
        life = runs.life(self.store, key)
        job = self.configured.loaded.jobs.get(life.standing.job) if life.standing else None
        shown = self._clean(life_json(self.configured.names, life, job))
        return ValuePage(shown["path"], shown, self._series(key, now))

    def rejects(self, job: str | None) -> tuple[RejectRow, ...]:
        return tuple(self._reject(each) for each in runs.open_rejects(self.store) if job in (None, each.job))

    # ------------------------------------------------------------ inside

    def _clean(self, document: Any) -> Any:
        return without_secrets(document, self.configured.said)

    def _run_json(self, row: RunRow) -> Mapping[str, Any]:
        """Without its rejects, which are counted; other lists are cut."""
        shown = {
            name: item[:_LISTED] if isinstance(item, list) else item
            for name, item in run_row_json(row).items()
            if name != "rejects"
        }
        cleaned: Mapping[str, Any] = self._clean(shown)
        return cleaned

    def _reject(self, each: OpenReject) -> RejectRow:
        rejection, said = each.rejection, self.configured.said
        key = rejection.key
        return RejectRow(
            job=each.job,
            run=each.run,
            source=None if rejection.source is None else said(rejection.source),
            code=rejection.code,
            reason=said(rejection.reason),
            path=None if key is None else self._path(key),
            number=rejection.number,
            since=each.since,
            runs=each.runs,
            retried=each.job in self.configured.loaded.jobs,
        )

    def _path(self, key: ValueKey) -> str:
        rhythm = self.configured.rhythm(key.record.destination, key.record.kpi)
        return self.configured.path(series_of(key)) + self.configured.label(key.record.period, rhythm)

    def _series(self, key: ValueKey, now: datetime) -> tuple[Point, ...]:
        """The numbers around a value."""
        series = series_of(key)
        rhythm = self.configured.rhythm(*series[:2])
        today = now.astimezone(self.configured.zone).date()
        with self.store.reading() as connection:
            spots = standing.spots(connection, series, around(key.record.period, rhythm, today))
            doubts = standing.doubts_of(connection, series)
        prefix = self.configured.path(series)
        return tuple(self._point(spot, prefix, rhythm, spot.period in doubts) for spot in spots)

    def _point(self, spot: Spot, prefix: str, rhythm: Rhythm, in_doubt: bool) -> Point:
        label = self.configured.label(spot.period, rhythm)
        mark = mark_of(spot.status, rejected=False, in_doubt=in_doubt, due=False)
        source = self.configured.said(spot.source)
        return Point(spot.period, label, spot.number, mark, prefix + label, source, spot.run, spot.job)


def around(period: date, rhythm: Rhythm, today: date) -> list[date]:
    """Periods around one, as many as fit on a page: mostly those before it, and nothing far beyond today."""
    interval: Interval = rhythm.interval
    ahead = step(period_start(today, *rhythm), interval) - step(period, interval) + _AHEAD
    last = min(_AFTER, max(ahead, _AHEAD))
    found = (moved(period, interval, by) for by in range(last - _POINTS + 1, last + 1))
    return [each for each in found if each is not None]
