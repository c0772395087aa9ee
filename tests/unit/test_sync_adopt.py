"""What becomes known by an adoption, and what does not."""

from __future__ import annotations

from decimal import Decimal

from kpisync.model import Known, KpiValue, Stands, Status, ValueKey
from kpisync.sync.adopt import Adoption, adoption, without_rivals
from kpisync.sync.look import Shown
from kpisync.testing.world import record, value

OURS, THEIRS = Decimal(5), Decimal(8)
STATED = KpiValue(value(), OURS, "a.csv:2")


def adopted(holds: Decimal | None, known: Known | None = None, doubts: frozenset[ValueKey] = frozenset()) -> Adoption:
    shown = Shown({record(): {} if holds is None else {value().value: holds}})
    return adoption([STATED], shown, {value(): known} if known else {}, doubts, "me")


def test_what_the_platform_holds_becomes_known_without_an_id() -> None:
    found = adopted(THEIRS)
    assert (found.stands, found.changing) == ({value(): Stands(THEIRS, "adopted", None)}, 1)
    assert adopted(OURS).changing == 0


def test_what_it_does_not_hold_is_counted() -> None:
    assert (adopted(None).missing, adopted(None).stands) == (1, {})


def test_what_is_known_already_is_not_touched() -> None:
    found = adopted(THEIRS, Known(THEIRS, Status.CONFIRMED, "me", "s1"))
    assert (found.known, found.stands) == (1, {})


def test_a_value_of_a_job_that_is_no_more_is_taken_over() -> None:
    assert adopted(THEIRS, Known(THEIRS, Status.CONFIRMED, "gone")).stands


def test_what_is_in_doubt_is_not_adopted() -> None:
    found = adopted(OURS, doubts=frozenset({value()}))
    assert (found.doubts, found.stands) == ([value()], {})


def test_what_was_not_read_is_neither_adopted_nor_missing() -> None:
    found = adoption([STATED], Shown(), {}, (), "me")
    assert (found.stands, found.missing) == ({}, 0)


def test_a_value_of_another_job_is_rejected_naming_it() -> None:
    mine, rejections = without_rivals([STATED], {value(): "other"}, "me", {"other"})
    assert (mine, [rejection.source for rejection in rejections]) == ([], ["a.csv:2"])
    assert "job other already sends" in rejections[0].reason
    assert without_rivals([STATED], {value(): "gone"}, "me", {"other"}) == ([STATED], [])
