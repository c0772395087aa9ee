"""The destinations of kpisync keep the rules that every destination keeps."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import get_args

import pytest
from memory_adapter import MemoryConformance
from sandbox_caller import ACTUAL, CATALOG, LINE_1, LINE_2, SCRAP, TARGET

from kpisync.destinations.valuestreamer.destination import SPEC
from kpisync.model import RecordKey, Values
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import Fault, PartialSets, SandboxSettings
from kpisync.testing import DestinationConformance


class TestValueStreamer(DestinationConformance):
    """Over real HTTP, in every way in which a platform may treat the values that a write leaves out."""

    spec = SPEC
    catalog = CATALOG
    ids = (ACTUAL, TARGET)

    @pytest.fixture(autouse=True, params=get_args(PartialSets))
    def _board(self, request: pytest.FixtureRequest) -> Iterator[None]:
        with Sandbox(SandboxSettings(partial_sets=request.param), CATALOG) as self.board:
            yield

    def options(self) -> Mapping[str, object]:
        url = self.board.platform_url("valuestreamer")
        return {"url": url, "username": "sandbox", "password": "sandbox", "timeout": "5s"}

    def key(self, n: int) -> RecordKey:
        return RecordKey("board", SCRAP, (LINE_1, LINE_2)[n % 2], None, date(2026, 1, 1) + timedelta(n // 2))

    def holds(self, key: RecordKey) -> Values | None:
        return self.board.records().get(key._replace(destination="valuestreamer"))

    def put_by_hand(self, key: RecordKey, values: Values) -> None:
        self.board.put_by_hand(key.period, key.team, key.kpi, key.sub_tile, dict(values))

    def refuse(self, words: str) -> None:
        self.board.faults = [Fault(kind="status", method="PUT", status=422, body=words)]

    def lose_answer(self) -> None:
        self.board.faults = [Fault(kind="drop-after", method="PUT")]

    def make_unreadable(self) -> None:
        self.board.faults = [Fault(kind="status", method="GET", status=500)]

    def lock_out(self) -> None:
        self.board.settings = self.board.settings.model_copy(update={"password": "another"})


def test_the_suites_and_doubles_are_imported_without_pytest() -> None:
    modules = "kpisync.testing, kpisync.testing.destination, kpisync.testing.state, kpisync.testing.world"
    code = f"import sys; sys.modules['pytest'] = None; import {modules}"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestMemoryBoard(MemoryConformance):
    """The double behind the tests of delivery behaves as a platform does."""
