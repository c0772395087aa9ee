"""What each answer of the platform to a write leads to."""

from __future__ import annotations

import pytest
from plant import OTHERS, all_puts, codes, doubts, gets, plant, puts, report_of, writes

from kpisync.model import Change, Reply, ReplyKind, RunStatus
from kpisync.testing.destination import Fault, MemoryBoard
from kpisync.testing.disturbance import Disturbance
from kpisync.testing.world import value

# ---------------------------------------------------------------- login and rights


def test_a_wrong_login_stops_at_the_first_read_and_rejects_nothing() -> None:
    world = plant(3)
    report = report_of(world, gets(Fault.LOGIN))
    assert (world.board.requests.total(), report.waiting, report.rejections) == (1, 3, [])
    assert "401" in str(report.error)


def test_a_login_that_ends_before_the_first_write_leaves_nothing_in_doubt() -> None:
    world = plant(3)
    report = report_of(world, puts(Fault.LOGIN))
    assert (world.board.requests.total(), report.waiting, report.in_doubt) == (2, 3, 0)
    assert not doubts(world)


def test_a_login_that_ends_before_the_read_back_leaves_it_in_doubt_and_the_next_run_confirms() -> None:
    world = plant()
    assert report_of(world, Disturbance(gets={2: Fault.LOGIN})).in_doubt == 1
    assert report_of(world).confirmed == 1
    assert writes(world) == 0


def test_403_for_all_stops_after_two_writes_and_rejects_nothing() -> None:
    world = plant(40, concurrency=4)
    report = report_of(world, all_puts(Fault.FORBID))
    assert (writes(world), report.waiting, report.rejections) == (2, 40, [])
    assert "403" in str(report.error)
    assert not doubts(world)


def test_403_for_all_stops_though_each_window_is_read_well() -> None:
    world = plant(3)
    world.board.window = 1
    assert report_of(world, all_puts(Fault.FORBID)).waiting == 3
    assert writes(world) == 2


@pytest.mark.parametrize("which", [1, 2, 3])
def test_403_for_one_record_among_good_ones_rejects_it_alone(which: int) -> None:
    world = plant(3)
    report = report_of(world, Disturbance(puts={which: Fault.FORBID}))
    assert (report.created, codes(report.rejections), report.error) == (2, ["refused"], None)


def test_403_for_the_only_record_rejects_it() -> None:
    report = report_of(plant(), puts(Fault.FORBID))
    assert (codes(report.rejections), report.error) == (["refused"], None)


def test_403_to_the_first_read_stops() -> None:
    world = plant(3)
    assert report_of(world, gets(Fault.FORBID)).waiting == 3
    assert world.board.requests.total() == 1


# ---------------------------------------------------------------- refused, busy, not sent


def test_a_refused_value_is_rejected_and_looked_at_again_in_the_next_run() -> None:
    world = plant(2)
    report = report_of(world, puts(Fault.REFUSE))
    assert (report.created, codes(report.rejections)) == (1, ["refused"])
    assert report_of(world).created == 1


def test_a_busy_platform_gets_it_again_after_the_pause() -> None:
    world = plant()
    assert report_of(world, puts(Fault.BUSY)).confirmed == 1
    assert writes(world) == 2
    assert world.clock.monotonic() > 0


def test_nothing_is_sent_before_the_time_that_the_platform_names() -> None:
    world = plant(2)
    times: list[float] = []

    class Polite(MemoryBoard):
        def write(self, change: Change) -> Reply:
            times.append(self.clock.monotonic())
            return Reply(ReplyKind.BUSY, 429, retry_after=40.0) if len(times) == 1 else super().write(change)

    world.board = Polite(world.clock)
    assert report_of(world).confirmed == 2
    assert times[0] == 0
    assert min(times[1:]) >= 40


@pytest.mark.parametrize("fault", [Fault.NOT_SENT, Fault.BUSY])
def test_a_platform_that_is_away_is_given_up_and_everything_waits(fault: Fault) -> None:
    world = plant(5)
    report = report_of(world, all_puts(fault))
    assert (writes(world), report.waiting, report.in_doubt, report.rejections) == (3, 5, 0, [])
    assert not doubts(world)
    assert report_of(world).created == 5


def test_a_platform_that_is_away_at_the_first_read_is_given_up() -> None:
    world = plant(5)
    report = report_of(world, gets(*[Fault.NOT_SENT] * 5))
    assert (world.board.requests["GET"], report.waiting) == (3, 5)


# ---------------------------------------------------------------- no answer


def test_an_unanswered_write_that_is_stored_is_confirmed_as_done_by_this_run() -> None:
    world = plant()
    report = report_of(world, puts(Fault.DROP_AFTER))
    assert (report.created, report.unchanged, report.confirmed, report.in_doubt) == (1, 0, 1, 0)
    assert writes(world) == 1


def test_an_unanswered_write_that_is_not_stored_is_sent_again_after_the_settle_time() -> None:
    world = plant()
    report = report_of(world, puts(Fault.DROP_BEFORE))
    assert (report.created, writes(world)) == (1, 2)
    assert world.clock.monotonic() >= 150


def test_an_unanswered_write_that_lands_late_is_not_repeated() -> None:
    world = plant()
    assert report_of(world, puts(Fault.LATE)).created == 1
    assert writes(world) == 1


def test_others_go_on_while_one_is_in_doubt() -> None:
    world = plant(3)
    times: list[float] = []

    def note(method: str, number: int) -> None:
        times.append(world.clock.monotonic())

    report_of(world, Disturbance(puts={1: Fault.DROP_BEFORE}, script=note))
    assert sum(30 <= time < 150 for time in times) >= 2


def test_several_unanswered_writes_are_looked_at_with_one_read() -> None:
    world = plant(4)
    report = report_of(world, Disturbance(puts={2: Fault.DROP_AFTER, 4: Fault.DROP_AFTER}))
    assert (report.created, world.board.requests["GET"]) == (4, 3)


def test_what_another_hand_wrote_over_an_unanswered_write_is_held() -> None:
    world = plant(known=True)
    world.clock.at(60, lambda: world.hand_edits(value(), OTHERS))
    report = report_of(world, puts(Fault.DROP_BEFORE))
    assert [conflict.holds for conflict in report.conflicts] == [OTHERS]
    assert not doubts(world)


def test_what_stays_unanswered_is_in_doubt_and_the_next_run_finds_out() -> None:
    world = plant()
    report = report_of(world, puts(Fault.DROP_BEFORE, Fault.DROP_AFTER))
    assert (report.in_doubt, report.status) == (1, RunStatus.PARTIAL)
    again = report_of(world)
    assert (again.confirmed, again.unchanged, writes(world)) == (1, 1, 0)


def test_a_silent_platform_is_given_up_with_all_of_it_in_doubt() -> None:
    world = plant(5)
    report = report_of(world, all_puts(Fault.DROP_AFTER))
    assert (writes(world), report.in_doubt, report.waiting) == (3, 3, 2)
    assert len(doubts(world)) == 3


# ---------------------------------------------------------------- failing


def test_a_record_that_the_platform_fails_on_is_tried_three_times_and_blocks_no_other() -> None:
    world = plant(2)
    report = report_of(world, Disturbance(puts=dict.fromkeys([1, 3, 4], Fault.FAIL_BEFORE)))
    assert (report.created, codes(report.rejections), writes(world)) == (1, ["platform-error"], 4)
    assert not doubts(world)


def test_what_failed_and_was_stored_is_confirmed() -> None:
    world = plant()
    report = report_of(world, puts(Fault.FAIL_BEFORE, Fault.FAIL_BEFORE, Fault.FAIL_AFTER))
    assert (report.created, report.confirmed, report.rejections) == (1, 1, [])


def test_what_failed_once_and_then_went_well_is_confirmed() -> None:
    world = plant()
    assert report_of(world, puts(Fault.FAIL_BEFORE)).confirmed == 1


@pytest.mark.parametrize("second", [Fault.BUSY, Fault.NOT_SENT])
def test_what_failed_and_was_then_not_taken_is_looked_at_for_it_may_be_stored(second: Fault) -> None:
    world = plant()
    report = report_of(world, puts(Fault.FAIL_AFTER, second))
    assert (report.created, report.confirmed, writes(world)) == (1, 1, 2)


@pytest.mark.parametrize("refusal", [Fault.REFUSE, Fault.FORBID])
@pytest.mark.parametrize(("first", "created"), [(Fault.FAIL_AFTER, 1), (Fault.FAIL_BEFORE, 0)])
def test_what_failed_and_was_then_refused_is_read_back(first: Fault, created: int, refusal: Fault) -> None:
    report = report_of(plant(), puts(first, refusal))
    assert (report.created, codes(report.rejections)) == (created, ["refused"] * (1 - created))


def test_what_failed_is_read_back_even_where_replies_confirm() -> None:
    world = plant(confirm="none")
    report = report_of(world, puts(Fault.FAIL_BEFORE))
    assert (report.confirmed, report.sent) == (1, 0)


def test_an_outage_of_all_writes_does_not_multiply_the_requests() -> None:
    world = plant(60)
    report = report_of(world, all_puts(Fault.FAIL_BEFORE))
    assert writes(world) == 60 + 10
    assert codes(report.rejections) == ["platform-error"] * 60


def test_what_failed_and_is_interrupted_stays_in_doubt() -> None:
    world = plant()
    report = report_of(world, Disturbance(puts={1: Fault.FAIL_AFTER}, stop_at=3))
    assert (report.in_doubt, report.waiting) == (1, 0)
    assert report_of(world).confirmed == 1
