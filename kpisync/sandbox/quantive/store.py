"""What the stand-ins of Quantive and Gtmhub keep: KPIs, and what was written to each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from kpisync.model import Interval


@dataclass(frozen=True, slots=True)
class Kpi:
    """`attributes` are what a client may set, by the names of the API. `account`: None is the sandbox's own."""

    id: str
    attributes: Mapping[str, Any]
    account: str | None
    author: str
    created: datetime
    changed: datetime
    changed_by: str
    interval: Interval = Interval.WEEK  # of what a person keys in; the API knows of no such thing

    @property
    def name(self) -> str:
        return str(self.attributes["name"])

    @property
    def aggregation(self) -> str:
        return str(self.attributes["aggregation"])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`group` as it was posted; `day` is its first day, whatever the time zone."""

    id: str
    kpi: str
    group: str
    day: date
    time_zone: str
    value: Decimal
    author: str


@dataclass(frozen=True, slots=True)
class Projection:
    id: str
    kpi: str
    day: date
    value: Decimal
    author: str
    created: datetime
    changed: datetime
    changed_by: str


@dataclass(slots=True)
class Store:
    """KPIs by id, and their snapshots and projections, each in the order of the last write. Its owner locks."""

    kpis: dict[str, Kpi] = field(default_factory=dict)
    _order: dict[str, Snapshot | Projection] = field(default_factory=dict)  # by id, oldest write first
    _by_kpi: dict[str, dict[str, Snapshot | Projection]] = field(default_factory=dict)
    _count: int = 0

    def new_id(self, now: datetime) -> str:
        """Never the same again, not even after `clear` or in another process a second later."""
        self._count += 1
        return f"{int(now.timestamp()):08x}{self._count:016x}"

    def put(self, entry: Snapshot | Projection) -> None:
        """An entry of the same id is replaced; either way it is the newest now."""
        self.drop(entry)
        self._order[entry.id] = self._by_kpi.setdefault(entry.kpi, {})[entry.id] = entry

    def drop(self, entry: Snapshot | Projection) -> None:
        self._order.pop(entry.id, None)
        self._by_kpi.get(entry.kpi, {}).pop(entry.id, None)

    def drop_kpi(self, kpi: str) -> None:
        """The KPI with everything that was written to it."""
        for entry in list(self._by_kpi.get(kpi, {}).values()):
            self.drop(entry)
        del self.kpis[kpi]

    def entry(self, kpi: str, id: str) -> Snapshot | Projection | None:
        return self._by_kpi.get(kpi, {}).get(id)

    def snapshots(self, kpi: str) -> list[Snapshot]:
        return [entry for entry in self._by_kpi.get(kpi, {}).values() if isinstance(entry, Snapshot)]

    def projections(self, kpi: str) -> list[Projection]:
        return [entry for entry in self._by_kpi.get(kpi, {}).values() if isinstance(entry, Projection)]

    def __iter__(self) -> Iterator[Snapshot | Projection]:
        """All entries, oldest write first."""
        return iter(self._order.values())

    def newest(self) -> Iterator[Snapshot | Projection]:
        return reversed(self._order.values())

    def begin(self, kpis: Iterable[Kpi]) -> None:
        """Forget everything, and hold these KPIs with nothing in them."""
        self.kpis = {kpi.id: kpi for kpi in kpis}
        self._order.clear()
        self._by_kpi.clear()
