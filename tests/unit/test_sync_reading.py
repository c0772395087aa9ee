"""Reads that fail, reads that show something else, and reads that are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest
from plant import A, B, all_puts, codes, doubts, gets, plant, puts, report_of, writes

from kpisync.model import RecordKey, Reply, ReplyKind, Values
from kpisync.ports import Unreadable, Window
from kpisync.testing.destination import Fault, MemoryBoard
from kpisync.testing.disturbance import Disturbance
from kpisync.testing.world import record, value

# ---------------------------------------------------------------- reads that fail


@dataclass
class TornBoard(MemoryBoard):
    """Cannot show yesterday."""

    reply: Reply = field(default_factory=lambda: Reply(ReplyKind.REFUSED, 404))

    def read(self, window: Window) -> Mapping[RecordKey, Values]:
        found = super().read(window)
        if record() in window.keys:
            raise Unreadable(self.reply)
        return found


@pytest.mark.parametrize(("kind", "tries"), [(ReplyKind.FAILED, 3), (ReplyKind.REFUSED, 1)])
def test_a_window_that_cannot_be_read_is_rejected_and_the_others_are_written(kind: ReplyKind, tries: int) -> None:
    world = plant(2)
    world.board = TornBoard(world.clock, window=1, reply=Reply(kind, 500, "torn"))
    report = report_of(world)
    assert (report.created, codes(report.rejections), report.error) == (1, ["unreadable"], None)
    assert world.board.requests["GET"] == 2 + tries


def test_a_window_that_is_never_answered_ends_the_run_once_it_is_the_last() -> None:
    world = plant(2)
    world.board = TornBoard(world.clock, window=1, reply=Reply(ReplyKind.UNKNOWN))
    report = report_of(world)
    assert (report.created, report.waiting, report.rejections) == (1, 1, [])
    assert report.error


def test_an_unreadable_window_is_not_written() -> None:
    world = plant()
    report = report_of(world, gets(Fault.REFUSE))
    assert (codes(report.rejections), writes(world)) == (["unreadable"], 0)


def test_what_is_in_doubt_stays_so_while_it_cannot_be_read() -> None:
    world = plant()
    assert world.run("actuals", Disturbance(die_at=7)) is None
    report = report_of(world, gets(Fault.REFUSE))
    assert (report.in_doubt, report.rejections) == (1, [])


def test_a_read_that_fails_once_is_repeated() -> None:
    world = plant()
    assert report_of(world, gets(Fault.FAIL_BEFORE, Fault.DROP_BEFORE)).confirmed == 1


# ---------------------------------------------------------------- reading back


def test_a_write_that_shows_a_little_later_is_confirmed() -> None:
    world = plant()

    def slow(method: str, number: int) -> Fault | None:
        if method == "PUT":
            world.clock.at(0.5, lambda: world.board.edit(record(), "v-actual", B))
            return Fault.IGNORE
        return None

    report = report_of(world, Disturbance(script=slow))
    assert (report.confirmed, report.rejections) == (1, [])


def test_a_write_that_never_shows_is_rejected_and_sent_again_by_the_next_run() -> None:
    world = plant()
    report = report_of(world, puts(Fault.IGNORE))
    assert (codes(report.rejections), world.board.requests["GET"]) == (["not-stored"], 4)
    assert report_of(world).created == 1
    assert not doubts(world)


def test_a_write_that_shows_after_the_run_is_no_conflict_later() -> None:
    world = plant(known=True)
    report_of(world, puts(Fault.IGNORE))
    world.board.edit(record(), "v-actual", B)
    world.source_states(value(), Decimal(6))
    assert report_of(world).updated == 1


def test_a_write_that_cannot_be_read_back_is_in_doubt_and_the_next_run_confirms_it() -> None:
    world = plant()
    report = report_of(world, Disturbance(gets=dict.fromkeys(range(2, 9), Fault.FAIL_BEFORE)))
    assert (report.in_doubt, report.error, world.board.requests["GET"]) == (1, None, 4)
    assert report_of(world).confirmed == 1
    assert writes(world) == 0


def test_a_reply_that_shows_the_record_confirms_where_replies_are_trusted() -> None:
    world = plant(confirm="reply")
    world.board.shows = True
    assert report_of(world).confirmed == 1
    assert world.board.requests["GET"] == 1


def test_without_confirming_it_is_sent() -> None:
    report = report_of(plant(confirm="none"))
    assert (report.sent, report.confirmed, report.created) == (1, 0, 1)


# ---------------------------------------------------------------- the age of a read


def test_a_record_is_written_soon_after_it_was_read_or_read_again() -> None:
    world = plant(30, max_read_age=timedelta(seconds=20))
    world.board.takes = 4
    read_at: dict[str, float] = {}
    ages: list[float] = []

    def note(method: str, number: int) -> None:
        now = world.clock.monotonic()
        if method == "GET":
            read_at["last"] = now + world.board.takes
        else:
            ages.append(now - read_at["last"])

    assert report_of(world, Disturbance(script=note)).confirmed == 30
    assert max(ages) <= 20
    assert writes(world) == 30


def test_an_intent_that_waited_too_long_is_recorded_anew() -> None:
    world = plant(20, max_read_age=timedelta(hours=1))
    world.board.takes = 10
    assert report_of(world).confirmed == 20
    assert writes(world) == 20


def test_what_failed_and_waited_too_long_is_looked_at() -> None:
    world = plant(12, max_read_age=timedelta(hours=1))
    world.board.takes = 10
    report = report_of(world, puts(Fault.FAIL_AFTER))
    assert (report.created, report.confirmed) == (12, 12)


# ---------------------------------------------------------------- without reading


def test_never_reading_sends_the_full_set_that_is_known() -> None:
    world = plant(known=True, read_before="never")
    world.source_states(value("target"), A)
    world.run("targets")
    world.source_states(value(), Decimal(6))
    assert report_of(world).confirmed == 1
    assert world.board.sent[-1] == (record(), {"v-actual": Decimal(6), "v-target": A})
    assert world.board.requests == {"PUT": 1, "GET": 1}


def test_never_reading_plans_without_a_request() -> None:
    world = plant(3, read_before="never")
    assert len(world.plan("actuals").changes) == 3
    assert not world.board.requests


def test_never_reading_writes_alone_until_one_is_accepted() -> None:
    world = plant(10, read_before="never", concurrency=4)
    report = report_of(world, all_puts(Fault.FORBID))
    assert (writes(world), report.waiting) == (2, 10)


def test_a_failing_platform_that_is_never_read_is_given_up() -> None:
    world = plant(10, read_before="never")
    silent = Disturbance(script=lambda method, number: Fault.DROP_BEFORE)
    assert report_of(world, silent).in_doubt == 3
