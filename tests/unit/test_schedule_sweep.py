"""Every local minute of the days on which clocks change, in six zones: a daily rule has one due time a day, always."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from kpisync.config.loaded import Schedule
from kpisync.config.schema import CatchUp
from kpisync.schedule import due_times, last_due, next_due

# Zone, and the days of 2026 on which its clocks go forward and back; in Kolkata they never do.
CHANGES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 10, 4), date(2026, 4, 5)),
    "Africa/Cairo": (date(2026, 4, 24), date(2026, 10, 29)),
    "America/Santiago": (date(2026, 9, 6), date(2026, 4, 4)),
    "Asia/Kolkata": (date(2026, 3, 29), date(2026, 10, 25)),
}
DAYS = [(zone, day) for zone, days in CHANGES.items() for day in days]
DAY = timedelta(days=1)


def rule(cron: str, zone: str) -> Schedule:
    return Schedule(cron, ZoneInfo(zone), CatchUp.ONCE)


def midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def around(day: date, zone: str) -> tuple[datetime, datetime]:
    """From the midnight that begins the day before to the one that ends the day after."""
    return midnight(day - DAY, zone), midnight(day + 2 * DAY, zone)


def minutes() -> Iterator[tuple[int, int]]:
    return ((hour, minute) for hour in range(24) for minute in range(60))


@pytest.mark.parametrize(("zone", "day"), DAYS[:-2], ids=str)
def test_the_clocks_change_on_these_days(zone: str, day: date) -> None:
    assert midnight(day + DAY, zone) - midnight(day, zone) != DAY or (
        midnight(day + 2 * DAY, zone) - midnight(day + DAY, zone) != DAY
    )


@pytest.mark.slow
@pytest.mark.parametrize(("zone", "day"), DAYS, ids=str)
def test_a_daily_rule_for_any_minute_has_one_due_time_on_each_day(zone: str, day: date) -> None:
    begin, end = around(day, zone)
    for hour, minute in minutes():
        found = list(due_times(rule(f"{minute} {hour} * * *", zone), begin - timedelta(seconds=1), end))
        days = [at.astimezone(ZoneInfo(zone)).date() for at in found if at < end]
        assert days == [day - DAY, day, day + DAY], f"{hour:02}:{minute:02}: {found}"


@pytest.mark.slow
@pytest.mark.parametrize(("zone", "day"), DAYS, ids=str)
def test_what_was_due_last_and_is_due_next_follow_each_other(zone: str, day: date) -> None:
    """Asked at any quarter of an hour, the answers are two neighbours among the due times."""
    begin, end = around(day, zone)
    for cron in ("30 2 * * *", "0 0 * * *", "59 23 * * *", "15 1 * * *", "0 * * * *", "*/20 1-3 * * *"):
        schedule, now = rule(cron, zone), begin
        every = list(due_times(schedule, begin - 3 * DAY, end + 3 * DAY))
        while now < end:
            last, following = last_due(schedule, now), next_due(schedule, now)
            assert last == max(at for at in every if at <= now), (cron, now)
            assert following == min(at for at in every if at > now), (cron, now)
            now += timedelta(minutes=15)


@pytest.mark.parametrize(("zone", "day"), DAYS, ids=str)
@pytest.mark.parametrize("step", [1, 10, 15, 30])
def test_rules_for_every_so_many_minutes_follow_real_time(zone: str, day: date, step: int) -> None:
    begin, end = around(day, zone)
    found = list(due_times(rule(f"*/{step} * * * *", zone), begin - timedelta(seconds=1), end))
    assert {after - before for before, after in pairwise(found)} == {timedelta(minutes=step)}


@pytest.mark.parametrize(("zone", "day"), [each for each in DAYS if each[0] != "Australia/Lord_Howe"], ids=str)
def test_hourly_rules_follow_real_time(zone: str, day: date) -> None:
    begin, end = around(day, zone)
    found = list(due_times(rule("5 * * * *", zone), begin - timedelta(seconds=1), end))
    assert {after - before for before, after in pairwise(found)} == {timedelta(hours=1)}


@pytest.mark.parametrize("zone", CHANGES)
def test_a_year_of_daily_rules_misses_no_day(zone: str) -> None:
    begin = midnight(date(2026, 1, 1), zone)
    for hour in range(24):
        found = list(due_times(rule(f"30 {hour} * * *", zone), begin, begin + 365 * DAY))
        days = [at.astimezone(ZoneInfo(zone)).date() for at in found]
        assert days == [date(2026, 1, 1) + n * DAY for n in range(365)], hour
