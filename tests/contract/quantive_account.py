"""A destination of Quantive or Gtmhub before a sandbox, and builders for records and changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from kpisync.destinations.quantive.destination import GTMHUB, SPEC, Quantive
from kpisync.model import (
    Action,
    Aggregation,
    Catalog,
    CatalogKpi,
    Change,
    Interval,
    RecordKey,
    Reply,
    ValueChange,
    ValueKey,
    Values,
)
from kpisync.ports import Surroundings, Unreadable
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import Fault, SandboxSettings

SCRAP = "5e8c27e3dcdddaa4addbdee8"  # last
UNITS = "5e8ed44adcddda0da9eab365"  # sum
ENERGY = "5e8ed44adcddda0da9eab367"  # fed by an insight
BUDGET = "5e8ed44adcddda0da9eab370"
DAILY = "5e8ed44adcddda0da9eab371"
BOTH = {"actual": "actual", "target": "target"}
CATALOG = Catalog(
    kpis={
        "scrap": CatalogKpi("scrap", SCRAP, Interval.WEEK, BOTH, {}, Aggregation.LAST, 1),
        "units": CatalogKpi("units", UNITS, Interval.WEEK, BOTH, {}, Aggregation.SUM),
        "energy": CatalogKpi("energy", ENERGY, Interval.WEEK, BOTH),
        "budget": CatalogKpi("budget", BUDGET, Interval.MONTH, BOTH, {}, None, 0, "{year}-{month:02}"),
        "daily": CatalogKpi("daily", DAILY, Interval.DAY, BOTH),
    }
)
SPECS = {"quantive": SPEC, "gtmhub": GTMHUB}


@dataclass(frozen=True)
class Account:
    """`requests` are those that the destination says it made."""

    brand: str
    sandbox: Sandbox
    destination: Quantive
    requests: Counter[str]

    def read(self, *keys: RecordKey) -> dict[RecordKey, Values]:
        found: dict[RecordKey, Values] = {}
        for window in self.destination.windows(keys):
            found.update(self.destination.read(window))
        return found

    def unreadable(self, *keys: RecordKey) -> Unreadable:
        try:
            found = self.read(*keys)
        except Unreadable as failure:
            return failure
        raise AssertionError(f"it was read: {found}")

    def write(self, change: Change) -> Reply:
        return self.destination.write(change)

    def create(self, number: Any, record: RecordKey | None = None, value: str = "actual") -> Reply:
        change = ValueChange(value, None, Decimal(number), "scrap.csv:2")
        return self.write(Change(Action.CREATE, record or key(), (change,)))

    def update(
        self, old: Any, new: Any, remote: str | None, record: RecordKey | None = None, value: str = "actual"
    ) -> Reply:
        change = ValueChange(value, Decimal(old), Decimal(new), "scrap.csv:2", remote)
        return self.write(Change(Action.UPDATE, record or key(), (change,), {value: Decimal(old)}))

    def withdraw(self, old: Any, remote: str | None, record: RecordKey | None = None, value: str = "actual") -> Reply:
        change = ValueChange(value, Decimal(old), None, "scrap.csv:2", remote)
        return self.write(Change(Action.WITHDRAW, record or key(), (change,), {value: Decimal(old)}))

    def id_of(self, value: str = "actual", record: RecordKey | None = None) -> str | None:
        """Of what stands there now, as a read shows it."""
        self.read(record or key())
        return self.destination.remote_id(ValueKey(record or key(), value))

    def by_hand(self, number: Any, record: RecordKey | None = None, value: str = "actual") -> None:
        where = record or key()
        self.sandbox.put_by_hand(where.period, None, where.kpi, None, {value: number}, platform=self.brand)

    def holds(self, record: RecordKey | None = None) -> dict[str, Decimal] | None:
        return self.sandbox.records(self.brand).get((record or key())._replace(destination=self.brand))

    @property
    def methods(self) -> list[str]:
        return [entry.method for entry in self.sandbox.journal]

    @property
    def paths(self) -> list[str]:
        return [entry.path for entry in self.sandbox.journal]


@contextmanager
def account(
    brand: str = "quantive",
    settings: SandboxSettings | None = None,
    wait_turn: Callable[[], None] = lambda: None,
    **options: Any,
) -> Iterator[Account]:
    with Sandbox(settings or SandboxSettings(), {brand: CATALOG}) as sandbox:
        requests: Counter[str] = Counter()
        spec = SPECS[brand]
        given = {
            "url": sandbox.platform_url(brand),
            **sandbox.platform_login(brand),
            "timeout": "5s",
            "force_insight_kpis": True,
            **options,
        }
        destination = spec.build(spec.options.model_validate(given), Surroundings("okr", CATALOG, requests, wait_turn))
        assert isinstance(destination, Quantive)
        try:
            yield Account(brand, sandbox, destination, requests)
        finally:
            destination.close()


def key(day: str = "2026-11-09", kpi: str = SCRAP) -> RecordKey:
    return RecordKey("okr", kpi, None, None, date.fromisoformat(day))


def future_week() -> RecordKey:
    """Of the year after the next."""
    return key(date.fromisocalendar(datetime.now(UTC).year + 2, 10, 1).isoformat())


def fault(kind: str, method: str, path: str = "", **more: Any) -> Fault:
    return Fault(kind=kind, method=method, path=path or None, **more)  # type: ignore[arg-type]
