"""The stand-ins of Quantive Results and of its legacy brand Gtmhub: KPIs, their snapshots and their projections.

Where the public documents are silent it does what the settings say, and this: what is malformed is 400; what is unknown
in a body is 400, in a query passed over; a snapshot stays under the group literal that it was posted with. Not here:
the favourites of a user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import islice

from kpisync.mapping.periods import period_name, period_start
from kpisync.model import Catalog, RecordKey
from kpisync.sandbox.platform import Line, Refusal, Request, Response
from kpisync.sandbox.quantive import kpis, projections, snapshots, statistics
from kpisync.sandbox.quantive.call import Call
from kpisync.sandbox.quantive.directory import PERSON, at_first
from kpisync.sandbox.quantive.store import Kpi, Projection, Snapshot, Store
from kpisync.sandbox.settings import SandboxSettings
from kpisync.support.json import dumps

ACTUAL, TARGET = "actual", "target"  # what a snapshot and a projection are called in a record


@dataclass(frozen=True, slots=True)
class Brand:
    """In what the two differ. `full`: projections, statistics and the deletion of a snapshot exist."""

    name: str
    root: str  # before the version
    snapshots_version: str  # of GET /kpis/snapshots
    deleted: int  # status of a deleted KPI
    full: bool


QUANTIVE = Brand("quantive", "/quantive/results/api", "v2", 204, full=True)
GTMHUB = Brand("gtmhub", "/gtmhub/api", "v1", 200, full=False)


class QuantiveResults:
    """One brand. See `platform.Platform`; `now` is the clock, in UTC."""

    def __init__(self, brand: Brand, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self.name, self.api_path = brand.name, f"{brand.root}/v1"
        self._brand, self._catalog, self._now = brand, catalog, now
        self._store = Store()
        self.clear()

    def login(self, settings: SandboxSettings) -> dict[str, str]:
        return {"account": settings.account, "token": settings.token}

    # ------------------------------------------------------------ requests

    def answer(self, request: Request, settings: SandboxSettings) -> Response:
        call = Call(request, settings, self._store, self._now())
        root, _, rest = request.path.partition(self._brand.root + "/")
        try:
            call.log_in()
            if root:
                raise Refusal(404, f"There is nothing here; paths begin with {self._brand.root}/v1/ or /v2/.")
            return self._route(call, rest.split("/"))
        except Refusal as refusal:
            return refusal.response

    def _route(self, call: Call, parts: list[str]) -> Response:
        match parts:
            case ["v1", "insights", insight, "usages", "kpis"]:
                call.only("GET")
                return kpis.fed_by(call, insight)
            case ["v1", "kpi-snapshots"]:
                call.only("GET")
                return snapshots.read(call, kpis.named(call))
            case [version, "kpis", "snapshots"] if version == self._brand.snapshots_version:
                call.only("GET")
                choose = kpis.chosen if version == "v2" else kpis.named
                return snapshots.read(call, choose(call))
            case ["v2", "kpis"]:
                call.only("GET")
                return kpis.listed(call)
            case ["v1", "kpis", "groups"]:
                call.only("GET")
                return kpis.folders(call)
            case ["v1", "kpis", "groups", folder]:
                call.only("GET")
                return kpis.folder(call, folder)
            case ["v1", "kpis"]:
                return self._all(call)
            case ["v1", "kpis", kpi, *rest]:
                return self._one(call, kpi, rest)
        raise Refusal(404, "There is no such endpoint.")

    def _all(self, call: Call) -> Response:
        if self._brand.full:
            call.only("POST")
        call.only("POST", "PATCH")
        return kpis.create(call) if call.request.method == "POST" else kpis.change_many(call)

    def _one(self, call: Call, id: str, rest: list[str]) -> Response:
        match rest:
            case []:
                return self._kpi(call, call.kpi(id))
            case ["snapshots"]:
                call.only("POST")
                return snapshots.post(call, call.kpi(id))
            case ["snapshots", snapshot] if self._brand.full:
                call.only("DELETE")
                return snapshots.delete(call, call.kpi(id), snapshot)
            case ["statistics"] if self._brand.full:
                call.only("GET")
                return statistics.read(call, call.kpi(id))
            case ["projections"] if self._brand.full:
                call.only("GET", "POST")
                act = projections.listed if call.request.method == "GET" else projections.post
                return act(call, call.kpi(id))
            case ["projections", projection] if self._brand.full:
                call.only("PATCH", "DELETE")
                patch = call.request.method == "PATCH"
                change = projections.change if patch else projections.delete
                return change(call, call.kpi(id), projection)
        raise Refusal(404, "There is no such endpoint.")

    def _kpi(self, call: Call, kpi: Kpi) -> Response:
        call.only("GET", "PATCH", "DELETE")
        if call.request.method == "GET":
            return Response(200, dumps(kpis.document(call, kpi)).encode())
        if call.request.method == "PATCH":
            return kpis.change(call, kpi)
        self._store.drop_kpi(kpi.id)
        return Response(self._brand.deleted)

    # ------------------------------------------------------------ by hand

    def edit(self, key: RecordKey, values: Mapping[str, Decimal], settings: SandboxSettings) -> None:
        """`actual` is a snapshot of the period that holds the day, `target` the projection of the day."""
        kpi = self._by_name(key)
        known = {ACTUAL, TARGET} if self._brand.full else {ACTUAL}
        if not values.keys() <= known:
            raise Refusal(400, f"A KPI of {self.name} has {' and '.join(sorted(known))}.")
        if ACTUAL in values:
            day = period_start(key.period, kpi.interval)
            group, id = period_name(day, kpi.interval), self._store.new_id(self._now())
            snapshot = Snapshot(id, kpi.id, group, day, "UTC", values[ACTUAL], PERSON)
            snapshots.keep(self._store, snapshot, settings)
        if TARGET in values:
            self._put_target(kpi, key, values[TARGET])

    def _put_target(self, kpi: Kpi, key: RecordKey, value: Decimal) -> None:
        now = self._now()
        new = Projection(self._store.new_id(now), kpi.id, key.period, value, PERSON, now, now, PERSON)
        held = next((entry for entry in self._store.projections(kpi.id) if entry.day == key.period), new)
        self._store.put(replace(held, value=value, changed=now, changed_by=PERSON))

    def remove(self, key: RecordKey) -> None:
        """Every snapshot of the period that holds the day, and the projection of the day."""
        kpi = self._by_name(key)
        period = period_start(key.period, kpi.interval)
        found: list[Snapshot | Projection] = []
        found += [entry for entry in self._store.snapshots(kpi.id) if period_start(entry.day, kpi.interval) == period]
        found += [entry for entry in self._store.projections(kpi.id) if entry.day == key.period]
        if not found:
            raise Refusal(404, "There is no such record.")
        for entry in found:
            self._store.drop(entry)

    def _by_name(self, key: RecordKey) -> Kpi:
        if key.team is not None or key.sub_tile is not None:
            raise Refusal(400, f"{self.name} has neither teams nor sub-tiles.")
        for kpi in self._store.kpis.values():
            if key.kpi == kpi.name or key.kpi.lower() == kpi.id:
                return kpi
        raise Refusal(400, f"There is no KPI {key.kpi[:80]!r}.")

    # ------------------------------------------------------------ what it holds

    def records(self) -> dict[RecordKey, dict[str, Decimal]]:
        """By KPI and day: `actual` is the aggregate of the snapshots whose groups begin on it."""
        found: dict[RecordKey, dict[str, Decimal]] = {}
        posted: dict[RecordKey, list[Snapshot]] = {}
        for entry in self._store:
            key = RecordKey(self.name, entry.kpi, None, None, entry.day)
            record = found.setdefault(key, {})
            if isinstance(entry, Projection):
                record[TARGET] = entry.value
            else:
                posted.setdefault(key, []).append(entry)
        for key, entries in posted.items():
            found[key][ACTUAL] = snapshots.aggregated(entries, self._store.kpis[key.kpi].aggregation)
        return found

    def lines(self, count: int | None = None) -> list[Line]:
        """Each snapshot and each projection is a line of its own, so that a second one shows."""
        return [self._line(entry) for entry in islice(self._store.newest(), count)]

    def _line(self, entry: Snapshot | Projection) -> Line:
        value = ACTUAL if isinstance(entry, Snapshot) else TARGET
        group = (("group", entry.group),) if isinstance(entry, Snapshot) else ()
        by = ("by", "a person" if entry.author == PERSON else "the token")
        details = (*group, ("id", entry.id), by)
        return Line(self._store.kpis[entry.kpi].name, None, None, entry.day, ((value, entry.value),), details)

    def clear(self) -> None:
        self._store.begin(at_first(self._catalog, self._now()))
