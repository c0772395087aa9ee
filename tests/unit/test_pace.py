"""The rate without bursts, the pauses, and when a destination is given up."""

from __future__ import annotations

import random

import pytest

from kpisync.errors import DestinationError
from kpisync.model import Reply, ReplyKind
from kpisync.sync.pace import Turns, Weather
from kpisync.testing.clock import FakeClock

BUSY = Reply(ReplyKind.BUSY, 503, "come back later")
FAILED = Reply(ReplyKind.FAILED, 500, "sorry")
FORBIDDEN = Reply(ReplyKind.REFUSED, 403, "not yours")
REFUSED = Reply(ReplyKind.REFUSED, 422, "no")


def weather(clock: FakeClock | None = None) -> Weather:
    return Weather(clock or FakeClock(), "board", random.Random(1))


def bad(weather: Weather, reply: Reply, wrote: bool = True) -> None:
    """An answer after the pause that the one before asked for."""
    clock = weather.clock
    clock.sleep(weather.paused_until - clock.monotonic())
    weather.bad(reply, wrote)


# ---------------------------------------------------------------- the rate


def test_turns_come_at_a_steady_rate_from_the_first() -> None:
    clock = FakeClock()
    turns = Turns(2.0, clock)
    times = []
    for _ in range(4):
        turns.wait()
        times.append(clock.monotonic())
    assert times == [0.0, 0.5, 1.0, 1.5]


def test_idle_time_is_not_saved_up_for_a_burst() -> None:
    clock = FakeClock()
    turns = Turns(1.0, clock)
    clock.sleep(60)
    turns.wait()
    turns.wait()
    assert clock.monotonic() == 61.0


def test_without_a_rate_nobody_waits() -> None:
    clock = FakeClock()
    Turns(None, clock).wait()
    assert clock.monotonic() == 0.0


# ---------------------------------------------------------------- pauses


def test_a_busy_platform_is_left_alone_longer_each_time() -> None:
    found = weather()
    bad(found, BUSY)
    first = found.paused_until - found.clock.monotonic()
    bad(found, BUSY)
    second = found.paused_until - found.clock.monotonic()
    assert 0.5 <= first <= 1.0 <= second <= 2.0


def test_the_platforms_own_wish_is_honoured() -> None:
    found = weather()
    found.bad(Reply(ReplyKind.BUSY, 429, retry_after=7.0), wrote=True)
    assert found.paused_until == 7.0


def test_answers_that_were_in_flight_together_count_once() -> None:
    found = weather()
    for _ in range(5):
        found.bad(BUSY, wrote=True)
    assert found.troubles[True] == 1


def test_a_longer_wish_of_a_later_answer_prolongs_the_pause() -> None:
    found = weather()
    found.bad(BUSY, wrote=True)
    found.bad(Reply(ReplyKind.BUSY, 429, retry_after=30.0), wrote=True)
    assert found.paused_until == 30.0


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
    assert found.troubles[True] == 0


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
    assert not found.troubles


def test_failures_count_only_while_nothing_was_answered_well() -> None:
    found = weather()
    bad(found, FAILED)
    assert found.troubles[True] == 1
    found.good(wrote=True)
    bad(found, FAILED)
    assert found.troubles[True] == 0


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


# ---------------------------------------------------------------- repeating


def test_repetitions_are_few_until_writes_are_accepted_again() -> None:
    found = weather()
    assert sum(found.may_repeat() for _ in range(50)) == 10
    for _ in range(11):
        found.good(wrote=True)
    assert found.may_repeat()
    assert not found.may_repeat()
