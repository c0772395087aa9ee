"""A random life of a plant: what may happen, in any order, and then quiet, in which all must come right."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

from kpisync.testing.destination import Fault
from kpisync.testing.disturbance import Disturbance
from kpisync.testing.world import World, value

READ_FAULTS = (
    Fault.REFUSE,
    Fault.FORBID,
    Fault.LOGIN,
    Fault.BUSY,
    Fault.FAIL_BEFORE,
    Fault.DROP_BEFORE,
    Fault.NOT_SENT,
)
WRITE_FAULTS = tuple(Fault)


def walk(world: World, dice: random.Random, steps: int = 12) -> None:
    """Let things happen, then let the dust settle; raises AssertionError where the oracle is not content."""
    happenings: tuple[Callable[[World, random.Random], object], ...] = (_state, _state, _edit, _run, _run, _run, _wait)
    for _ in range(steps):
        dice.choice(happenings)(world, dice)
    world.settle_down()


def _number(dice: random.Random) -> Decimal | None:
    return dice.choice((Decimal(7), Decimal(dice.randint(100, 10_000)), Decimal(dice.randint(100, 10_000)), None))


def _state(world: World, dice: random.Random) -> None:
    world.source_states(value(dice.choice(("actual", "target")), dice.choice((1, 2))), _number(dice))


def _edit(world: World, dice: random.Random) -> None:
    world.hand_edits(value(dice.choice(("actual", "target", "note")), dice.choice((1, 2))), _number(dice))


def _wait(world: World, dice: random.Random) -> None:
    world.clock.sleep(dice.choice((1, 50, 130, 1000)))


def _run(world: World, dice: random.Random) -> None:
    job = dice.choice(sorted(world.stated))
    if dice.random() < 0.2:
        world.plan(job)
    world.run(job, disturbance(dice))


def disturbance(dice: random.Random) -> Disturbance:
    """A few faults among the first requests, and now and then the end of the process, of the store or of patience."""

    def some(most: int, kinds: tuple[Fault, ...]) -> dict[int, Fault]:
        return {dice.randint(1, 4): dice.choice(kinds) for _ in range(dice.randint(0, most))}

    def perhaps(chance: float, latest: int) -> int | None:
        return dice.randint(1, latest) if dice.random() < chance else None

    return Disturbance(
        gets=some(2, READ_FAULTS),
        puts=some(3, WRITE_FAULTS),
        deletes=some(1, WRITE_FAULTS),
        die_at=perhaps(0.4, 14),
        state_fails_at=perhaps(0.1, 10),
        stop_at=perhaps(0.1, 8),
    )
