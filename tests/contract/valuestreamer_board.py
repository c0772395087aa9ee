"""A ValueStreamer destination before a sandbox, and builders for records, windows and changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox_caller import ACTUAL, CATALOG, LINE_1, SCRAP, TARGET

from kpisync.destinations.valuestreamer.destination import SPEC
from kpisync.destinations.valuestreamer.options import ValueStreamerOptions
from kpisync.model import Action, Change, RecordKey, ValueChange, Values
from kpisync.ports import Destination, Surroundings, Unreadable
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import Fault, SandboxSettings

NAMES = {"actual": ACTUAL, "target": TARGET}


@dataclass(frozen=True)
class Board:
    """`requests` are those that the destination says it made; the sandbox counts its own."""

    sandbox: Sandbox
    destination: Destination
    requests: Counter[str]

    def read(self, *keys: RecordKey) -> dict[RecordKey, Values]:
        """All windows of these keys, one after the other."""
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

    def hold(self, key: RecordKey, **numbers: Any) -> None:
        """Write as another hand does."""
        self.sandbox.put_by_hand(
            key.period, key.team, key.kpi, key.sub_tile, {NAMES[name]: number for name, number in numbers.items()}
        )

    def holds(self, key: RecordKey) -> dict[str, Decimal] | None:
        return self.sandbox.records().get(key._replace(destination="valuestreamer"))

    @property
    def paths(self) -> list[str]:
        return [entry.path for entry in self.sandbox.journal]


@contextmanager
def board(settings: SandboxSettings | None = None, options: dict[str, Any] | None = None) -> Iterator[Board]:
    with Sandbox(settings or SandboxSettings(), CATALOG) as sandbox:
        requests: Counter[str] = Counter()
        destination = SPEC.build(
            ValueStreamerOptions.model_validate(
                {
                    "url": sandbox.platform_url("valuestreamer"),
                    "username": "sandbox",
                    "password": "sandbox",
                    "timeout": "5s",
                    **(options or {}),
                }
            ),
            Surroundings("board", CATALOG, requests),
        )
        try:
            yield Board(sandbox, destination, requests)
        finally:
            destination.close()


def key(day: str = "2026-11-20", team: str = LINE_1, kpi: str = SCRAP, sub_tile: str | None = None) -> RecordKey:
    return RecordKey("board", kpi, team, sub_tile, date.fromisoformat(day))


def numbers(**given: Any) -> dict[str, Decimal]:
    return {NAMES[name]: Decimal(number) for name, number in given.items()}


def change(
    record: RecordKey | None = None, before: Values | None = None, action: Action = Action.UPDATE, **new: Any
) -> Change:
    values = tuple(
        ValueChange(id, (before or {}).get(id), number, "scrap.csv:2") for id, number in numbers(**new).items()
    )
    return Change(action, record or key(), values, before)


def withdrawal(record: RecordKey | None = None) -> Change:
    return Change(
        Action.WITHDRAW, record or key(), (ValueChange(ACTUAL, Decimal(1), None, "scrap.csv:2"),), numbers(actual=1)
    )


def answers(body: str, status: int = 200, method: str = "GET", **headers: str) -> Fault:
    """Every request of this method gets this answer, and nothing is stored."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(kind="status", method=method, status=status, body=body, headers=named, times=None)
