"""After a write: what the platform shows, against what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from kpisync.model import Action, Change, Reply, ReplyKind, Status, ValueChange, ValueKey, Values
from kpisync.sync.confirm import Judgement, judge_read_back, judge_refused, judge_reply, refusal
from kpisync.testing.world import record

A, B, C = Decimal(3), Decimal(5), Decimal(9)
ACCEPTED = Reply(ReplyKind.ACCEPTED, 200)


def change(old: Decimal | None = A, new: Decimal | None = B, before: Values | None = None) -> Change:
    action = Action.WITHDRAW if new is None else Action.UPDATE
    return Change(action, record(), (ValueChange("v-actual", old, new, "a.csv:2"),), before)


def statuses(judgement: Judgement) -> list[Status]:
    return [settled.status for settled in judgement.settled]


def codes(judgement: Judgement) -> list[str]:
    return [rejection.code for rejection in judgement.rejections]


def test_what_is_read_back_equal_is_confirmed() -> None:
    judgement = judge_read_back(change(), ACCEPTED, {"v-actual": Decimal("5.0")})
    assert statuses(judgement) == [Status.CONFIRMED]
    assert not judgement.rejections


def test_what_was_deleted_and_is_gone_is_withdrawn() -> None:
    assert statuses(judge_read_back(change(new=None), ACCEPTED, None)) == [Status.WITHDRAWN]


def test_what_is_stored_otherwise_is_rejected_and_says_how() -> None:
    judgement = judge_read_back(change(), ACCEPTED, {"v-actual": C})
    assert (statuses(judgement), codes(judgement)) == ([Status.REFUSED], ["not-stored"])
    assert "answered 200 but holds 9 afterwards; if it rounds, set decimals" in judgement.rejections[0].reason


def test_what_was_accepted_and_is_not_to_be_seen_may_still_appear() -> None:
    judgement = judge_read_back(change(), ACCEPTED, {"v-actual": A})
    assert (statuses(judgement), codes(judgement)) == ([Status.IN_DOUBT], ["not-stored"])


def test_a_new_value_that_is_not_there_says_so() -> None:
    judgement = judge_read_back(change(old=None), ACCEPTED, None)
    assert "does not hold it" in judgement.rejections[0].reason


@pytest.mark.parametrize(("kind", "code"), [(ReplyKind.FAILED, "platform-error"), (ReplyKind.REFUSED, "refused")])
def test_what_failed_and_is_not_stored_is_rejected_in_the_platforms_words(kind: ReplyKind, code: str) -> None:
    judgement = judge_read_back(change(), Reply(kind, 500, "sorry"), {"v-actual": A})
    assert (statuses(judgement), codes(judgement)) == ([Status.REFUSED], [code])
    assert "sorry" in judgement.rejections[0].reason


def test_what_failed_and_is_stored_all_the_same_is_confirmed() -> None:
    assert statuses(judge_read_back(change(), Reply(ReplyKind.FAILED, 500), {"v-actual": B})) == [Status.CONFIRMED]


@pytest.mark.parametrize(
    ("before", "shown", "note"),
    [
        ({"v-actual": A}, {"v-actual": B, "v-target": C}, "the platform added v-target = 9 by itself"),
        ({"v-actual": A, "v-note": C}, {"v-actual": B}, "v-note was 9 and is nothing after our write"),
        ({"v-actual": A, "v-note": C}, {"v-actual": B, "v-note": A}, "v-note was 9 and is 3 after our write"),
    ],
)
def test_what_the_platform_did_by_itself_is_noted(before: Values, shown: Values, note: str) -> None:
    (found,) = judge_read_back(change(before=before), ACCEPTED, shown).notes
    assert found.startswith(note)


def test_nothing_is_noted_of_a_record_that_was_not_read_before() -> None:
    assert not judge_read_back(change(), ACCEPTED, {"v-actual": B, "v-note": C}, was_read=False).notes


def test_nothing_is_noted_of_a_deleted_record() -> None:
    assert not judge_read_back(change(new=None, before={"v-actual": A}), ACCEPTED, None).notes


@pytest.mark.parametrize(
    ("trust", "shown", "status"),
    [
        (True, {"v-actual": B}, Status.CONFIRMED),
        (True, {"v-actual": C}, Status.SENT),
        (True, None, Status.SENT),
        (False, {"v-actual": B}, Status.SENT),
    ],
)
def test_a_reply_confirms_only_what_it_shows_and_only_if_trusted(
    trust: bool, shown: Mapping[str, Decimal] | None, status: Status
) -> None:
    reply = Reply(ReplyKind.ACCEPTED, 200, values=shown)
    assert statuses(judge_reply(change(), reply, trust)) == [status]


def test_an_accepted_deletion_is_a_withdrawal() -> None:
    assert statuses(judge_reply(change(new=None), ACCEPTED, trust=False)) == [Status.WITHDRAWN]


def test_a_refused_change_leaves_what_stood() -> None:
    judgement = judge_refused(change(), Reply(ReplyKind.REFUSED, 422, "no such value"))
    assert [(settled.status, settled.number) for settled in judgement.settled] == [(Status.REFUSED, A)]
    assert judgement.rejections[0].reason == "the platform refuses it (status 422): no such value"


@pytest.mark.parametrize(
    "judgement",
    [
        judge_refused(change(), Reply(ReplyKind.REFUSED, 422, "no such value")),
        judge_read_back(change(), ACCEPTED, {"v-actual": C}),
        judge_read_back(change(), Reply(ReplyKind.FAILED, 500, "sorry"), {"v-actual": A}),
        judge_read_back(change(), Reply(ReplyKind.REFUSED, 422, "no such value"), {"v-actual": A}),
    ],
    ids=codes,
)
def test_a_reject_says_which_value_with_which_number_it_was(judgement: Judgement) -> None:
    (rejection,) = judgement.rejections
    assert (rejection.key, rejection.number) == (ValueKey(record(), "v-actual"), B)


def test_a_reject_without_status_or_words_is_still_a_sentence() -> None:
    reason = refusal("unreadable", "a.csv:2", Reply(ReplyKind.UNKNOWN)).reason
    assert reason == "its record could not be read, so it is not written"
