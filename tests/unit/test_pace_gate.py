"""The gate to one destination: what all jobs of a process share."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from threading import Barrier, Event

import pytest

from kpisync.errors import DestinationError, Exit, Interrupted, LoginError
from kpisync.model import Intake, Reply, ReplyKind
from kpisync.sync.gate import Gate, NotNow
from kpisync.sync.job import Job, Tools, run
from kpisync.sync.report import Report
from kpisync.sync.turns import Turns
from kpisync.testing.clock import FakeClock
from kpisync.testing.destination import Fault
from kpisync.testing.disturbance import Disturbance
from kpisync.testing.world import World, value

BUSY = Reply(ReplyKind.BUSY, 503)
MINUTE = 60.0


def gate(rate: float | None = None, places: int = 16) -> Gate:
    clock = FakeClock()
    return Gate(clock, Turns(rate, clock), places, random.Random(1))


def bad(gate: Gate, reply: Reply = BUSY, wrote: bool = True) -> bool:
    """An answer to a request that began after the last pause."""
    gate.clock.sleep(gate.paused_until - gate.clock.monotonic())
    return gate.bad(reply, wrote, gate.clock.monotonic() + 0.001)


# ---------------------------------------------------------------- turns and places


def test_a_wait_for_a_turn_ends_soon_after_a_signal() -> None:
    signals = iter([None, None, Exit.SIGTERM])
    asked = gate(1 / 3600)
    asked.wait_turn(lambda: next(signals))
    with pytest.raises(Interrupted):
        asked.wait_turn(lambda: next(signals))
    assert asked.clock.monotonic() <= 2


def test_nobody_gets_a_turn_while_the_platform_is_to_be_left_alone() -> None:
    asked = gate(0.5)
    asked.wait_turn()
    asked.clock.at(1.5, lambda: asked.pause(40))  # type: ignore[attr-defined]
    with pytest.raises(NotNow):
        asked.wait_turn()
    asked.clock.sleep(40)
    asked.wait_turn()
    assert asked.clock.monotonic() >= 41.5


def test_no_more_are_in_flight_than_there_are_places() -> None:
    asked, most = gate(places=3), list[int]()
    together = Barrier(3)
    flying: set[int] = set()

    def request(number: int) -> None:
        with asked.place():
            flying.add(number)
            most.append(len(flying))
            together.wait(timeout=5)
            flying.discard(number)

    with ThreadPoolExecutor(9) as pool:
        list(pool.map(request, range(9)))
    assert max(most) <= 3


def test_in_trouble_one_request_at_a_time_finds_out_and_a_good_answer_lets_the_others_through() -> None:
    asked = gate(places=2)
    bad(asked)
    second_in = Event()

    def request() -> None:
        with asked.place():
            second_in.set()

    with ThreadPoolExecutor(1) as pool:
        with asked.place():
            waits = pool.submit(request)
            assert not second_in.wait(0.05)
            asked.good(wrote=True)
            assert second_in.wait(5)
        waits.result(5)


# ---------------------------------------------------------------- troubles


def test_answers_that_were_in_flight_together_are_one_trouble() -> None:
    asked = gate()
    for _ in range(5):
        assert not asked.bad(BUSY, wrote=True, begun=0.0)
    assert asked.troubles[True] == 1


def test_a_longer_wish_of_a_later_answer_prolongs_the_pause() -> None:
    asked = gate()
    asked.bad(BUSY, wrote=True, begun=0.0)
    asked.bad(Reply(ReplyKind.BUSY, 429, retry_after=30.0), wrote=True, begun=0.0)
    assert asked.paused_until == 30.0


def test_what_was_not_sent_during_a_pause_is_no_trouble() -> None:
    asked = gate()
    asked.bad(Reply(ReplyKind.BUSY, 429, retry_after=30.0), wrote=True, begun=0.0)
    asked.bad(Reply(ReplyKind.NOT_SENT), wrote=True, begun=1.0)
    assert asked.troubles[True] == 1


def test_pauses_are_random_between_nothing_and_a_bound_that_doubles() -> None:
    lengths: dict[int, list[float]] = {1: [], 2: [], 3: []}
    for seed in range(300):
        asked = gate()
        asked.dice = random.Random(seed)
        for attempt in lengths:
            asked.clock.sleep(asked.paused_until - asked.clock.monotonic())
            begun = asked.clock.monotonic()
            asked.bad(BUSY, wrote=True, begun=begun + 0.001)
            lengths[attempt].append(asked.paused_until - begun)
    for attempt, longest in [(1, 1), (2, 2), (3, 4)]:
        assert min(lengths[attempt]) < longest / 20
        assert longest * 0.95 < max(lengths[attempt]) <= longest


def test_only_429_slows_the_turns_down() -> None:
    asked = gate()
    asked.wait_turn()
    bad(asked, Reply(ReplyKind.BUSY, 503))
    assert asked.turns.found is None
    bad(asked, Reply(ReplyKind.BUSY, 429))
    assert asked.turns.found == 1


def test_a_good_answer_of_any_kind_ends_the_trouble_but_excuses_only_its_own_kind() -> None:
    asked = gate()
    bad(asked, wrote=False)
    asked.good(wrote=True)
    assert not asked.in_trouble
    assert asked.troubles[False] == 1


# ---------------------------------------------------------------- shut


def test_a_gate_that_is_shut_opens_after_a_minute_and_one_more_trouble_shuts_it_again() -> None:
    asked = gate()
    assert [bad(asked) for _ in range(3)] == [False, False, True]
    asked.shut(DestinationError("it is away", where="destination board"))
    with pytest.raises(DestinationError, match="destination board: it is away"):
        asked.enter()
    asked.clock.sleep(MINUTE)
    asked.enter()
    assert bad(asked)


def test_a_pause_that_the_platform_asks_for_shuts_nobody_out() -> None:
    asked = gate()
    asked.bad(Reply(ReplyKind.BUSY, 429, retry_after=900.0), wrote=True, begun=1.0)
    asked.enter()


def test_a_gate_that_is_shut_for_good_stays_shut() -> None:
    asked = gate()
    asked.shut(LoginError("the password is wrong"), for_good=True)
    asked.clock.sleep(1e9)
    with pytest.raises(LoginError):
        asked.enter()


# ---------------------------------------------------------------- repeating


def test_repetitions_are_few_until_writes_are_accepted_again() -> None:
    asked = gate()
    assert sum(asked.may_repeat() for _ in range(50)) == 10
    for _ in range(11):
        asked.good(wrote=True)
    assert asked.may_repeat()
    assert not asked.may_repeat()


# ---------------------------------------------------------------- several jobs


@dataclass
class Daemon:
    """Runs the jobs of a world every minute, all through one gate."""

    world: World = field(default_factory=World)
    requests: int = 0

    def __post_init__(self) -> None:
        clock = self.world.clock
        self.gate = Gate(clock, dice=random.Random(1))
        self.world.run_job = self._run

    def _run(self, job: Job, tools: Tools, report: Report, *, dry: bool, over_guard: bool) -> Intake:
        return run(replace(job, gate=self.gate), tools, report, dry=dry, over_guard=over_guard)

    def work(self, minutes: int, fault: Fault | None = None) -> list[Report]:
        """The source states something new every minute; the platform answers each request with this fault."""
        reports = []
        for minute in range(minutes):
            for job, kind in [("actuals", "actual"), ("targets", "target")]:
                self.world.source_states(value(kind), Decimal(minute + 1))
                begun = self.world.clock.monotonic()
                report = self.world.run(job, Disturbance(script=lambda method, number: fault))
                assert report is not None
                reports.append(report)
                self.requests += self.world.board.requests.total()
                self.world.clock.sleep(max(0.0, MINUTE / 2 - (self.world.clock.monotonic() - begun)))
        return reports


@pytest.mark.parametrize("fault", [Fault.NOT_SENT, Fault.BUSY])
def test_an_hour_of_outage_makes_fewer_requests_than_a_good_hour_and_then_all_is_sent(fault: Fault) -> None:
    good, away = Daemon(), Daemon()
    good.work(minutes=60)
    reports = away.work(minutes=60, fault=fault)
    assert all(report.error for report in reports)
    assert away.requests <= 62 < good.requests
    away.world.clock.sleep(MINUTE)
    assert [report.error for report in away.work(minutes=1)] == [None, None]


def test_a_refused_login_is_tried_once_by_all_jobs_together() -> None:
    daemon = Daemon()
    reports = daemon.work(minutes=30, fault=Fault.LOGIN)
    assert all(report.error for report in reports)
    assert daemon.requests == 1
