"""The destinations of Quantive and Gtmhub keep the rules of all destinations, whatever the platforms may do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import product

import pytest
from quantive_account import CATALOG, SCRAP, UNITS

from kpisync.destinations.quantive.destination import GTMHUB, SPEC
from kpisync.model import RecordKey, Values
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import Fault, SandboxSettings
from kpisync.testing import KeepsApartConformance

_WRITES = "/(snapshots|projections)"
_WAYS = list(product(("append", "upsert"), (("map", "id-200"), ("items", "empty-201"))))


class TestQuantive(KeepsApartConformance):
    """Over real HTTP."""

    spec = SPEC
    brand = "quantive"
    catalog = CATALOG
    name = "okr"

    @pytest.fixture(autouse=True, params=_WAYS, ids=str)
    def _account(self, request: pytest.FixtureRequest) -> Iterator[None]:
        self.mode, (shape, reply) = request.param
        settings = SandboxSettings(snapshots=self.mode, snapshot_shape=shape, snapshot_reply=reply)
        with Sandbox(settings, {self.brand: CATALOG}) as self.board:
            yield

    def options(self) -> Mapping[str, object]:
        url = self.board.platform_url(self.brand)
        login = {"url": url, "account": "5be26318e5274a0007f17f61", "token": "sandbox"}
        return {**login, "timeout": "5s", "concurrency": 4, "snapshot_write": self.mode, "force_insight_kpis": True}

    def key(self, n: int) -> RecordKey:
        return RecordKey("okr", (SCRAP, UNITS)[n % 2], None, None, date(2019, 1, 7) + timedelta(weeks=n // 2))

    def holds(self, key: RecordKey) -> Values | None:
        return self.board.records(self.brand).get(key._replace(destination=self.brand))

    def put_by_hand(self, key: RecordKey, values: Values) -> None:
        self.board.put_by_hand(key.period, None, key.kpi, None, dict(values), platform=self.brand)

    def refuse(self, words: str) -> None:
        self.board.faults = [Fault(kind="status", method="POST", path=_WRITES, status=422, body=words)]

    def lose_answer(self) -> None:
        self.board.faults = [Fault(kind="drop-after", method="POST", path=_WRITES)]

    def make_unreadable(self) -> None:
        self.board.faults = [Fault(kind="status", method="GET", status=500)]

    def lock_out(self) -> None:
        self.board.settings = self.board.settings.model_copy(update={"token": "another"})


class TestGtmhub(TestQuantive):
    """It has no targets and deletes nothing, and corrects only KPIs of which the last number counts."""

    spec = GTMHUB
    brand = "gtmhub"
    ids = ("actual",)
    can_withdraw = False

    def key(self, n: int) -> RecordKey:
        return RecordKey("okr", SCRAP, None, None, date(2019, 1, 7) + timedelta(weeks=n))

    def _check_one(self, number: Decimal) -> None:
        if self.mode == "append":
            pytest.skip("Gtmhub deletes nothing, so a correction stands beside the number that it corrects")
        super()._check_one(number)
