"""A person's answer to a doubt: what speaks against it, and what is recorded."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from kpisync.model import Status
from kpisync.sync.resolve import Answer, Evidence, contradiction, settled
from kpisync.testing.clock import NOON
from kpisync.testing.world import value

OLD, NEW, THEIRS = Decimal(3), Decimal(5), Decimal(8)
STORED, NOT_STORED = Answer.STORED, Answer.NOT_STORED


def evidence(
    shows: Decimal | None = None, asked: bool = True, new: Decimal | None = NEW, settles: float = -60
) -> Evidence:
    return Evidence(value(), OLD, new, NOON + timedelta(seconds=settles), asked, shows, "s1")


@pytest.mark.parametrize(
    ("shows", "answer", "against"),
    [
        (NEW, STORED, None),
        (OLD, STORED, "the platform shows 3"),
        (None, STORED, "the platform shows nothing there"),
        (NEW, NOT_STORED, "the platform shows 5, as it was sent"),
        (OLD, NOT_STORED, None),
        (THEIRS, NOT_STORED, None),
        (None, NOT_STORED, None),
    ],
)
def test_an_answer_must_fit_what_the_platform_shows(shows: Decimal | None, answer: Answer, against: str | None) -> None:
    assert contradiction(evidence(shows), answer, NOON) == against


def test_a_withdrawal_is_stored_where_nothing_stands() -> None:
    assert contradiction(evidence(None, new=None), STORED, NOON) is None
    assert contradiction(evidence(OLD, new=None), STORED, NOON) == "the platform shows 3"
    assert settled(evidence(None, new=None), STORED).status is Status.WITHDRAWN


def test_what_may_still_land_is_not_called_lost() -> None:
    late = evidence(OLD, settles=60)
    assert contradiction(late, NOT_STORED, NOON) == "it may still land until 2026-11-20T12:01:00+00:00"
    assert contradiction(late, NOT_STORED, NOON + timedelta(seconds=60)) is None


def test_where_nobody_asked_nothing_speaks_against_an_answer() -> None:
    assert contradiction(evidence(asked=False), STORED, NOON) is None
    assert contradiction(evidence(asked=False), NOT_STORED, NOON) is None


def test_only_what_was_seen_is_confirmed_and_ours() -> None:
    seen, said = settled(evidence(NEW), STORED), settled(evidence(NEW, asked=False), STORED)
    assert (seen.status, seen.number, seen.remote) == (Status.CONFIRMED, NEW, "s1")
    assert (said.status, said.number, said.remote) == (Status.SENT, NEW, None)


def test_what_is_not_stored_leaves_what_was_known() -> None:
    assert settled(evidence(THEIRS), NOT_STORED).status is Status.REFUSED
    assert settled(evidence(THEIRS), NOT_STORED).number == THEIRS
    assert "kpisync resolve" in settled(evidence(asked=False), NOT_STORED).answer
