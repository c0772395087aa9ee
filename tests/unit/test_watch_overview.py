"""The first page: how each job is, whether the board is complete, and how new the numbers are."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from config_doubles import HEAD, MAP
from watch_builders import (
    ACTUAL,
    BY_COLUMN,
    FRIDAY,
    TARGET,
    WEEKDAYS,
    Plant,
    a_job,
    at,
    days_ago,
    key,
    rejected,
    text,
    weekdays,
    words,
)

from kpisync.model import Interval, RunStatus
from kpisync.testing.clock import NOON, FakeClock
from kpisync.watch.model import Complete, Live, Overview, Topic, Trouble, Word

YESTERDAY = days_ago(1)
ENERGY, USED = "d1b1c7a2-a13a-0000-0000-000000000001", "d1b1c7a2-a13a-0000-0000-000000000002"
MONTHLY = f"      energy: {{id: {ENERGY}, interval: month, values: {{used: {USED}}}}}\n"


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    found = Plant(tmp_path, text(a_job()))
    yield found
    found.close()


def known_for_weeks(plant: Plant, *but: date, job: str = "scrap-daily", value: str = ACTUAL) -> None:
    """Numbers of the last six weeks, from Monday to Friday."""
    wanted = [key(day, value) for day in weekdays(30) if day not in but]
    plant.ran(job, *wanted, at=at(6, 15))


# ---------------------------------------------------------------- words


def test_a_job_that_never_ran_says_so(plant: Plant) -> None:
    found = plant.health()
    assert (found.word, found.last_run, found.confirmed_at) == (Word.NEVER, None, None)


def test_a_job_that_ran_well_is_ok_with_its_run_in_short(plant: Plant) -> None:
    run = plant.ran("scrap-daily", key(YESTERDAY), at=at(6, 15), unchanged=3)
    found = plant.health()
    assert found.word is Word.OK
    assert found.last_run is not None
    assert (found.last_run.id, found.last_run.confirmed, found.last_run.unchanged) == (run, 1, 3)
    assert found.confirmed_at == at(6, 15)
    assert (found.destination, found.schedule) == ("board", "15 6 * * 1-5 UTC")


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (RunStatus.FAILED, Word.FAILED),
        (RunStatus.HELD, Word.HELD),
        (RunStatus.PARTIAL, Word.PARTIAL),
        (RunStatus.SKIPPED, Word.SKIPPED),
    ],
)
def test_how_the_last_run_ended_is_how_the_job_is(plant: Plant, status: RunStatus, word: Word) -> None:
    plant.ran("scrap-daily", at=at(6, 15), status=status)
    assert plant.health().word is word


@pytest.mark.parametrize(
    ("status", "word"), [(RunStatus.SKIPPED, Word.SKIPPED), (RunStatus.FAILED, Word.FAILED)], ids=str
)
def test_a_run_that_did_not_even_begin_is_how_the_job_is(plant: Plant, status: RunStatus, word: Word) -> None:
    plant.ran("scrap-daily", at=at(6, 15))
    plant.live_now = replace(plant.live_now, not_begun={"scrap-daily": (status, "not run: it comes after sums")})
    found = plant.health()
    assert (found.word, found.trouble) == (word, "not run: it comes after sums")


def test_what_kept_a_run_from_ending_well_is_told(plant: Plant) -> None:
    plant.ran(status=RunStatus.FAILED, error="exports/a.csv: there is no such file")
    assert plant.health().trouble == "exports/a.csv: there is no such file"
    plant.ran(status=RunStatus.HELD, held="30 of 40 values change")
    assert plant.health().trouble == "30 of 40 values change"


def test_open_rejects_and_doubts_are_counted_and_the_worse_word_is_shown(plant: Plant) -> None:
    plant.rejects(rejected(None, "not a date"), rejected(key(YESTERDAY)))
    found = plant.health()
    assert (found.word, found.rejected, found.in_doubt) == (Word.PARTIAL, 2, 0)
    plant.doubts(key(days_ago(2)))
    found = plant.health()
    assert (found.word, found.rejected, found.in_doubt) == (Word.IN_DOUBT, 2, 1)


def test_a_broken_job_is_told_with_its_problems(tmp_path: Path) -> None:
    with closing(Plant(tmp_path, text(a_job(), a_job("broken", "schedule: nonsense")))) as plant:
        found, other = plant.health("broken"), plant.health()
    assert (found.word, found.destination) == (Word.BROKEN, None)
    assert found.trouble is not None
    assert "nonsense" in found.trouble
    assert other.word is Word.NEVER


def test_a_job_that_goes_on_with_its_last_good_version_is_not_broken(plant: Plant) -> None:
    trouble = Trouble(Topic.CONFIG, "the schedule is none", NOON, job="scrap-daily")
    plant.live_now = replace(plant.live_now, kept=frozenset({"scrap-daily"}), troubles=(trouble,))
    found = plant.health()
    assert (found.word, found.kept, found.trouble) == (Word.NEVER, True, "the schedule is none")


def test_a_job_that_was_to_end_long_ago_is_stuck(plant: Plant) -> None:
    began = at(6, 15)
    plant.begin(at=began)
    plant.live_now = replace(
        plant.live_now, started=began, running={"scrap-daily": began}, stuck={"scrap-daily": at(8, 15)}
    )
    found = plant.health()
    assert (found.word, found.running_since) == (Word.STUCK, began)
    assert found.trouble == "it was to end by 2026-11-20 08:15 UTC, and does not"


def test_while_a_job_runs_the_run_before_says_how_it_is(plant: Plant) -> None:
    failed = plant.ran(status=RunStatus.FAILED, at=at(6, 15))
    plant.begin(at=at(11, 59))
    found = plant.health()
    assert found.word is Word.FAILED
    assert found.last_run is not None
    assert found.last_run.id == failed
    assert found.running_since == at(11, 59)


def test_a_run_that_did_not_end_and_goes_on_nowhere_has_failed(plant: Plant) -> None:
    plant.begin(at=at(6, 15))
    found = plant.health()
    assert found.word is Word.FAILED
    assert found.trouble is not None
    assert "killed" in found.trouble


def test_the_first_run_of_a_job_is_no_success_before_it_ended(plant: Plant) -> None:
    plant.begin(at=at(11, 59))
    assert plant.health().word is Word.NEVER


def test_a_job_that_is_switched_off_is_off_however_its_last_run_ended(tmp_path: Path) -> None:
    plant = Plant(tmp_path, text(a_job(more="enabled: false")))
    assert plant.health().word is Word.OFF
    plant.ran(status=RunStatus.FAILED)
    assert plant.health().word is Word.OFF
    plant.close()


def test_what_is_open_of_a_job_that_is_switched_off_is_still_shown(tmp_path: Path) -> None:
    plant = Plant(tmp_path, text(a_job(more="enabled: false")))
    plant.rejects(rejected(None))
    assert plant.health().word is Word.PARTIAL
    plant.doubts(key(YESTERDAY))
    assert plant.health().word is Word.IN_DOUBT
    plant.close()


def test_a_job_that_was_removed_is_listed_after_the_others(plant: Plant) -> None:
    plant.ran("gone", status=RunStatus.FAILED)
    plant.rejects(rejected(None), job="old")
    assert words(plant, ["scrap-daily", "gone", "old"]) == ["never", "off", "partial"]
    assert [each.job for each in plant.watch.overview().jobs] == ["scrap-daily", "gone", "old"]
    assert plant.health("gone").destination is None


def test_what_only_the_daemon_knows_is_shown(plant: Plant) -> None:
    plant.live_now = replace(plant.live_now, queued=("scrap-daily",), next_due={"scrap-daily": at(13)}, beat=0.5)
    found = plant.health()
    assert (found.queued, found.next_due) == (True, at(13))
    assert plant.watch.overview().beat == 0.5


# ---------------------------------------------------------------- what is missing


def test_a_complete_board_is_whole(plant: Plant) -> None:
    known_for_weeks(plant)
    plant.health()
    (answer,) = plant.watch.overview().answers
    assert answer == Complete("board", YESTERDAY, missing=0, rejected=0, in_doubt=0, of=1)
    assert answer.whole


def test_a_number_that_is_due_and_absent_makes_its_job_late(plant: Plant) -> None:
    known_for_weeks(plant, YESTERDAY)
    found = plant.health()
    assert (found.word, found.missing) == (Word.LATE, 1)
    assert plant.watch.overview().answers[0].missing == 1


def test_a_number_is_not_late_before_its_job_had_half_an_hour(tmp_path: Path) -> None:
    plant = Plant(tmp_path, text(a_job(more='schedule: "40 11 * * *"')))
    known_for_weeks(plant, YESTERDAY)
    assert plant.health().missing == 0
    assert plant.watch.overview().answers[0].day == days_ago(2)
    plant.clock.sleep(600)
    assert plant.health().missing == 1
    plant.close()


def test_a_number_is_not_late_while_the_run_that_is_to_bring_it_goes_on(plant: Plant) -> None:
    known_for_weeks(plant, YESTERDAY)
    plant.live_now = replace(plant.live_now, running={"scrap-daily": at(6, 15)})
    assert plant.health().missing == 0
    plant.live_now = replace(plant.live_now, stuck={"scrap-daily": at(8, 15)})
    assert plant.health().missing == 1


def test_of_a_job_without_a_schedule_only_a_whole_run_makes_numbers_due(tmp_path: Path) -> None:
    plant = Plant(tmp_path, text(a_job(more="")))
    known_for_weeks(plant, YESTERDAY)
    assert plant.health().missing == 1
    plant.ran("scrap-daily", at=at(7), status=RunStatus.FAILED)
    assert plant.health().missing == 1
    plant.ran("scrap-daily", at=at(8), first="2026-01-01")
    assert plant.health().missing == 0
    plant.close()


def test_a_day_that_begins_at_six_is_not_over_at_five(tmp_path: Path) -> None:
    map = (
        '{date: {column: D, day_starts: "06:00"}, team: {column: T}, values: [{kpi: scrap, value: actual, column: A}]}'
    )
    early = Plant(tmp_path, text(a_job(more='schedule: "15 5 * * *"', map=map)))
    known_for_weeks(early, YESTERDAY)
    assert early.health().missing == 0
    early.reload(text(a_job(more='schedule: "15 6 * * *"', map=map)))
    assert early.health().missing == 1
    early.close()


def test_the_day_ends_by_the_clock_of_the_plant(tmp_path: Path) -> None:
    head = HEAD.replace("version: 1\n", "version: 1\ntimezone: Pacific/Auckland\n")
    plant = Plant(tmp_path, text(a_job(more='schedule: "45 0 * * *"'), head=head))
    known_for_weeks(plant)
    assert plant.health().missing == 0
    assert plant.watch.overview().answers[0].day == YESTERDAY
    plant.clock.sleep(900)  # 00:45 on Saturday there was half an hour ago, and Friday is over
    assert plant.health().missing == 1
    assert plant.watch.overview().answers[0].day == FRIDAY
    plant.close()


def test_what_a_map_names_outright_is_missing_until_it_stands(tmp_path: Path) -> None:
    plant = Plant(tmp_path, text(a_job(map=MAP)))
    plant.ran("scrap-daily", at=at(6, 15))
    assert (plant.health().missing, plant.health().word) == (1, Word.LATE)
    plant.ran("scrap-daily", key(YESTERDAY), at=at(7))
    assert plant.health().missing == 0
    plant.close()


def test_a_field_with_two_values_is_missing_once(plant: Plant) -> None:
    known_for_weeks(plant, YESTERDAY)
    known_for_weeks(plant, YESTERDAY, value=TARGET)
    assert plant.health().missing == 1
    assert plant.watch.overview().answers[0].of == 1


def test_what_is_rejected_or_in_doubt_is_not_missing(plant: Plant) -> None:
    known_for_weeks(plant, YESTERDAY)
    known_for_weeks(plant, YESTERDAY, value=TARGET)
    plant.doubts(key(YESTERDAY))
    plant.rejects(rejected(key(YESTERDAY, TARGET)))
    plant.health()
    assert plant.watch.overview().answers == (Complete("board", YESTERDAY, 0, 1, 0, 1),)


def test_what_was_only_ever_rejected_is_expected_on_the_next_day(plant: Plant) -> None:
    plant.rejects(rejected(key(days_ago(2))))
    assert plant.health().missing == 1


def test_nothing_is_expected_of_a_job_that_is_off_or_gone(tmp_path: Path) -> None:
    plant = Plant(tmp_path, text(a_job(more=f"enabled: false\n{WEEKDAYS}")))
    known_for_weeks(plant, YESTERDAY)
    known_for_weeks(plant, YESTERDAY, job="gone", value=TARGET)
    assert plant.health().missing == 0
    assert plant.watch.overview().answers == ()
    plant.close()


def test_workdays_that_the_map_names_are_the_days_of_its_numbers(tmp_path: Path) -> None:
    days = "workdays:\n  plant-1: {days: [monday, tuesday, wednesday]}\n"
    value = "{kpi: scrap, value: actual, column: A, aggregate: sum, fill_missing: {with: 0, workdays: plant-1}}"
    map = f"{{date: {{column: D}}, team: line-1, values: [{value}]}}"
    plant = Plant(tmp_path, text(a_job(map=map), head=days + HEAD))
    assert not plant.loaded.problems
    known_for_weeks(plant, YESTERDAY)
    plant.health()
    assert plant.watch.overview().answers == (Complete("board", days_ago(2), 0, 0, 0, 1),)
    plant.close()


def test_weeks_and_months_are_asked_for_beside_days(tmp_path: Path) -> None:
    head = HEAD.replace("lookups:", f"{MONTHLY}lookups:")
    map = BY_COLUMN.replace("values: [", "values: [{kpi: energy, value: used, column: E}, ")
    plant = Plant(tmp_path, text(a_job(map=map), head=head))
    assert not plant.loaded.problems
    known_for_weeks(plant)
    months = [date(2026, month, 1) for month in (8, 9)]
    plant.ran("scrap-daily", *(key(month, USED, kpi=ENERGY) for month in months), at=at(6, 15))
    assert plant.health().missing == 1
    assert plant.watch.overview().answers == (Complete("board", YESTERDAY, 1, 0, 0, 2),)
    energy, scrap = plant.watch.overview().freshness
    assert (energy.kpi, energy.interval, energy.newest) == ("energy", Interval.MONTH, date(2026, 9, 1))
    assert (energy.due, energy.missing, energy.of) == (date(2026, 10, 1), 1, 1)
    assert (scrap.kpi, scrap.newest, scrap.due, scrap.missing) == ("scrap", YESTERDAY, YESTERDAY, 0)
    plant.close()


def test_freshness_is_of_the_newest_number_even_one_that_is_not_due(plant: Plant) -> None:
    known_for_weeks(plant, YESTERDAY)
    plant.ran("scrap-daily", key(FRIDAY), at=at(7))
    plant.health()
    (found,) = plant.watch.overview().freshness
    assert (found.newest, found.due, found.missing, found.of) == (FRIDAY, YESTERDAY, 1, 1)


# ---------------------------------------------------------------- how often it is made


def test_an_overview_is_good_for_two_seconds(plant: Plant) -> None:
    first = plant.watch.overview()
    plant.ran()
    plant.clock.sleep(1.9)
    assert plant.watch.overview() is first
    plant.clock.sleep(0.1)
    assert plant.watch.overview().jobs[0].word is Word.OK


def test_while_one_is_made_the_last_one_is_shown_unless_it_is_old(plant: Plant) -> None:
    seen: list[Overview] = []

    def look_meanwhile() -> Live:
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(plant.watch.overview).result(timeout=30))
        return plant.live_now

    first = plant.watch.overview()
    plant.ran()
    plant.clock.sleep(4)
    plant.watch.live = look_meanwhile
    assert plant.watch.overview().jobs[0].word is Word.OK
    assert seen == [first]


def test_another_configuration_is_another_overview_at_once(plant: Plant) -> None:
    assert len(plant.watch.overview().jobs) == 1
    plant.reload(text(a_job(), a_job("another")))
    assert len(plant.watch.overview().jobs) == 2


def test_threads_share_one_overview(plant: Plant) -> None:
    plant.ran()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: plant.watch.overview(), range(32)))
    assert all(each is found[0] for each in found)


class SlowReads(FakeClock):
    """Reading takes a second by it, and so does whatever else looks at the time."""

    def monotonic(self) -> float:
        self.sleep(1)
        return super().monotonic()


def test_what_is_dear_to_read_is_kept_but_not_what_is_missing(tmp_path: Path) -> None:
    plant = Plant(tmp_path, text(a_job()), SlowReads())
    known_for_weeks(plant, YESTERDAY)
    assert plant.health().missing == 1
    plant.ran("scrap-daily", key(YESTERDAY), at=at(7))
    assert plant.health().missing == 0
    plant.ran("scrap-daily", key(days_ago(2), team="line-2"), at=at(8))
    plant.health()
    assert plant.watch.overview().answers[0].of == 1
    plant.clock.sleep(60)
    assert plant.health().missing == 1
    assert plant.watch.overview().answers[0].of == 2
    plant.close()
