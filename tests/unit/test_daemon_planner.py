"""What is due runs once, what was missed is made good, and what failed is tried again: whatever the clock does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from kpisync.model import RunStatus
from kpisync.state.dues import last_met
from kpisync.state.lock import job_lock
from kpisync.state.open import open_readonly
from tests.unit.daemon_plant import FRIDAY, Plant, berlin

DAILY = "15 6 * * *"


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(tmp_path)
    plant.job("scrap", DAILY, "lookback: 2d")
    yield plant
    plant.close()


def started_before(plant: Plant) -> None:
    """A daemon ran at noon and knows the jobs; then the machine was switched off."""
    plant.service().tick()


def met(plant: Plant, job: str = "scrap") -> datetime | None:
    with closing(open_readonly(f"sqlite:///{plant.store_file}")) as store:
        return last_met(store, plant.clock.now()).get(job)


# ---------------------------------------------------------------- due times


def test_a_job_that_is_seen_for_the_first_time_has_missed_nothing(plant: Plant) -> None:
    plant.service().tick()
    assert plant.reads == []
    assert met(plant) == berlin(20, 6, 15)


def test_a_job_runs_when_it_is_due_and_once(plant: Plant) -> None:
    service = plant.service()
    plant.pass_time(service, berlin(21, 6, 14))
    assert plant.reads == []
    plant.pass_time(service, berlin(21, 12))
    assert plant.read("scrap") == 1
    assert met(plant) == berlin(21, 6, 15)


def test_every_due_time_of_a_week_is_met_by_a_run(plant: Plant) -> None:
    plant.pass_time(plant.service(), FRIDAY + timedelta(days=7))
    assert [run.status for run in plant.runs()] == ["ok"] * 7


@pytest.mark.parametrize("more", ["enabled: false", ""], ids=["disabled", "without a schedule"])
def test_only_enabled_jobs_with_a_schedule_run_by_themselves(plant: Plant, more: str) -> None:
    plant.job("scrap", DAILY if more else None, more)
    plant.pass_time(plant.service(), FRIDAY + timedelta(days=2))
    assert plant.reads == []


def test_the_next_due_time_is_shown(plant: Plant) -> None:
    service = plant.service()
    service.tick()
    assert service.live().next_due == {"scrap": berlin(21, 6, 15)}


# ---------------------------------------------------------------- catching up


def test_a_due_time_missed_by_a_minute_is_made_good(plant: Plant) -> None:
    started_before(plant)
    plant.go_to(berlin(21, 6, 16))
    plant.service().tick()
    assert plant.reads == [("scrap", date(2026, 11, 19))]


def test_what_was_missed_for_three_days_is_one_run_over_all_of_it(plant: Plant) -> None:
    started_before(plant)
    plant.go_to(berlin(24, 7))
    service = plant.service()
    plant.pass_time(service, berlin(24, 12))
    assert plant.reads == [("scrap", date(2026, 11, 19))]  # two days before the first one that was missed
    plant.pass_time(service, berlin(25, 12))
    assert plant.reads[1:] == [("scrap", date(2026, 11, 23))]  # and then its own days again


def test_a_run_makes_good_a_month_at_most_and_the_log_says_what_lies_before(plant: Plant) -> None:
    with capture_logs() as events:
        started_before(plant)
        plant.go_to(berlin(20, 7) + timedelta(days=60))
        plant.service().tick()
        assert plant.reads == [("scrap", date(2026, 12, 17))]
        said = str(events)
        assert "kpisync backfill scrap --from DAY --to 2026-12-16" in said


def test_a_job_that_reads_everything_needs_no_wider_range(plant: Plant) -> None:
    plant.job("scrap", DAILY)
    started_before(plant)
    plant.go_to(berlin(24, 7))
    plant.service().tick()
    assert plant.reads == [("scrap", None)]


def test_without_catch_up_what_was_missed_stays_missed(plant: Plant) -> None:
    plant.job("scrap", DAILY, "lookback: 2d", catch_up="none")
    started_before(plant)
    plant.go_to(berlin(24, 7))
    service = plant.service()
    plant.pass_time(service, berlin(25, 6, 14))
    assert plant.reads == []
    plant.pass_time(service, berlin(25, 7))
    assert plant.reads == [("scrap", date(2026, 11, 23))]


def test_a_restart_repeats_nothing(plant: Plant) -> None:
    plant.pass_time(plant.service(), berlin(21, 7))
    again = plant.service()
    plant.pass_time(again, berlin(21, 12))
    assert plant.read("scrap") == 1


def test_a_run_that_lasts_longer_than_the_time_between_two_is_followed_by_one(plant: Plant) -> None:
    plant.job("scrap", "*/10 * * * *")
    service = plant.service()
    service.tick()
    plant.on_read["scrap"] = lambda: plant.clock.sleep(35 * 60) if len(plant.reads) == 1 else None
    plant.go_to(FRIDAY + timedelta(minutes=10))
    service.tick()  # until 12:45; those of 12:20, 12:30 and 12:40 come meanwhile
    service.tick()
    service.tick()
    assert plant.read("scrap") == 2
    assert met(plant) == FRIDAY + timedelta(minutes=40)


# ---------------------------------------------------------------- trying again


def test_a_run_that_could_not_read_is_tried_again_with_growing_pauses_until_the_next_one_is_due(plant: Plant) -> None:
    service = plant.service()
    tried: list[datetime] = []
    plant.fails("scrap")
    refuse = plant.on_read["scrap"]

    def note() -> None:
        tried.append(plant.clock.now())
        refuse()

    plant.on_read["scrap"] = note
    plant.pass_time(service, berlin(21, 6, 14))
    plant.pass_time(service, berlin(22, 6, 14))
    pauses = [round((after - before).total_seconds() / 60) for before, after in pairwise(tried)]
    assert pauses[:6] == [1, 5, 15, 30, 60, 60]
    assert set(pauses[6:]) == {60}
    plant.works("scrap")
    plant.pass_time(service, berlin(22, 7))
    assert met(plant) == berlin(22, 6, 15)
    assert plant.reads[-1] == ("scrap", date(2026, 11, 19))  # what the day before did not bring comes too


def test_it_is_not_tried_again_once_it_succeeded(plant: Plant) -> None:
    service = plant.service()
    plant.fails("scrap")
    plant.pass_time(service, berlin(21, 6, 15))
    plant.works("scrap")
    plant.pass_time(service, berlin(21, 12))
    assert plant.ended == [("scrap", 4), ("scrap", 0)]


def test_the_next_trial_is_shown_as_next(plant: Plant) -> None:
    service = plant.service()
    plant.fails("scrap")
    plant.pass_time(service, berlin(21, 6, 15))
    service.tick()
    assert service.live().next_due == {"scrap": berlin(21, 6, 16)}


def test_a_run_that_was_held_is_not_repeated_for_a_person_decides(plant: Plant) -> None:
    plant.jobs["scrap"] = plant.jobs["scrap"].replace("lookback", "empty: reject\n    lookback")
    plant.job("scrap", DAILY, "lookback: 2d")
    plant.file.write_text(plant.file.read_text().replace("max_changed: none", "min_rows: 5"))
    service = plant.service()
    plant.pass_time(service, berlin(21, 12))
    assert plant.ended == [("scrap", 3)]


# ---------------------------------------------------------------- the clock


def test_a_clock_set_back_two_hours_repeats_nothing_and_loses_nothing(plant: Plant) -> None:
    plant.job("scrap", "0 * * * *")
    service = plant.service()
    plant.pass_time(service, FRIDAY + timedelta(hours=3, minutes=10))
    assert plant.read("scrap") == 3
    plant.clock.ahead -= timedelta(hours=2)
    plant.pass_time(service, FRIDAY + timedelta(hours=3, minutes=30))
    assert plant.read("scrap") == 3
    plant.pass_time(service, FRIDAY + timedelta(hours=4, minutes=30))
    assert plant.read("scrap") == 4


def test_a_clock_set_back_does_not_lengthen_the_wait_for_the_next_trial(plant: Plant) -> None:
    service = plant.service()
    plant.fails("scrap")
    plant.pass_time(service, berlin(21, 6, 15))
    service.tick()
    plant.clock.ahead -= timedelta(minutes=30)
    plant.works("scrap")
    plant.clock.sleep(61)
    service.tick()
    service.tick()
    assert plant.read("scrap") == 1  # half past five: it is not due yet
    plant.pass_time(service, berlin(21, 6, 20))
    assert plant.read("scrap") == 2


def test_a_clock_that_was_a_year_ahead_keeps_no_job_from_running_afterwards(plant: Plant) -> None:
    with capture_logs() as events:
        service = plant.service()
        service.tick()
        plant.clock.ahead += timedelta(days=365)
        service.tick()
        service.tick()
        assert plant.read("scrap") == 1
        plant.clock.ahead -= timedelta(days=365)
        service.tick()
        service.tick()
        assert plant.read("scrap") == 1
        plant.pass_time(service, berlin(23, 7))
        assert plant.read("scrap") == 4  # on the 21st, 22nd and 23rd
        assert str(events).count("the clock was set") == 2


def test_a_clock_that_is_only_brought_into_step_is_no_news(plant: Plant) -> None:
    with capture_logs() as events:
        service = plant.service()
        service.tick()
        plant.clock.ahead += timedelta(seconds=20)
        service.tick()
        assert "the clock was set" not in str(events)


def test_the_hour_that_comes_twice_has_one_run(plant: Plant) -> None:
    plant.clock.sleep((datetime(2027, 10, 30, 12, tzinfo=UTC) - FRIDAY).total_seconds())
    plant.job("scrap", "30 2 * * *")
    plant.pass_time(plant.service(), datetime(2027, 11, 1, 12, tzinfo=UTC))
    assert plant.read("scrap") == 2


# ---------------------------------------------------------------- others


def test_cron_beside_the_daemon_is_one_run(plant: Plant) -> None:
    service = plant.service()
    plant.pass_time(service, berlin(21, 6, 14))
    plant.go_to(berlin(21, 6, 15))
    plant.cron("scrap")
    plant.pass_time(service, berlin(21, 12))
    assert plant.read("scrap") == 1


def test_a_job_that_another_process_runs_is_looked_at_again_a_minute_later(plant: Plant) -> None:
    service = plant.service()
    with job_lock(f"sqlite:///{plant.store_file}", "scrap"):
        plant.pass_time(service, berlin(21, 6, 15))
    assert plant.ended == [("scrap", 5)]
    plant.pass_time(service, berlin(21, 6, 17))
    assert plant.ended == [("scrap", 5), ("scrap", 0)]


def test_two_daemons_on_one_store_run_each_due_time_once(plant: Plant) -> None:
    one, other = plant.service(), plant.service()
    for day in range(20, 26):
        plant.go_to(max(plant.clock.now(), berlin(day, 6, 15)))
        for service in (one, other, one, other):
            service.tick()
    assert plant.read("scrap") == 5


# ---------------------------------------------------------------- after


def test_a_job_waits_for_the_one_that_it_comes_after(plant: Plant) -> None:
    plant.job("report", DAILY, "after: [scrap]")
    plant.pass_time(plant.service(), berlin(21, 12))
    assert plant.ended == [("scrap", 0), ("report", 0)]


def test_a_job_waits_for_those_before_the_one_before_it_too(plant: Plant) -> None:
    plant.job("report", DAILY, "after: [sums]")
    plant.job("sums", None, "after: [scrap]")
    plant.cron("scrap")
    plant.cron("sums")
    plant.reads.clear()
    plant.pass_time(plant.service(), berlin(21, 12))
    assert [name for name, _ in plant.reads] == ["scrap", "report"]


def test_a_job_skipped_for_the_one_before_it_runs_as_soon_as_that_one_ended_well(plant: Plant) -> None:
    plant.job("report", DAILY, "after: [scrap]")
    plant.fails("scrap")
    service = plant.service()
    plant.pass_time(service, berlin(21, 6, 50))
    assert {code for job, code in plant.ended if job == "report"} == {3}
    assert plant.read("report") == 0
    status, why = service.live().not_begun["report"]
    assert status is RunStatus.SKIPPED
    assert why.startswith("not run: it comes after scrap, whose last run")
    plant.works("scrap")
    service.run_now("scrap")
    service.tick()
    service.tick()
    assert plant.read("report") == 1
    assert service.live().not_begun == {}
