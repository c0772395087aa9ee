"""What an undo puts back, and what it leaves alone, and why."""

from __future__ import annotations

from decimal import Decimal

from kpisync.model import Action, Known, Status, ValueKey
from kpisync.sync.look import Shown
from kpisync.sync.undo import Circumstances, Step, Undoing, undoing
from kpisync.testing.clock import FakeClock
from kpisync.testing.shelf import MemoryShelf
from kpisync.testing.world import record, value

OLD, NEW, THEIRS = Decimal(3), Decimal(5), Decimal(8)
ACTUAL, TARGET = value(), value("target")
UPDATED, CREATED, WITHDRAWN = Step(ACTUAL, OLD, NEW), Step(ACTUAL, None, NEW), Step(ACTUAL, OLD, None)


def undo(
    *steps: Step,
    holds: dict[ValueKey, Decimal] | None = None,
    later: dict[ValueKey, str] | None = None,
    doubts: set[ValueKey] | None = None,
    copies: dict[ValueKey, int] | None = None,
) -> Undoing:
    known = {step.key: Known(step.new, Status.CONFIRMED, "me") for step in steps if step.new is not None}
    now = Circumstances(known, doubts or set(), later or {}, "undo of run R")
    stands = {key.value: number for key, number in (holds or {}).items()}
    return undoing(steps, Shown({record(): stands}, copies or {}), now)


def done(found: Undoing) -> list[tuple[Action, Decimal | None, Decimal | None]]:
    return [(change.action, value.old, value.new) for change in found.changes for value in change.values]


def reasons(found: Undoing) -> list[str]:
    assert found.changes == []
    return [left.reason for left in found.left]


def test_the_old_number_replaces_ours() -> None:
    found = undo(UPDATED, holds={ACTUAL: NEW, TARGET: THEIRS})
    assert (done(found), found.left) == ([(Action.UPDATE, NEW, OLD)], [])
    assert found.changes[0].values[0].source == "undo of run R"


def test_a_created_record_is_withdrawn_whole() -> None:
    found = undo(CREATED, Step(TARGET, None, OLD), holds={ACTUAL: NEW, TARGET: OLD})
    assert done(found) == [(Action.WITHDRAW, NEW, None), (Action.WITHDRAW, OLD, None)]


def test_a_created_value_beside_another_is_left_alone() -> None:
    assert "only delete its whole record" in reasons(undo(CREATED, holds={ACTUAL: NEW, TARGET: THEIRS}))[0]


def test_a_withdrawn_value_is_created_again() -> None:
    assert done(undo(WITHDRAWN)) == [(Action.CREATE, None, OLD)]


def test_where_a_value_was_withdrawn_and_something_stands_it_is_left_alone() -> None:
    assert reasons(undo(WITHDRAWN, holds={ACTUAL: THEIRS})) == ["the platform holds 8 now"]


def test_what_does_not_stand_any_more_is_left_alone() -> None:
    assert reasons(undo(UPDATED, holds={ACTUAL: THEIRS})) == ["the platform holds 8 now"]
    assert reasons(undo(UPDATED)) == ["nothing stands there any more"]


def test_what_a_later_run_changed_is_left_alone_though_it_stands() -> None:
    assert reasons(undo(UPDATED, holds={ACTUAL: NEW}, later={ACTUAL: "R2"})) == [
        "run R2 changed it since; undo that one first"
    ]


def test_what_is_in_doubt_is_left_alone_though_it_stands() -> None:
    assert "kpisync resolve" in reasons(undo(UPDATED, holds={ACTUAL: NEW}, doubts={ACTUAL}))[0]


def test_of_several_numbers_none_is_taken_for_ours() -> None:
    assert "2 numbers stand there" in reasons(undo(UPDATED, holds={ACTUAL: NEW}, copies={ACTUAL: 2}))[0]


def test_a_record_that_was_not_read_is_left_to_the_reject_of_its_reading() -> None:
    found = undoing([UPDATED], Shown(), Circumstances({}, set(), {}, "undo of run R"))
    assert found == Undoing()


def test_where_values_stand_apart_one_that_is_not_known_to_be_ours_is_not_deleted() -> None:
    now = Circumstances({}, set(), {}, "undo of run R", MemoryShelf(FakeClock()))
    found = undoing([CREATED], Shown({record(): {ACTUAL.value: NEW}}), now)
    assert "not known to be ours" in reasons(found)[0]
