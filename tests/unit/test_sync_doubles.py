"""The doubles do what their names say; the tests of delivery stand on them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kpisync.model import Action, Change, ReplyKind, ValueChange
from kpisync.testing.clock import FakeClock
from kpisync.testing.destination import Fault, MemoryBoard, PartialSets, script
from kpisync.testing.world import record

A, B, ZERO = Decimal(3), Decimal(5), Decimal(0)


def partial_write(days_ago: int = 1) -> Change:
    """Sets the actual and leaves out what else there is."""
    return Change(Action.UPDATE, record(days_ago), (ValueChange("v-actual", None, B, "a.csv:2"),))


@pytest.mark.parametrize(
    ("partial", "after"),
    [
        (PartialSets.MERGE_KEEP, {"v-actual": B, "v-target": A}),
        (PartialSets.MERGE_TARGET_ZERO, {"v-actual": B, "v-target": ZERO}),
        (PartialSets.MERGE_TARGET_HISTORICAL, {"v-actual": B, "v-target": Decimal(8)}),
        (PartialSets.REPLACE_ALL, {"v-actual": B}),
    ],
)
def test_what_a_partial_set_does_to_a_target(partial: PartialSets, after: dict[str, Decimal]) -> None:
    board = MemoryBoard(FakeClock(), partial, frozenset({"v-target"}))
    board.edit(record(1), "v-target", A)
    board.edit(record(2), "v-target", Decimal(8))
    board.write(partial_write())
    assert board.records[record()] == after


def test_without_an_earlier_target_the_historical_one_is_0() -> None:
    board = MemoryBoard(FakeClock(), PartialSets.MERGE_TARGET_HISTORICAL, frozenset({"v-target"}))
    board.write(partial_write())
    assert board.holds(record(), "v-target") == 0


def test_a_late_write_lands_while_somebody_sleeps() -> None:
    board = MemoryBoard(FakeClock(), script=script(PUT={1: Fault.LATE}))
    assert board.write(partial_write()).kind is ReplyKind.UNKNOWN
    assert board.holds(record(), "v-actual") is None
    board.clock.sleep(99)
    assert board.holds(record(), "v-actual") is None
    board.clock.sleep(2)
    assert board.holds(record(), "v-actual") == B


@pytest.mark.parametrize(
    ("fault", "kind", "stored"),
    [
        (Fault.REFUSE, ReplyKind.REFUSED, False),
        (Fault.BUSY, ReplyKind.BUSY, False),
        (Fault.FAIL_BEFORE, ReplyKind.FAILED, False),
        (Fault.FAIL_AFTER, ReplyKind.FAILED, True),
        (Fault.DROP_BEFORE, ReplyKind.UNKNOWN, False),
        (Fault.DROP_AFTER, ReplyKind.UNKNOWN, True),
        (Fault.NOT_SENT, ReplyKind.NOT_SENT, False),
        (Fault.IGNORE, ReplyKind.ACCEPTED, False),
    ],
)
def test_a_fault_answers_and_stores_as_it_says(fault: Fault, kind: ReplyKind, stored: bool) -> None:
    board = MemoryBoard(script=script(PUT={1: fault}))
    assert board.write(partial_write()).kind is kind
    assert (board.holds(record(), "v-actual") == B) is stored


def test_deleting_what_is_not_there_is_accepted() -> None:
    gone = Change(Action.WITHDRAW, record(), (ValueChange("v-actual", A, None, "gone"),))
    assert MemoryBoard().write(gone).kind is ReplyKind.ACCEPTED


def test_every_key_is_in_one_window() -> None:
    keys = [record(day) for day in range(100)]
    windows = MemoryBoard(window=31).windows(keys)
    assert sorted(key for window in windows for key in window.keys) == sorted(keys)
    assert len(windows) == 4
    assert all((window.last - window.first).days < 31 for window in windows)


def test_booked_events_happen_in_their_order_at_their_time() -> None:
    clock, seen = FakeClock(), list[tuple[str, float]]()
    clock.at(2, lambda: seen.append(("second", clock.monotonic())))
    clock.at(1, lambda: seen.append(("first", clock.monotonic())))
    clock.sleep(5)
    assert seen == [("first", 1.0), ("second", 2.0)]
    assert (clock.monotonic(), clock.booked) == (5.0, 0)
