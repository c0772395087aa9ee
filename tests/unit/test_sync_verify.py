"""Whose doing a difference is: only what nobody else wrote is sent again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kpisync.model import Known, Status, ValueKey
from kpisync.sync.look import Shown
from kpisync.sync.verify import Drift, Past, drifted, repairs, sorted_out
from kpisync.testing.world import record, value

OLD, OURS, THEIRS = Decimal(3), Decimal(5), Decimal(8)
PAST = Past(frozenset({OLD, OURS}), source="a.csv:2")


def known(status: Status = Status.CONFIRMED) -> dict[ValueKey, Known]:
    return {value(): Known(OURS, status, "me", "s1")}


def shown(number: Decimal | None, copies: int = 1) -> Shown:
    records = {record(): {} if number is None else {value().value: number}}
    return Shown(records, {value(): copies} if copies > 1 else {})


def judged(number: Decimal | None, past: Past = PAST, status: Status = Status.CONFIRMED, copies: int = 1) -> Drift:
    found = drifted(known(status), shown(number, copies))
    return sorted_out(found, known(status), {value(): past}, 1)


@pytest.mark.parametrize(
    ("stands", "kind"), [(None, "missing"), (OLD, "different"), (THEIRS, "edited")], ids=["none", "old", "theirs"]
)
def test_each_difference_is_of_one_kind(stands: Decimal | None, kind: str) -> None:
    drift = judged(stands)
    assert [(each.number, each.found) for each in getattr(drift, kind)] == [(OURS, stands)]
    assert len(list(drift)) == 1


def test_the_known_number_is_no_difference() -> None:
    assert list(judged(Decimal("5.0"))) == []


def test_two_of_them_are_a_duplicate_whatever_is_shown() -> None:
    assert [each.copies for each in judged(OURS, copies=2).duplicates] == [2]


def test_what_was_not_read_is_not_judged() -> None:
    assert drifted(known(), Shown()) == []


def test_what_stood_before_a_number_that_was_only_sent_is_no_edit() -> None:
    past = Past(frozenset({OURS}), before=THEIRS)
    assert judged(THEIRS, past, Status.SENT).different
    assert judged(THEIRS, past, Status.CONFIRMED).edited


def test_a_repair_expects_our_own_numbers_alone() -> None:
    (wanted,) = repairs(judged(OLD), known(), {value(): PAST})
    assert (wanted.number, wanted.expected, wanted.source, wanted.remote) == (OURS, {OLD, OURS}, "a.csv:2", "s1")
    assert repairs(judged(THEIRS), known(), {value(): PAST}) == []


def test_a_value_without_a_history_is_judged_by_what_is_known() -> None:
    found = drifted(known(), shown(OLD))
    assert sorted_out(found, known(), {}, 1).edited == found
