"""The rate at which a destination is asked: as it is configured, or as its answers have taught."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest

from kpisync.sandbox.core import Bucket, FixedWindow
from kpisync.sync.turns import Turns
from kpisync.testing.clock import FakeClock

# ---------------------------------------------------------------- configured


def turns_of(turns: Turns, clock: FakeClock, count: int) -> list[float]:
    """The times of so many turns of a caller who waits for each."""
    times = []
    for _ in range(count):
        times.append(turns.take())
        clock.sleep(times[-1] - clock.monotonic())
    return times


def test_turns_come_at_a_steady_rate_from_the_first_a_little_below_the_limit() -> None:
    clock = FakeClock()
    times = turns_of(Turns(2.0, clock), clock, 101)
    assert times[:4] == pytest.approx([0, 0.5, 1, 1.5], rel=0.02)
    assert 50 < times[-1] < 51


def test_idle_time_is_not_saved_up_for_a_burst() -> None:
    clock = FakeClock()
    turns = Turns(1.0, clock)
    clock.sleep(60)
    assert turns_of(turns, clock, 2) == pytest.approx([60, 61], rel=0.001)


def test_a_configured_rate_is_kept_whatever_the_platform_answers() -> None:
    clock = FakeClock()
    turns = Turns(10.0, clock)
    turns_of(turns, clock, 20)
    turns.slow_down(1.0)
    assert turns.found is None
    times = turns_of(turns, clock, 2)
    assert times[1] - times[0] == pytest.approx(0.1, rel=0.02)


# ---------------------------------------------------------------- found


def test_nobody_waits_for_a_platform_that_has_not_said_429() -> None:
    clock = FakeClock()
    turns = Turns(None, clock)
    assert set(turns_of(turns, clock, 5000)) == {0}
    assert turns.found is None


@dataclass
class Platform:
    """Asks a limiter as fast as the turns and `at_most` requests a second allow; a 429 pauses everything."""

    limiter: Bucket | FixedWindow
    limit: float
    turns: Turns
    clock: FakeClock
    at_most: float = 320.0
    refused: int = 0
    served: list[float] = field(default_factory=list)

    def ask_for(self, seconds: float) -> None:
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.clock.sleep(max(self.turns.take() - self.clock.monotonic(), 0))
            if wait := self.limiter.wait(self.limit):
                self.refused += 1
                self.turns.give_back()
                self.turns.slow_down(math.ceil(wait))
                self.clock.sleep(math.ceil(wait))
            else:
                self.served.append(self.clock.monotonic())
                self.clock.sleep(1 / self.at_most)

    def share(self, after: float) -> float:
        """Of the limit, that was served from then on."""
        return sum(time >= after for time in self.served) / (self.clock.monotonic() - after) / self.limit


def platform(kind: type[Bucket] | type[FixedWindow], limit: float, **given: float) -> Platform:
    clock = FakeClock()
    turns = Turns(None, clock)
    turns.begin_at(given.pop("start", None))
    return Platform(kind(clock.monotonic), limit, turns, clock, **given)


@pytest.mark.parametrize("kind", [Bucket, FixedWindow])
@pytest.mark.parametrize("limit", [2.0, 5.0, 50.0, 200.0])
def test_a_limit_that_nobody_told_is_found_and_kept_to(kind: type[Bucket] | type[FixedWindow], limit: float) -> None:
    asked = platform(kind, limit)
    asked.ask_for(120)
    assert asked.share(after=30) >= 0.93
    assert asked.refused <= 12
    assert asked.turns.found == pytest.approx(limit, rel=0.25)


@pytest.mark.parametrize("kind", [Bucket, FixedWindow])
def test_a_limit_that_was_lowered_is_found_again(kind: type[Bucket] | type[FixedWindow]) -> None:
    asked = platform(kind, 200.0)
    asked.ask_for(60)
    asked.limit = 100.0
    asked.ask_for(60)
    asked.served.clear()
    before = asked.refused
    asked.ask_for(60)
    assert asked.share(after=120) >= 0.9
    assert asked.refused - before <= 0.002 * len(asked.served)


@pytest.mark.parametrize("kind", [Bucket, FixedWindow])
def test_a_limit_that_was_raised_is_followed(kind: type[Bucket] | type[FixedWindow]) -> None:
    asked = platform(kind, 100.0)
    asked.ask_for(60)
    asked.limit = 1000.0
    asked.ask_for(300)
    assert asked.turns.found is not None
    assert asked.turns.found > 200


def test_a_rate_that_was_found_before_is_where_the_next_process_begins() -> None:
    first = platform(Bucket, 50.0)
    first.ask_for(60)
    second = platform(Bucket, 50.0, start=first.turns.found or 0)
    second.ask_for(30)
    assert second.refused <= 0.002 * len(second.served)
    assert second.share(after=0) >= 0.93


def test_a_rate_does_not_grow_while_it_holds_nobody_up() -> None:
    asked = platform(FixedWindow, 200.0, start=100.0, at_most=50.0)
    asked.ask_for(120)
    assert asked.turns.found == 100


def test_idle_time_says_nothing_of_the_limit() -> None:
    asked = platform(Bucket, 50.0)
    asked.ask_for(60)
    asked.clock.sleep(100_000)
    asked.ask_for(60)
    assert asked.turns.found == pytest.approx(50, rel=0.25)


def test_a_rate_never_falls_below_one_a_second() -> None:
    asked = platform(Bucket, 0.01)
    asked.ask_for(2000)
    assert asked.turns.found == 1
