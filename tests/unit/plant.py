"""A plant with one job, in words short enough for the tests of delivery."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kpisync.model import Rejection, RunStatus, ValueKey
from kpisync.ports import DestinationOptions
from kpisync.sync.options import Absent
from kpisync.sync.report import Report
from kpisync.testing.destination import Fault
from kpisync.testing.disturbance import Disturbance
from kpisync.testing.world import World, value

A, B = Decimal(3), Decimal(5)
OTHERS = Decimal(9)


def plant(count: int = 1, known: bool = False, **options: Any) -> World:
    """A world whose source states B for so many days; with `known`, A stands there already, and is ours."""
    concurrency = options.pop("concurrency", 1)
    absent = options.pop("absent", Absent.KEEP)
    world = World(absent=absent, options=DestinationOptions(concurrency=concurrency, **options))
    for number in [A, B] if known else [B]:
        for day in range(1, count + 1):
            world.source_states(value(days_ago=day), number)
        if number == A:
            assert report_of(world).status is RunStatus.OK
            world.board.sent.clear()
    return world


def report_of(world: World, disturbed: Disturbance | None = None) -> Report:
    report = world.run("actuals", disturbed)
    assert report is not None
    return report


def doubts(world: World) -> list[ValueKey]:
    return [doubt.intent.key for doubt in world.state.in_doubt("board")]


def codes(rejections: list[Rejection]) -> list[str]:
    return [rejection.code for rejection in rejections]


def writes(world: World) -> int:
    return world.board.requests["PUT"]


def puts(*faults: Fault) -> Disturbance:
    return Disturbance(puts=dict(enumerate(faults, start=1)))


def gets(*faults: Fault) -> Disturbance:
    return Disturbance(gets=dict(enumerate(faults, start=1)))


def all_puts(fault: Fault) -> Disturbance:
    return Disturbance(script=lambda method, number: fault if method == "PUT" else None)
