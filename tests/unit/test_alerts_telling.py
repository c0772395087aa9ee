"""What of a picture is worth telling, what of it is news, and how it is said."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from alert_builders import failed, job, overview, trouble

from kpisync.config.schema import AlertEvent
from kpisync.daemon.telling import Message, Picture, compare, message, picture
from kpisync.state.alerts import AlertKey, OpenAlert
from kpisync.testing.clock import NOON
from kpisync.watch.model import JobHealth, Overview, Topic, Word

BERLIN = ZoneInfo("Europe/Berlin")
EVERY = list(AlertEvent)
TOLD = OpenAlert(NOON, "it failed", NOON)
OWED: AlertKey = ("scrap-daily", "recovered")


def held(of: JobHealth, rejects_above: int = 0) -> set[str]:
    return {str(event) for _, event in picture(overview(of), rejects_above).holds}


def told(of: Overview, rejects_above: int = 0, keys: Collection[AlertKey] | None = None) -> Message:
    rows = picture(of, rejects_above).holds
    return message(rows, rows.keys() if keys is None else keys, BERLIN)


# ---------------------------------------------------------------- what holds


@pytest.mark.parametrize(
    ("of", "events"),
    [
        (job(), set()),
        (failed(), {"failed"}),
        (job(word=Word.STUCK), {"failed"}),
        (job(word=Word.BROKEN), {"failed"}),
        (job(kept=True), {"failed"}),
        (job(word=Word.HELD), {"held"}),
        (job(word=Word.PARTIAL, conflicts=2), {"conflict"}),
        (job(word=Word.IN_DOUBT, in_doubt=1), {"in_doubt"}),
        (job(word=Word.PARTIAL, rejected=1), {"rejects"}),
        (job(word=Word.LATE, missing=1), {"stale"}),
        (job(word=Word.SKIPPED), set()),
        (job(word=Word.NEVER), set()),
        (job(word=Word.OFF, in_doubt=3), set()),
        (replace(failed(), rejected=3, missing=2), {"failed", "rejects", "stale"}),
    ],
)
def test_each_state_is_an_event_or_none(of: JobHealth, events: set[str]) -> None:
    assert held(of) == events


def test_rejects_are_told_above_the_limit_only() -> None:
    assert held(job(rejected=5), rejects_above=5) == set()
    assert held(job(rejected=6), rejects_above=5) == {"rejects"}


def test_nothing_is_said_of_a_job_in_the_middle_of_its_run() -> None:
    found = picture(overview(job(word=Word.IN_DOUBT, in_doubt=64, running_since=NOON)), 0)
    assert not found.holds
    assert found.resting == {"scrap-daily"}


def test_a_run_that_does_not_end_is_told_all_the_same() -> None:
    assert held(job(word=Word.STUCK, running_since=NOON)) == {"failed"}


def test_what_stops_the_daemon_and_what_breaks_its_configuration_is_told_of_itself() -> None:
    troubles = [
        trouble(Topic.STATE),
        trouble(Topic.CONFIG, "kpisync.yaml:3:1: unknown key", stops=False),
        trouble(Topic.RUNNER, "slow", stops=False),
        trouble(Topic.ALERTS, "the mail server is away", stops=False),
        trouble(Topic.CONFIG, "of a job", stops=False, job="scrap-daily"),
    ]
    found = picture(overview(troubles=troubles), 0)
    assert {subject: row.said for (subject, _), row in found.holds.items()} == {
        "kpisync state": "the disk is full",
        "kpisync config": "kpisync.yaml:3:1: unknown key",
    }


# ---------------------------------------------------------------- what is news


def after(rows: dict[AlertKey, OpenAlert], now: Picture, on: Collection[AlertEvent] = EVERY) -> set[AlertKey]:
    return set(compare(rows, now, on).rows)


def test_what_goes_on_keeps_its_beginning() -> None:
    before = {("scrap-daily", "failed"): TOLD}
    later = overview(failed(error="another reason"), now=NOON + timedelta(days=1))
    assert compare(before, picture(later, 0), EVERY).rows == before


def test_what_nobody_was_told_yet_is_told_as_it_is_now() -> None:
    before = {("scrap-daily", "failed"): replace(TOLD, told=None)}
    later = compare(before, picture(overview(failed(error="another reason")), 0), EVERY).rows
    assert later["scrap-daily", "failed"].said.startswith("another reason")
    assert later["scrap-daily", "failed"].since == NOON


def test_an_event_that_is_not_wanted_is_no_alert() -> None:
    assert after({}, picture(overview(failed()), 0), [AlertEvent.HELD]) == set()


def test_a_recovery_is_owed_once_somebody_was_told() -> None:
    well = picture(overview(job()), 0)
    assert compare({OWED: TOLD}, well, EVERY) == ({OWED: TOLD}, {"scrap-daily"})
    assert compare({("scrap-daily", "failed"): replace(TOLD, told=None)}, well, EVERY) == ({}, frozenset())


def test_a_recovery_that_is_not_wanted_is_forgotten() -> None:
    assert compare({OWED: TOLD}, picture(overview(job()), 0), [AlertEvent.FAILED]) == ({}, frozenset())


@pytest.mark.parametrize("now", [job(word=Word.HELD), job(word=Word.SKIPPED), job(missing=1), job(running_since=NOON)])
def test_a_job_that_is_not_well_yet_has_not_recovered(now: JobHealth) -> None:
    news = compare({OWED: TOLD, ("scrap-daily", "failed"): TOLD}, picture(overview(now), 0), [AlertEvent.FAILED])
    assert OWED in news.rows
    assert not news.recovered


def test_rejects_below_the_limit_do_not_keep_a_job_from_recovering() -> None:
    now = picture(overview(job(word=Word.PARTIAL, rejected=2)), rejects_above=5)
    assert compare({OWED: TOLD}, now, EVERY).recovered == {"scrap-daily"}


def test_what_was_told_stays_while_the_job_runs_again() -> None:
    before = {("scrap-daily", "failed"): TOLD, OWED: TOLD}
    now = picture(overview(job(running_since=NOON)), 0)
    assert compare(before, now, EVERY) == (before, frozenset())


@pytest.mark.parametrize("jobs", [[], [job(word=Word.OFF)]])
def test_a_job_that_is_gone_or_switched_off_is_forgotten_in_silence(jobs: list[JobHealth]) -> None:
    before = {("scrap-daily", "failed"): TOLD, OWED: TOLD}
    assert compare(before, picture(overview(*jobs), 0), EVERY) == ({}, frozenset())


# ---------------------------------------------------------------- how it is said


def test_a_message_says_what_since_when_and_what_to_do() -> None:
    said = told(overview(failed()))
    assert said.subject == "kpisync: scrap-daily failed"
    assert said.body == (
        "scrap-daily failed, since 2026-11-20 13:00 CET.\n"
        "no file matches exports/scrap_*.csv\n"
        "Next: kpisync history 01JD"
    )


def test_several_are_one_message_with_the_worst_first() -> None:
    said = told(overview(job("b-held", Word.HELD), failed("a-failed"), job("c-late", missing=3)))
    assert said.subject == "kpisync: 1 failed, 1 held, 1 late"
    assert [block.split(",")[0] for block in said.body.split("\n\n")] == [
        "a-failed failed",
        "b-held is held by its guard",
        "c-late lacks values that are due",
    ]


def test_a_thousand_are_told_as_ten_and_a_count() -> None:
    said = told(overview(*(failed(f"job-{number:04}") for number in range(1000))))
    assert said.subject == "kpisync: 1,000 failed"
    assert said.body.count("Next: kpisync history") == 10
    assert said.body.endswith("And 990 more: kpisync status")
    assert len(said.keys) == 1000


def test_a_long_reason_is_cut() -> None:
    assert len(told(overview(failed(error="x" * 100_000))).body) < 1000


def test_a_reason_of_many_lines_is_told_in_one() -> None:
    assert "one two three" in told(overview(failed(error="one\n  two\r\n\tthree"))).body


def test_a_recovery_reminds_of_what_was() -> None:
    rows = {OWED: OpenAlert(NOON, "Before: scrap-daily failed, since 2026-11-20 13:00 CET.", NOON)}
    said = message(rows, [OWED], BERLIN)
    assert said.subject == "kpisync: scrap-daily is well again"
    assert said.body == "scrap-daily is well again.\nBefore: scrap-daily failed, since 2026-11-20 13:00 CET."


def test_the_daemon_speaks_of_itself() -> None:
    said = told(overview(troubles=[trouble(Topic.STATE)]))
    assert said.subject == "kpisync: kpisync itself (state) needs somebody"
    assert "the disk is full" in said.body


def test_a_job_may_be_named_like_the_daemon() -> None:
    both = picture(overview(failed("kpisync"), troubles=[trouble(Topic.STATE)]), 0)
    assert {subject for subject, _ in both.holds} == {"kpisync", "kpisync state"}
