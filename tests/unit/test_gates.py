"""One gate for each destination of a process, whatever configuration uses it."""

from __future__ import annotations

import math

from kpisync.errors import LoginError
from kpisync.gates import Gates
from kpisync.ports import DestinationOptions
from kpisync.testing.clock import FakeClock

OPTIONS = DestinationOptions(rate_limit="5/s")  # type: ignore[arg-type]
REFUSED = LoginError("the login was refused")


def gates() -> Gates:
    return Gates(FakeClock())


def test_equal_options_share_a_gate() -> None:
    shared = gates()
    assert shared.of("board", OPTIONS) is shared.of("board", OPTIONS.model_copy())


def test_other_options_or_another_destination_have_their_own() -> None:
    shared = gates()
    first = shared.of("board", OPTIONS)
    slower = DestinationOptions(rate_limit="1/s")  # type: ignore[arg-type]
    assert shared.of("board", slower) is not first
    assert shared.of("okr", OPTIONS) is not first
    assert shared.of("board", OPTIONS) is first


def test_a_gate_that_a_refused_login_shut_is_forgotten_when_somebody_may_have_put_it_right() -> None:
    shared = gates()
    shared.of("board", OPTIONS).shut(REFUSED, for_good=True)
    shared.of("okr", OPTIONS).shut(REFUSED)
    assert (shared.states()["board"].shut, shared.states()["okr"].shut) == (math.inf, 60.0)
    shared.reopen()
    assert "board" not in shared.states()
    assert shared.of("board", OPTIONS).state.word == "open"
    assert shared.of("okr", OPTIONS).state.word == "shut"


def test_the_state_says_why_nothing_passes() -> None:
    gate = gates().of("board", OPTIONS)
    assert gate.state.word == "open"
    gate.pause(12)
    assert (gate.state.word, gate.state.paused) == ("paused", 12)
    gate.shut(REFUSED)
    assert (gate.state.word, gate.state.why) == ("shut", "the login was refused")
    gate.clock.sleep(61)
    assert gate.state.word == "open"
    with gate.place():
        assert gate.state.in_flight == 1
