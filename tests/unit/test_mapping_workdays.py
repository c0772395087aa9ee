"""Workdays: weekdays without holidays and closed days, and days that are open whatever else is said of them."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kpisync.mapping.workdays import Workdays, WorkdaysOptions

WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday"]


def plant(**said: Any) -> Workdays:
    return Workdays(WorkdaysOptions.model_validate({"days": WEEK, **said}))


@pytest.mark.parametrize(
    ("day", "works"),
    [("2026-11-20", True), ("2026-11-21", False), ("2026-11-22", False), ("2026-11-23", True)],
)
def test_a_plant_works_on_the_weekdays_that_are_named(day: str, works: bool) -> None:
    assert (date.fromisoformat(day) in plant()) is works


def test_a_plant_may_work_on_any_weekdays() -> None:
    assert date(2026, 11, 22) in plant(days=["sunday"])
    assert date(2026, 11, 23) not in plant(days=["sunday"])


@pytest.mark.parametrize(
    ("region", "day", "works"),
    [
        ("DE-BY", "2026-01-06", False),  # Epiphany, in the south alone
        ("DE-BE", "2026-01-06", True),
        ("DE", "2026-01-06", True),
        ("DE", "2026-01-01", False),
        ("PT", "2026-12-08", False),
    ],
)
def test_public_holidays_of_a_region_are_no_workdays(region: str, day: str, works: bool) -> None:
    assert (date.fromisoformat(day) in plant(holidays=region)) is works


def test_closed_days_are_no_workdays_with_the_first_and_the_last() -> None:
    closed = plant(closed=["2026-12-24..2026-12-31", "2027-01-05"])
    days = [date(2026, 12, 23), date(2026, 12, 24), date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 5)]
    assert [day in closed for day in days] == [True, False, False, True, False]


def test_a_day_that_is_open_is_a_workday_whatever_else_is_said_of_it() -> None:
    saturday = plant(holidays="DE", closed=["2026-10-01..2026-10-31"], open=["2026-10-03"])  # a public holiday too
    assert date(2026, 10, 3) in saturday
    assert date(2026, 10, 5) not in saturday


@given(st.dates(date(1990, 1, 1), date(2060, 12, 31)))
def test_only_weekdays_that_are_named_are_workdays_and_open_ones(day: date) -> None:
    made = plant(holidays="DE-BY", closed=["2026-12-24..2027-01-02"], open=["2026-10-03"])
    assert day.weekday() < 5 or day == date(2026, 10, 3) or day not in made


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"days": []}, "at least 1 item"),
        ({"days": ["mon"]}, "monday"),
        ({"holidays": "DE-BZ"}, "not a part of DE whose holidays are known"),
        ({"holidays": "de-BY"}, "not a country whose holidays are known, such as DE; did you mean DE"),
        ({"holidays": "XX"}, "not a country whose holidays are known"),
        ({"closed": ["24.12.2026"]}, "not a day such as 2026-12-24, or days such as 2026-12-24..2027-01-02"),
        ({"closed": ["2026-02-30"]}, "not a day such as"),
        ({"open": ["2027-01-02..2026-12-24"]}, "2027-01-02 lies after 2026-12-24"),
    ],
)
def test_what_is_no_calendar_is_refused(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        plant(**said)


def test_holidays_need_an_extra_and_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(ValidationError, match=r"pip install 'kpisync\[holidays\]'"):
        plant(holidays="DE-BY")


def test_spans_are_written_as_they_were_read() -> None:
    said = {"days": ["monday"], "closed": ["2026-12-24..2027-01-02"], "open": ["2026-10-03"]}
    assert WorkdaysOptions.model_validate(said).model_dump(mode="json", exclude_unset=True) == said
