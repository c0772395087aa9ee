"""The page on schedules: each due time that it shows is the one that the daemon finds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kpisync.config.loaded import Schedule
from kpisync.config.schema import CatchUp
from kpisync.schedule import due_times

PAGE = (Path(__file__).parent.parent.parent / "docs" / "schedules.md").read_text(encoding="utf-8")
PLANT = ZoneInfo("Europe/Berlin")
FRIDAY = datetime(2026, 11, 20, tzinfo=PLANT)
RULES = re.findall(r"^\| `([^`]+)` \| [^|]+ \| (\d{4}-\d\d-\d\d [^|]+) \|$", PAGE, re.MULTILINE)
CHANGES = re.findall(r"^\| `([^`]+)` \| (\d{4}-\d\d-\d\d)[^|]* \| (\d\d:\d\d\+[^|]+) \|$", PAGE, re.MULTILINE)


def local(rule: str, begin: datetime, until: datetime) -> list[datetime]:
    schedule = Schedule(rule, PLANT, CatchUp.ONCE)
    before = begin.astimezone(UTC) - timedelta(seconds=1)
    return [at.astimezone(PLANT) for at in due_times(schedule, before, until.astimezone(UTC))]


def test_the_page_shows_rules_and_both_changes_of_clocks() -> None:
    assert len(RULES) >= 9
    assert {day for _, day, _ in CHANGES} == {"2027-03-28", "2026-10-25"}


@pytest.mark.parametrize(("rule", "shown"), RULES)
def test_a_rule_is_due_when_the_page_says(rule: str, shown: str) -> None:
    found = islice(local(rule, FRIDAY, FRIDAY + timedelta(days=70)), 2)
    assert [f"{at:%Y-%m-%d %H:%M}" for at in found] == shown.split(", ")


@pytest.mark.parametrize(("rule", "day", "shown"), CHANGES)
def test_a_change_of_clocks_is_as_the_page_says(rule: str, day: str, shown: str) -> None:
    begin = datetime.fromisoformat(day).replace(tzinfo=PLANT)
    expected = shown.split(", ")
    found = local(rule, begin, begin + timedelta(days=1))
    assert [at.isoformat()[11:16] + at.isoformat()[19:] for at in found[: len(expected)]] == expected
    assert len(found) == len(expected) or "first hours" in PAGE.partition(shown)[0].splitlines()[-1]
