"""What is dear to make is made now and then, and shown a little longer while the next one is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from kpisync.testing.clock import FakeClock
from kpisync.watch.refreshed import Refreshed, Spawn


@dataclass
class Beside:
    """In place of threads: what is to be done beside, until it is done."""

    work: list[Callable[[], None]] = field(default_factory=list)

    def __call__(self, name: str, work: Callable[[], None]) -> None:
        self.work.append(work)

    def is_done(self) -> None:
        while self.work:
            self.work.pop()()


@dataclass
class Numbers:
    """Each one that is made is the next; `key` is what is asked for."""

    spawn: Spawn | None = None
    clock: FakeClock = field(default_factory=FakeClock)
    made: int = 0

    def __post_init__(self) -> None:
        self.of: Refreshed[str, int] = Refreshed(self.clock, self.spawn)

    def get(self, key: str = "board", *, now: bool = False) -> int:
        return self.of.get(key, self._next, now=now)

    def _next(self) -> int:
        self.made += 1
        return self.made


def test_for_two_seconds_it_is_not_made_again() -> None:
    numbers = Numbers()
    assert [numbers.get(), numbers.get()] == [1, 1]
    numbers.clock.sleep(1.9)
    assert numbers.get() == 1
    numbers.clock.sleep(0.1)
    assert numbers.get() == 2


def test_beside_one_is_made_while_the_old_one_is_shown() -> None:
    beside = Beside()
    numbers = Numbers(beside)
    numbers.get()
    numbers.clock.sleep(4.9)
    assert [numbers.get(), numbers.get()] == [1, 1]
    assert len(beside.work) == 1
    beside.is_done()
    assert numbers.get() == 2


def test_an_old_one_is_shown_to_nobody() -> None:
    numbers = Numbers(Beside())
    numbers.get()
    numbers.clock.sleep(5)
    assert numbers.get() == 2


def test_who_acts_upon_it_waits_for_a_new_one() -> None:
    numbers = Numbers(Beside())
    numbers.get()
    numbers.clock.sleep(3)
    assert numbers.get(now=True) == 2


def test_another_key_is_another_thing() -> None:
    numbers = Numbers(Beside())
    assert (numbers.get("board"), numbers.get("okr"), numbers.get("board")) == (1, 2, 3)


def test_where_no_thread_can_be_had_it_is_made_at_the_next_asking() -> None:
    def none_left(name: str, work: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    numbers = Numbers(none_left)
    numbers.get()
    numbers.clock.sleep(3)
    with pytest.raises(RuntimeError):
        numbers.get()
    numbers.of.spawn = None
    assert numbers.get() == 2


def test_one_that_cannot_be_made_leaves_the_last_one_and_is_tried_again() -> None:
    beside = Beside()
    numbers = Numbers(beside)
    numbers.get()
    numbers.clock.sleep(3)

    def fails() -> int:
        raise ValueError("no store")

    assert numbers.of.get("board", fails) == 1
    with pytest.raises(ValueError, match="no store"):
        beside.is_done()
    assert numbers.get() == 1
    beside.is_done()
    assert numbers.get() == 2
