"""Delivery: intents before requests, outcomes after; stops, crashes, and several requests at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from threading import Barrier
from typing import Any

import pytest
from plant import OTHERS, B, doubts, gets, plant, report_of, writes

from kpisync.model import Change, RecordKey, Reply, RunStatus, ValueKey, Values
from kpisync.ports import DestinationOptions, ReadBefore, Window
from kpisync.sync.books import Books
from kpisync.sync.deliver import Delivery
from kpisync.sync.diff import RecordWork, Wanted
from kpisync.sync.errands import Queue
from kpisync.sync.options import Absent
from kpisync.sync.pace import Weather
from kpisync.sync.report import Report
from kpisync.testing.destination import Fault, MemoryBoard, script
from kpisync.testing.disturbance import Disturbance
from kpisync.testing.world import record, value

# ---------------------------------------------------------------- as it should be


def test_a_run_reads_writes_and_confirms_and_a_second_makes_no_request() -> None:
    world = plant(3)
    report = report_of(world)
    assert (report.created, report.confirmed, report.status) == (3, 3, RunStatus.OK)
    assert world.board.requests == {"GET": 2, "PUT": 3}
    assert report_of(world).unchanged == 3
    assert not world.board.requests


def test_an_intent_is_on_disk_before_its_request() -> None:
    world = plant(2)
    seen: list[list[ValueKey]] = []

    def look(method: str, number: int) -> None:
        if method == "PUT":
            seen.append(doubts(world))

    report_of(world, Disturbance(script=look))
    assert seen == [[value(days_ago=2), value(days_ago=1)]] * 2
    assert not doubts(world)


def test_an_update_sends_what_was_read_along() -> None:
    world = plant(known=True)
    world.hand_edits(value("note"), OTHERS)
    assert report_of(world).updated == 1
    assert world.board.sent == [(record(), {"v-actual": B, "v-note": OTHERS})]


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    world = plant(2)
    run = world.run_job

    def listening(job: Any, tools: Any, report: Any, **how: bool) -> Any:
        tools = type(tools)(
            tools.state, tools.clock, tools.stopped, lambda stage, done, total: told.append((done, total))
        )
        return run(job, tools, report, **how)

    world.run_job = listening
    report_of(world)
    assert told[-1] == (2, 2)


# ---------------------------------------------------------------- stopping


@pytest.mark.parametrize("question", range(1, 12))
def test_a_stop_finishes_what_is_in_flight_and_records_it(question: int) -> None:
    world = plant(4)
    report = report_of(world, Disturbance(stop_at=question))
    assert report.created + report.waiting + report.in_doubt == 4
    assert len(doubts(world)) == report.in_doubt
    assert report_of(world).error is None
    assert not doubts(world)


@pytest.mark.parametrize("call", range(3, 9))
def test_nothing_is_sent_once_the_state_store_fails(call: int) -> None:
    world = plant(4)
    assert world.run("actuals", Disturbance(state_fails_at=call)) is None
    world.settle_down()


# ---------------------------------------------------------------- after a crash


def test_after_a_crash_nothing_is_sent_before_the_earlier_attempt_is_over() -> None:
    world = plant(known=True)
    assert world.run("actuals", Disturbance(puts={1: Fault.LATE}, die_at=7)) is None
    assert doubts(world)
    world.source_states(value(), Decimal(6))
    start, times = world.clock.monotonic(), list[float]()
    report = report_of(world, Disturbance(script=lambda method, number: times.append(world.clock.monotonic())))
    assert min(times) - start == pytest.approx(120)
    assert (report.updated, report.conflicts) == (1, [])
    assert world.board.holds(record(), "v-actual") == 6


def test_a_plan_does_not_wait_for_it() -> None:
    world = plant(known=True)
    assert world.run("actuals", Disturbance(puts={1: Fault.LATE}, die_at=7)) is None
    assert [change.new for change in world.plan("actuals").changes] == [{"v-actual": B}]


def test_the_settle_time_counts_the_wait_for_a_turn() -> None:
    world = plant(rate_limit="2/m", concurrency=2)
    assert world.run("actuals", Disturbance(die_at=7)) is None
    (doubt,) = world.state.in_doubt("board")
    assert doubt.settles - world.clock.now() == timedelta(seconds=30 + 60 + 30 + 120)


# ---------------------------------------------------------------- conflicts and withdrawals


def test_a_held_value_is_looked_at_again_but_not_written() -> None:
    world = plant(known=True)
    world.hand_edits(value(), OTHERS)
    for _ in range(2):
        report = report_of(world)
        assert (len(report.conflicts), writes(world), report.status) == (1, 0, RunStatus.PARTIAL)


def test_overwriting_writes_over_another_hand() -> None:
    world = plant(known=True, on_conflict="overwrite")
    world.hand_edits(value(), OTHERS)
    assert report_of(world).updated == 1


def test_a_record_that_is_gone_gets_all_that_we_own() -> None:
    world = plant(known=True)
    world.board.records.clear()
    world.by_hand[value()] = None
    assert report_of(world).created == 1


def test_a_withdrawn_record_is_deleted() -> None:
    world = plant(2, absent=Absent.WITHDRAW)
    report_of(world)
    world.source_states(value(), None)
    report = report_of(world)
    assert (report.withdrawn, report.unchanged, report.status) == (1, 1, RunStatus.OK)
    assert world.board.requests["DELETE"] == 1
    assert report_of(world).unchanged == 1
    assert not world.board.requests


def test_an_unanswered_deletion_that_was_done_counts_as_withdrawn() -> None:
    world = plant(2, absent=Absent.WITHDRAW)
    report_of(world)
    world.source_states(value(), None)
    report = report_of(world, Disturbance(deletes={1: Fault.DROP_AFTER}))
    assert (report.withdrawn, report.confirmed, report.in_doubt) == (1, 1, 0)


# ---------------------------------------------------------------- several at once


@dataclass
class MeetingBoard(MemoryBoard):
    """Each write but the first waits until four are under way together."""

    meeting: Barrier = field(default_factory=lambda: Barrier(4))
    together: list[int] = field(default_factory=list)

    def write(self, change: Change) -> Reply:
        with self.lock:
            first = not self.together
            self.together.append(0)
        if not first:
            self.meeting.wait(timeout=5)
        return super().write(change)


def test_the_first_write_goes_alone_and_then_as_many_as_allowed() -> None:
    world = plant(13, concurrency=4)
    world.board = board = MeetingBoard(world.clock)
    assert report_of(world).confirmed == 13
    assert board.most_at_once <= 4
    assert not board.meeting.broken


def test_outcomes_are_recorded_in_groups_while_a_long_run_goes_on() -> None:
    world = plant(150)
    world.board.window = 75
    in_doubt: list[int] = []
    report = report_of(world, Disturbance(script=lambda method, number: in_doubt.append(len(doubts(world)))))
    assert report.confirmed == 150
    assert max(in_doubt) <= 75


def test_a_window_is_confirmed_before_the_next_is_written() -> None:
    world = plant(4)
    world.board.window = 2
    asked: list[str] = []
    report_of(world, Disturbance(script=lambda method, number: asked.append(method)))
    assert asked == ["GET", "PUT", "PUT", "GET"] * 2


@pytest.mark.parametrize(("takes", "most"), [(0.5, 8), (0.1, 16), (0.0, 64)])
def test_intents_are_recorded_for_a_second_or_so_of_sending(takes: float, most: int) -> None:
    world = plant(120)
    world.board.window, world.board.takes = 120, takes
    in_doubt = [0]
    report_of(world, Disturbance(script=lambda method, number: in_doubt.append(len(doubts(world)))))
    assert max(after - before for before, after in pairwise(in_doubt)) == most


@dataclass
class AskedBoard(MemoryBoard):
    """Notes which teams each read asks for."""

    asked: list[list[str]] = field(default_factory=list)

    def read(self, window: Window) -> Mapping[RecordKey, Values]:
        self.asked.append(sorted(str(key.team) for key in window.keys))
        return super().read(window)


def asked_by_a_plan(board: AskedBoard, *teams: str) -> list[list[str]]:
    """The teams of each read that finds out what to do about one record of each team."""
    keys = [record()._replace(team=team) for team in teams]
    works = [RecordWork(key, [Wanted(ValueKey(key, "v-actual"), B, "a.csv:2", frozenset())]) for key in keys]
    report, world = Report("actuals"), plant(0)
    Delivery(
        board,
        DestinationOptions(concurrency=4),
        Queue(board, ReadBefore.ALWAYS, lambda work: False),
        Books(world.state, report, True, lambda done, total: None),
        board.clock,
        Weather(board.clock, "board"),
    ).carry_out(works)
    assert sorted(change.key for change in report.changes) == sorted(keys)
    return board.asked


def test_the_first_read_is_of_one_team_and_the_next_of_the_others() -> None:
    assert asked_by_a_plan(AskedBoard(), "a", "b", "c") == [["a"], ["b", "c"]]


def test_a_window_is_read_anew_if_its_second_part_is_not_readable() -> None:
    board = AskedBoard(script=script(GET={2: Fault.BUSY}))
    assert asked_by_a_plan(board, "a", "b", "c") == [["a"], ["b", "c"], ["a", "b", "c"]]


def test_a_failed_run_says_so() -> None:
    assert report_of(plant(), gets(Fault.LOGIN)).status is RunStatus.FAILED
