"""Periods: every day lies in exactly one, and its name leads back to it."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpisync.mapping.options import LookbackSpan
from kpisync.mapping.periods import parse_period, period_end, period_name, period_start, touches, widen
from kpisync.model import Interval, Rhythm, Scope

FORTY_YEARS = [date(2000, 1, 1) + timedelta(days=day) for day in range(40 * 366)]
days = st.dates(date(1970, 1, 1), date(2199, 12, 31))
intervals = st.sampled_from(Interval)
rhythms = st.sampled_from([Rhythm(interval) for interval in Interval])


@pytest.mark.parametrize("interval", Interval)
def test_every_day_lies_in_exactly_one_period(interval: Interval) -> None:
    start = period_start(FORTY_YEARS[0], interval)
    for day in FORTY_YEARS:
        if day > period_end(start, interval):
            start = period_end(start, interval) + timedelta(days=1)  # neither a gap nor an overlap
        assert start <= day <= period_end(start, interval)
        assert period_start(day, interval) == start


@pytest.mark.parametrize("interval", Interval)
def test_a_period_is_found_again_by_its_name_and_by_each_of_its_days(interval: Interval) -> None:
    names: dict[str, date] = {}
    for day in FORTY_YEARS:
        start = period_start(day, interval)
        name = period_name(start, interval)
        assert names.setdefault(name, start) == start  # a name belongs to one period
        assert parse_period(name, interval) == parse_period(day.isoformat(), interval) == start


def test_the_year_of_a_week_is_the_iso_year() -> None:
    for day in FORTY_YEARS:
        year, week, _ = day.isocalendar()
        assert period_name(period_start(day, Interval.WEEK), Interval.WEEK) == f"{year}-W{week:02}"


@pytest.mark.parametrize(
    ("day", "week"),
    [
        ("2024-12-30", "2025-W01"),
        ("2026-12-31", "2026-W53"),
        ("2027-01-03", "2026-W53"),
        ("2027-01-04", "2027-W01"),
        ("2021-01-03", "2020-W53"),
        ("2024-02-29", "2024-W09"),
    ],
)
def test_weeks_at_the_edges_of_years(day: str, week: str) -> None:
    assert period_name(parse_period(day, Interval.WEEK), Interval.WEEK) == week


@pytest.mark.parametrize(
    ("start", "interval", "end"),
    [
        ("2024-02-01", Interval.MONTH, "2024-02-29"),
        ("2100-02-01", Interval.MONTH, "2100-02-28"),
        ("2026-12-01", Interval.MONTH, "2026-12-31"),
        ("2026-10-01", Interval.QUARTER, "2026-12-31"),
        ("2024-01-01", Interval.QUARTER, "2024-03-31"),
        ("2024-01-01", Interval.YEAR, "2024-12-31"),
        ("2026-12-28", Interval.WEEK, "2027-01-03"),
        ("9999-12-27", Interval.WEEK, "9999-12-31"),
        ("9999-12-01", Interval.MONTH, "9999-12-31"),
    ],
)
def test_the_last_days_of_periods(start: str, interval: Interval, end: str) -> None:
    assert period_end(date.fromisoformat(start), interval) == date.fromisoformat(end)


@pytest.mark.parametrize(
    ("text", "interval", "said"),
    [
        ("2026-11", Interval.DAY, "'2026-11' is not a day such as 2026-11-20"),
        ("2026-Q5", Interval.QUARTER, "'2026-Q5' is not a quarter such as 2026-Q4, nor a day such as 2026-11-20"),
        ("2026-W47", Interval.MONTH, "'2026-W47' is not a month such as 2026-11, nor a day such as 2026-11-20"),
        ("٢٠٢٦", Interval.YEAR, "'٢٠٢٦' is not a year such as 2026, nor a day such as 2026-11-20"),
        ("2025-W53", Interval.WEEK, "2025-W53 does not exist"),
        ("2026-02-30", Interval.DAY, "2026-02-30 does not exist"),
        ("2026-13", Interval.MONTH, "2026-13 does not exist"),
    ],
)
def test_what_names_no_period_of_the_interval_is_refused(text: str, interval: Interval, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        parse_period(text, interval)


@given(days, days, st.sets(rhythms), days, intervals)
def test_a_period_that_a_scope_touches_lies_whole_within_the_widened_one(
    one: date, other: date, others: set[Rhythm], day: date, interval: Interval
) -> None:
    scope = Scope(one, min(one, other), max(one, other))
    wide = widen(scope, {Rhythm(interval), *others})
    start = period_start(day, interval)
    if touches(scope, start, interval):
        assert start in wide
        assert period_end(start, interval) in wide
    assert touches(scope, start, interval) == any(
        start + timedelta(days=offset) in scope for offset in range((period_end(start, interval) - start).days + 1)
    )


@given(days, days, st.sets(rhythms, min_size=1))
def test_a_scope_is_widened_no_further_than_to_whole_periods(one: date, other: date, some: set[Rhythm]) -> None:
    scope = Scope(one, min(one, other), max(one, other))
    wide = widen(scope, some)
    assert wide.first in {period_start(min(one, other), *rhythm) for rhythm in some}
    assert wide.last in {period_end(period_start(max(one, other), *rhythm), *rhythm) for rhythm in some}


def test_an_open_end_stays_open() -> None:
    scope = Scope(date(2026, 11, 20))
    assert widen(scope, map(Rhythm, Interval)) == scope
    assert widen(Scope(scope.today, date(2026, 11, 20)), [Rhythm(Interval.WEEK)]) == Scope(
        scope.today, date(2026, 11, 16)
    )
    assert touches(scope, date(1970, 1, 1), Interval.YEAR)


@pytest.mark.parametrize(
    ("number", "unit", "first"),
    [(14, "d", "2026-11-06"), (5, "w", "2026-10-16"), (3, "m", "2026-08-01"), (11, "m", "2025-12-01")],
)
def test_a_lookback_counts_from_today(number: int, unit: str, first: str) -> None:
    assert LookbackSpan(number, unit).first(date(2026, 11, 20)) == date.fromisoformat(first)
