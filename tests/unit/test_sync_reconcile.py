"""Three-way: what was put there, what stands there, what shall stand there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from kpisync.model import Action, Intent, KpiValue, Settled, Stands, Status, ValueChange, ValueKey
from kpisync.ports import OnConflict
from kpisync.sync.diff import RecordWork, Wanted
from kpisync.sync.reconcile import Verdict, must_be_read, reconcile, unread
from kpisync.testing.clock import NOON
from kpisync.testing.world import record, value

A, B = Decimal(3), Decimal(5)
OTHERS = Decimal(9)


def wanted(
    number: Decimal | None = B,
    expected: tuple[Decimal, ...] = (A,),
    doubt: tuple[Decimal | None, Decimal | None] | None = None,
    kind: str = "actual",
    ask_only: bool = False,
) -> Wanted:
    intent = Intent(value(kind), doubt[0], doubt[1], "old.csv:2") if doubt else None
    return Wanted(value(kind), number, "a.csv:2", frozenset(expected), intent, ask_only=ask_only)


def judge(*wishes: Wanted, holds: Mapping[str, Decimal] | None, mode: OnConflict = OnConflict.HOLD) -> Verdict:
    return reconcile(RecordWork(record(), list(wishes)), holds, mode)


def changed(verdict: Verdict) -> tuple[Action, list[tuple[Decimal | None, Decimal | None]]] | None:
    assert len(verdict.changes) < 2
    change = next(iter(verdict.changes), None)
    return (change.action, [(value.old, value.new) for value in change.values]) if change else None


def refused(found: Decimal | None) -> Settled:
    return Settled(value(), Status.REFUSED, found)


# ---------------------------------------------------------------- the table


@pytest.mark.parametrize(
    ("expected", "stands", "outcome"),
    [
        ((), None, (Action.CREATE, [(None, B)])),  # new here, new there
        ((A,), A, (Action.UPDATE, [(A, B)])),  # ours stands, and the source changed
        ((A,), None, (Action.CREATE, [(None, B)])),  # ours was removed with its record: nothing to preserve
        ((A,), B, None),  # it is there already
        ((), B, None),
        ((), OTHERS, None),  # somebody else's
        ((A,), OTHERS, None),
    ],
)
def test_the_three_way_table(
    expected: tuple[Decimal, ...], stands: Decimal | None, outcome: tuple[Action, list[object]] | None
) -> None:
    holds = None if stands is None else {"v-actual": stands}
    assert changed(judge(wanted(expected=expected), holds=holds)) == outcome


def test_an_equal_number_is_adopted_with_its_cell() -> None:
    verdict = judge(wanted(expected=()), holds={"v-actual": B})
    assert verdict.stands == {value(): Stands(B, "a.csv:2")}
    assert not verdict.conflicts


def test_another_hands_number_is_held() -> None:
    verdict = judge(wanted(), holds={"v-actual": OTHERS})
    (conflict,) = verdict.conflicts
    assert (conflict.holds, conflict.wanted, conflict.expected) == (OTHERS, B, frozenset({A}))


def test_another_hands_number_is_overwritten_on_demand() -> None:
    verdict = judge(wanted(), holds={"v-actual": OTHERS}, mode=OnConflict.OVERWRITE)
    assert changed(verdict) == (Action.UPDATE, [(OTHERS, B)])


def test_a_held_value_does_not_hold_its_neighbour() -> None:
    verdict = judge(wanted(), wanted(kind="target"), holds={"v-actual": OTHERS, "v-target": A})
    [change] = verdict.changes
    assert change.values == (ValueChange("v-target", A, B, "a.csv:2"),)
    assert change.before == {"v-actual": OTHERS, "v-target": A}


# ---------------------------------------------------------------- restoring


def beside(number: Decimal) -> RecordWork:
    stated = KpiValue(value("target"), number, "a.csv:3")
    return RecordWork(record(), [wanted()], beside={"v-target": stated})


def test_a_record_that_lost_our_other_values_gets_them_with_the_change() -> None:
    verdict = reconcile(beside(A), None, OnConflict.HOLD)
    assert changed(verdict) == (Action.CREATE, [(None, B), (None, A)])
    assert verdict.restored == 1


def test_what_another_hand_wrote_beside_it_stays() -> None:
    verdict = reconcile(beside(A), {"v-actual": A, "v-target": OTHERS}, OnConflict.HOLD)
    assert changed(verdict) == (Action.UPDATE, [(A, B)])


def test_nothing_is_restored_where_nothing_changes() -> None:
    assert reconcile(beside(A), {"v-actual": B}, OnConflict.HOLD).changes == []


# ---------------------------------------------------------------- withdrawing


def test_a_record_whose_values_are_all_withdrawn_is_deleted() -> None:
    verdict = judge(wanted(None), holds={"v-actual": A})
    assert changed(verdict) == (Action.WITHDRAW, [(A, None)])


def test_a_value_beside_others_cannot_be_withdrawn() -> None:
    verdict = judge(wanted(None), holds={"v-actual": A, "v-note": OTHERS})
    assert verdict.changes == []
    assert [rejection.code for rejection in verdict.rejections] == ["cannot-withdraw"]


def test_a_value_cannot_be_withdrawn_while_its_neighbour_is_written() -> None:
    verdict = judge(wanted(None), wanted(kind="target"), holds={"v-actual": A})
    assert changed(verdict) == (Action.UPDATE, [(None, B)])
    assert [rejection.code for rejection in verdict.rejections] == ["cannot-withdraw"]


def test_what_is_gone_already_is_forgotten() -> None:
    verdict = judge(wanted(None), holds=None)
    assert verdict.outcomes == [Settled(value(), Status.WITHDRAWN, None)]
    assert verdict.changes == []


def test_another_hands_number_is_not_withdrawn() -> None:
    verdict = judge(wanted(None), holds={"v-actual": OTHERS})
    assert verdict.changes == []
    assert verdict.conflicts


# ---------------------------------------------------------------- doubts


def test_a_doubt_that_landed_is_known_with_the_cell_that_stated_it() -> None:
    verdict = judge(wanted(number=Decimal(8), expected=(A, B), doubt=(A, B)), holds={"v-actual": B})
    assert verdict.stands == {value(): Stands(B, "old.csv:2")}
    assert changed(verdict) == (Action.UPDATE, [(B, Decimal(8))])


def test_a_doubt_that_did_not_land_is_closed_and_sent_again() -> None:
    verdict = judge(wanted(expected=(A, B), doubt=(A, B)), holds={"v-actual": A})
    assert verdict.outcomes == [refused(A)]
    assert changed(verdict) == (Action.UPDATE, [(A, B)])


def test_a_doubt_over_which_another_hand_wrote_is_closed_and_held() -> None:
    verdict = judge(wanted(expected=(A, B), doubt=(A, B)), holds={"v-actual": OTHERS})
    assert verdict.outcomes == [refused(OTHERS)]
    assert verdict.conflicts
    assert verdict.changes == []


def test_a_doubtful_withdrawal_that_landed_is_forgotten() -> None:
    verdict = judge(wanted(None, doubt=(A, None)), holds=None)
    assert {outcome.status for outcome in verdict.outcomes} == {Status.WITHDRAWN}


def test_a_doubt_that_the_source_went_back_on_ends_with_what_stands() -> None:
    verdict = judge(wanted(A, expected=(A, B), doubt=(A, B)), holds={"v-actual": A})
    assert verdict.outcomes == [refused(A)]
    assert verdict.stands == {value(): Stands(A, "a.csv:2")}


@pytest.mark.parametrize("holds", [None, {"v-actual": A}, {"v-actual": B}, {"v-actual": OTHERS}])
def test_a_doubt_that_the_source_states_no_more_is_only_asked(holds: Mapping[str, Decimal] | None) -> None:
    verdict = judge(wanted(B, expected=(A, B), doubt=(A, B), ask_only=True), holds=holds)
    assert verdict.changes == []
    assert not verdict.conflicts
    assert bool(verdict.outcomes) != bool(verdict.stands)


# ---------------------------------------------------------------- without a read


def test_an_unread_record_is_written_with_all_that_is_known_of_it() -> None:
    work = RecordWork(record(), [wanted()], known={"v-actual": A, "v-note": OTHERS})
    [change] = unread(work).changes
    assert change.action is Action.UPDATE
    assert change.before == {"v-actual": A, "v-note": OTHERS}
    assert change.new == {"v-actual": B}


def test_an_unread_record_of_which_nothing_is_known_is_created() -> None:
    assert changed(unread(RecordWork(record(), [wanted(expected=())]))) == (Action.CREATE, [(None, B)])


@pytest.mark.parametrize(
    ("work", "must"),
    [
        (RecordWork(record(), [wanted()]), False),
        (RecordWork(record(), [wanted(None)]), True),
        (RecordWork(record(), [wanted(doubt=(A, B))]), True),
        (RecordWork(record(), [wanted()], settles=NOON), True),
    ],
)
def test_withdrawals_and_doubts_are_read_whatever_the_settings_say(work: RecordWork, must: bool) -> None:
    assert must_be_read(work) is must


# ---------------------------------------------------------------- values that are kept apart


@dataclass(frozen=True)
class Apart:
    """A platform that gives each value an id and shows `shown`; only what has an id of ours may be replaced."""

    shown: str | None = None

    def remote_id(self, key: ValueKey) -> str | None:
        return self.shown

    def may_replace(self, key: ValueKey, remote: str | None) -> bool:
        return remote is not None

    def copies(self, key: ValueKey) -> int:
        return 1


def judge_apart(wish: Wanted, stands: Decimal | None, shown: str | None) -> Verdict:
    holds = None if stands is None else {wish.key.value: stands}
    return reconcile(RecordWork(record(), [wish]), holds, OnConflict.OVERWRITE, Apart(shown))


def test_what_we_created_is_replaced_by_its_id() -> None:
    [change] = judge_apart(replace(wanted(), remote="s1"), A, "s1").changes
    assert change.values == (ValueChange("v-actual", A, B, "a.csv:2", "s1"),)


@pytest.mark.parametrize(("remote", "shown"), [(None, "s9"), ("s1", "s9"), (None, None)])
def test_what_we_did_not_create_is_a_conflict_even_if_it_is_the_number_we_know(
    remote: str | None, shown: str | None
) -> None:
    verdict = judge_apart(replace(wanted(), remote=remote), A, shown)
    assert (verdict.changes, len(verdict.conflicts)) == ([], 1)


def test_an_attempt_that_landed_is_known_with_the_id_that_is_shown() -> None:
    verdict = judge_apart(wanted(B, (A,), doubt=(A, B)), B, "s2")
    assert verdict.stands == {value(): Stands(B, "a.csv:2", "s2")}


def test_a_hole_between_deleting_and_posting_is_filled() -> None:
    [change] = judge_apart(replace(wanted(B, (A,), doubt=(A, B)), remote="s1"), None, None).changes
    assert (change.action, change.values) == (Action.CREATE, (ValueChange("v-actual", None, B, "a.csv:2"),))


def test_each_value_is_a_change_of_its_own() -> None:
    wishes = [wanted(B, ()), wanted(None, (A,), kind="target")]
    work = RecordWork(record(), [wishes[0], replace(wishes[1], remote="s1")])
    changes = reconcile(work, {"v-target": A}, OnConflict.HOLD, Apart()).changes
    assert [(change.action, len(change.values)) for change in changes] == [(Action.CREATE, 1), (Action.WITHDRAW, 1)]
