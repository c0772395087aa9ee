"""What one run makes of its destination's answers: pauses, and when it is given up."""

from __future__ import annotations

import math
import random

import pytest

from kpisync.errors import DestinationError, LoginError
from kpisync.model import Reply, ReplyKind
from kpisync.sync.gate import Gate
from kpisync.sync.pace import Weather
from kpisync.testing.clock import FakeClock

BUSY = Reply(ReplyKind.BUSY, 503, "come back later")
FAILED = Reply(ReplyKind.FAILED, 500, "sorry")
FORBIDDEN = Reply(ReplyKind.REFUSED, 403, "not yours")
REFUSED = Reply(ReplyKind.REFUSED, 422, "no")


def weather() -> Weather:
    clock = FakeClock()
    return Weather(clock, "board", Gate(clock, dice=random.Random(1)))


def bad(weather: Weather, reply: Reply, wrote: bool = True) -> None:
    """An answer to a request that began after the pause that the one before asked for."""
    clock = weather.gate.clock
    clock.sleep(weather.paused_until - clock.monotonic())
    weather.bad(reply, wrote)


# ---------------------------------------------------------------- pauses


def test_a_rest_may_take_longer_with_each_attempt() -> None:
    found = weather()
    for attempt, longest in [(1, 1), (2, 2), (3, 4), (7, 60), (20, 60)]:
        lengths = []
        for _ in range(200):
            begun = found.gate.clock.monotonic()
            found.rest(attempt)
            lengths.append(found.paused_until - begun)
            found.gate.clock.sleep(lengths[-1])
        assert min(lengths) < longest / 20
        assert longest * 0.95 < max(lengths) <= longest


def test_the_platforms_own_wish_is_honoured() -> None:
    found = weather()
    found.bad(Reply(ReplyKind.BUSY, 429, retry_after=7.0), wrote=True)
    assert found.paused_until == 7.0


def test_a_platform_that_wants_no_pause_gets_one_all_the_same() -> None:
    found = weather()
    found.bad(Reply(ReplyKind.BUSY, 429, retry_after=0.0), wrote=True)
    assert 0 < found.paused_until < 1


def test_a_run_that_ends_sends_nothing_more_and_does_not_keep_others_from_it() -> None:
    found = weather()
    found.end(DestinationError("it redirects"))
    assert found.paused_until == math.inf
    found.gate.enter()
    assert found.gate.paused_until == 0


def test_a_refused_login_keeps_every_run_from_asking() -> None:
    found = weather()
    found.end(LoginError("the platform refuses the login", hint="Check the password"))
    found.gate.clock.sleep(1e9)
    with pytest.raises(LoginError, match=r"the platform refuses the login\. Check the password"):
        found.gate.enter()


# ---------------------------------------------------------------- giving up


@pytest.mark.parametrize("kind", [ReplyKind.BUSY, ReplyKind.UNKNOWN, ReplyKind.NOT_SENT])
def test_three_troubles_in_a_row_are_enough(kind: ReplyKind) -> None:
    found = weather()
    reply = Reply(kind, words="no answer")
    bad(found, reply)
    bad(found, reply)
    with pytest.raises(DestinationError, match=r"destination board: no answer\. What was not sent stays to be sent"):
        bad(found, reply)


def test_an_answer_without_words_is_described() -> None:
    found = weather()
    for _ in range(2):
        bad(found, Reply(ReplyKind.BUSY, 503))
    with pytest.raises(DestinationError, match=r"the platform is not available \(status 503\)"):
        bad(found, Reply(ReplyKind.BUSY, 503))


def test_a_good_answer_between_begins_anew() -> None:
    found = weather()
    for _ in range(5):
        bad(found, BUSY)
        found.good(wrote=True)
    assert found.gate.troubles[True] == 0


def test_good_reads_do_not_excuse_writes() -> None:
    found = weather()
    with pytest.raises(DestinationError):
        for _ in range(3):
            found.good(wrote=False)
            bad(found, BUSY, wrote=True)


def test_refusals_never_count() -> None:
    found = weather()
    for _ in range(10):
        bad(found, REFUSED)
    assert not found.gate.in_trouble


def test_failures_count_only_while_nothing_was_answered_well() -> None:
    found = weather()
    bad(found, FAILED)
    assert found.gate.troubles[True] == 1
    found.good(wrote=True)
    bad(found, FAILED)
    assert found.gate.troubles[True] == 0


# ---------------------------------------------------------------- 403


def test_a_forbidden_first_read_is_the_account() -> None:
    with pytest.raises(DestinationError, match="Check what the account may do"):
        weather().bad(FORBIDDEN, wrote=False)


def test_a_forbidden_read_among_good_ones_is_its_own() -> None:
    found = weather()
    found.good(wrote=False)
    found.bad(FORBIDDEN, wrote=False)
    assert found.forbidden == 0


def test_a_second_forbidden_write_before_any_was_accepted_is_the_account() -> None:
    found = weather()
    found.good(wrote=False)
    found.bad(FORBIDDEN, wrote=True)
    found.good(wrote=False)
    with pytest.raises(DestinationError, match="status 403"):
        found.bad(FORBIDDEN, wrote=True)


def test_forbidden_writes_after_an_accepted_one_are_their_own() -> None:
    found = weather()
    found.good(wrote=True)
    for _ in range(5):
        found.bad(FORBIDDEN, wrote=True)
    assert found.forbidden == 0
