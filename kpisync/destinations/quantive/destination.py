"""Quantive Results and Gtmhub: an actual value is a snapshot of a KPI and a group, a target is a projection.

Facts are those of the vendor's public API pages; where they say nothing, a setting decides or the reading is
tolerant. Each value stands by itself under an id of the platform, and only snapshots that we created are deleted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from threading import Lock

from kpisync.destinations.quantive.client import Client, kpi_path
from kpisync.destinations.quantive.groups import Groups, groups_of
from kpisync.destinations.quantive.meta import MetaReader
from kpisync.destinations.quantive.options import GtmhubOptions, ProjectionDay, QuantiveOptions, SnapshotWrite
from kpisync.destinations.quantive.probe import Probe
from kpisync.destinations.quantive.projections import Projections
from kpisync.destinations.quantive.reading import Held, read_projections, read_snapshots, read_statistics
from kpisync.destinations.quantive.snapshots import Snapshots
from kpisync.destinations.windows import windows_of
from kpisync.mapping.periods import period_end, period_start
from kpisync.model import Change, Interval, RecordKey, Reply, ReplyKind, ValueKey, Values
from kpisync.ports import AdapterSpec, Destination, Surroundings, Unreadable, Window

ACTUAL, TARGET = "actual", "target"
_SPAN = timedelta(days=360)  # of the first days of periods in one read; the vendor's pages name no limit


@dataclass(frozen=True)
class Brand:
    """What the platform can do. `projection_day` is None where it has no projections."""

    name: str
    deletes_snapshots: bool
    projection_day: ProjectionDay | None = None


class Quantive:
    """The ports `Destination`, `KeepsApart`, `HasMeta` and `HasProbe` over one account."""

    def __init__(self, options: GtmhubOptions, around: Surroundings, brand: Brand) -> None:
        self._around, self._brand, self._clock = around, brand, around.clock
        self._group_by = options.group_by
        self._client = Client(options, around)
        upsert = options.snapshot_write is SnapshotWrite.UPSERT
        self._snapshots = Snapshots(
            self._client, around.clock, upsert, brand.deletes_snapshots, options.force_insight_kpis
        )
        self._projections = Projections(self._client)
        self._seen: dict[ValueKey, Held] = {}
        self._seeing = Lock()

    def close(self) -> None:
        self._client.close()

    def meta(self) -> MetaReader:
        return MetaReader(self._client)

    def probe(self) -> Iterator[str]:
        """Each step of finding out on scratch KPIs what a write does; the last sentence says what to set."""
        self.meta().teams()  # the login
        today = self._clock.now().date()
        week = period_start(today, Interval.WEEK) - timedelta(days=7)
        return Probe(self._client, self._group_by, week).steps()

    # ------------------------------------------------------------ reading

    def windows(self, keys: Collection[RecordKey]) -> list[Window]:
        return windows_of(keys, lambda kpi, first: first + min(_SPAN, date.max - first))

    def read(self, window: Window) -> Mapping[RecordKey, Values]:
        seen = self._actuals(window) | self._targets(window)
        with self._seeing:
            for key in window.keys:
                for kind in (ACTUAL, TARGET):
                    self._seen.pop(ValueKey(key, kind), None)
            self._seen.update(seen)
        found: dict[RecordKey, dict[str, Decimal]] = defaultdict(dict)
        for value, held in seen.items():
            found[value.record][value.value] = held.number
        return dict(found)

    def _actuals(self, window: Window) -> dict[ValueKey, Held]:
        groups = self._groups(window.kpi)
        if not groups.template:
            raise Unreadable(Reply(ReplyKind.REFUSED, words=groups.why_unknown))
        held = read_snapshots(self._client, groups, window.first, window.last, self._group_by)
        names = {key: groups.name(key.period) for key in window.keys}
        return {ValueKey(key, ACTUAL): held[name] for key, name in names.items() if name in held}

    def _targets(self, window: Window) -> dict[ValueKey, Held]:
        """Not asked for where the platform has none, or the catalog's value kinds of the KPI have no target."""
        kpi = self._around.catalog.kpi(window.kpi)
        if self._brand.projection_day is None or (kpi and TARGET not in kpi.values.values()):
            return {}
        held = read_projections(self._client, window.kpi)
        days = {key: self._day(key) for key in window.keys}
        return {ValueKey(key, TARGET): held[day] for key, day in days.items() if day in held}

    def statistics(self, kpi: str, span: Interval) -> tuple[Decimal | None, Decimal | None]:
        """Of `GET /kpis/{id}/statistics`, whose types week, month and year are spans that begin as ours do."""
        params = {"type": span.value, "timeZone": self._groups(kpi).time_zone}
        return read_statistics(self._client.get(kpi_path(kpi, "statistics"), params))

    # ------------------------------------------------------------ writing

    def write(self, change: Change) -> Reply:
        value = change.values[0]
        shown = self.remote_id(ValueKey(change.key, value.value))
        if change.key.team or change.key.sub_tile:
            return Reply(ReplyKind.REFUSED, words=f"{self._brand.name} has no teams and no sub-tiles")
        if value.value == ACTUAL:
            return self._snapshots.write(change, value, self._groups(change.key.kpi), shown)
        if value.value == TARGET and self._brand.projection_day is not None:
            return self._projections.write(change, value, self._day(change.key), shown)
        kinds = "no targets, only actual" if self._brand.projection_day is None else "only actual and target"
        return Reply(ReplyKind.REFUSED, words=f"{self._brand.name} has {kinds} values")

    def remote_id(self, key: ValueKey) -> str | None:
        held = self._held(key)
        return held.id if held else None

    def may_replace(self, key: ValueKey, remote: str | None) -> bool:
        return key.value == TARGET or self._snapshots.may_replace(self._groups(key.record.kpi), remote)

    def copies(self, key: ValueKey) -> int:
        held = self._held(key)
        return held.copies if held else 0

    # ------------------------------------------------------------ inside

    def _held(self, key: ValueKey) -> Held | None:
        with self._seeing:
            return self._seen.get(key)

    def _groups(self, kpi: str) -> Groups:
        return groups_of(self._around.catalog, kpi)

    def _day(self, key: RecordKey) -> date:
        """The day that the target of a period stands on."""
        if self._brand.projection_day is ProjectionDay.LAST:
            return period_end(key.period, self._groups(key.kpi).kpi.interval)
        return key.period


def _quantive(options: QuantiveOptions, around: Surroundings) -> Quantive:
    return Quantive(options, around, Brand("Quantive", True, options.projection_day))


def _gtmhub(options: GtmhubOptions, around: Surroundings) -> Quantive:
    return Quantive(options, around, Brand("Gtmhub", False))


SPEC: AdapterSpec[Destination] = AdapterSpec("Quantive Results, by its REST API", QuantiveOptions, _quantive)
GTMHUB: AdapterSpec[Destination] = AdapterSpec("Gtmhub, as Quantive was called before", GtmhubOptions, _gtmhub)
