"""Fiscal calendars: every day lies in one period of each kind, and years and months begin where companies say."""

from __future__ import annotations

import itertools
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapping_builders import LOOKUPS, TODAY, options, scope, table
from mapping_builders import mapped as mapped_by
from pydantic import ValidationError

from kpisync.chunks import cut
from kpisync.config.load import load
from kpisync.mapping.apply import Mapper
from kpisync.mapping.catalog_options import CalendarOptions, CatalogOptions, Weekday
from kpisync.mapping.options import LookbackSpan
from kpisync.mapping.periods import first_day, parse_period, period_end, period_name, period_start, touches, widen
from kpisync.model import FiscalCalendar, Interval, RecordKey, Rhythm, Scope

DAY = timedelta(days=1)
FIRST, LAST = date(1990, 1, 1), date(2060, 12, 31)
KINDS = (Interval.MONTH, Interval.QUARTER, Interval.YEAR)
WEEKS = ("4-4-5", "4-5-4", "5-4-4")
STARTS = ("january", "february", "april", "july", "october", "december")


def calendar(start: str = "october", **said: str) -> FiscalCalendar:
    return CalendarOptions.model_validate({"start": start, **said}).calendar()


def by_weeks(
    begins: str, week_starts: str, start: str = "october", weeks: str = "4-4-5", **said: str
) -> FiscalCalendar:
    return calendar(start, weeks=weeks, begins=begins, week_starts=week_starts, **said)


RULES = [calendar(start) for start in STARTS]
RULES += [
    by_weeks(begins, week_starts, start)
    for begins, week_starts, start in itertools.product(
        ("first", "nearest", "last"), ("monday", "saturday", "sunday"), STARTS
    )
]
rules = st.builds(
    by_weeks,
    st.sampled_from(["first", "nearest", "last"]),
    st.sampled_from(Weekday),
    st.sampled_from(STARTS),
    st.sampled_from(WEEKS),
    named_by=st.sampled_from(["ends", "starts"]),
)
rhythms = st.builds(Rhythm, st.sampled_from(KINDS), rules | st.sampled_from(RULES))
days = st.dates(FIRST, LAST)


# ---------------------------------------------------------------- every rule


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("interval", KINDS)
def test_periods_follow_one_another_without_a_gap_or_an_overlap(interval: Interval, rule: FiscalCalendar) -> None:
    key = period_start(FIRST, interval, rule)
    while key < LAST:
        first, last = first_day(key, interval, rule), period_end(key, interval, rule)
        assert first < last
        assert period_start(first, interval, rule) == period_start(last, interval, rule) == key
        following = period_start(last + DAY, interval, rule)
        assert following > key
        assert first_day(following, interval, rule) == last + DAY
        key = following


@given(rhythms, days)
def test_every_day_lies_in_its_period_and_in_no_other_one(rhythm: Rhythm, day: date) -> None:
    key = period_start(day, *rhythm)
    first, last = first_day(key, *rhythm), period_end(key, *rhythm)
    assert first <= day <= last
    assert period_start(first - DAY, *rhythm) < key < period_start(last + DAY, *rhythm)


@given(rhythms, days)
def test_a_period_goes_by_the_first_of_a_month_and_is_found_by_its_name_and_by_that_date(
    rhythm: Rhythm, day: date
) -> None:
    key = period_start(day, *rhythm)
    assert key.day == 1
    assert parse_period(period_name(key, *rhythm), *rhythm) == parse_period(key.isoformat(), *rhythm) == key
    assert abs(first_day(key, *rhythm) - key) <= timedelta(days=12)


@given(rhythms, days)
def test_a_quarter_is_three_months_and_a_year_four_quarters(rhythm: Rhythm, day: date) -> None:
    rule = rhythm.calendar
    for whole, part, parts in ((Interval.QUARTER, Interval.MONTH, 3), (Interval.YEAR, Interval.QUARTER, 4)):
        key = period_start(day, whole, rule)
        at, count = first_day(key, whole, rule), 0
        while at <= period_end(key, whole, rule):
            at, count = period_end(period_start(at, part, rule), part, rule) + DAY, count + 1
        assert (at, count) == (period_end(key, whole, rule) + DAY, parts)


@given(rules, days)
def test_a_year_by_weeks_has_52_or_53_of_them_and_the_53rd_is_in_its_last_month(
    rule: FiscalCalendar, day: date
) -> None:
    key = period_start(day, Interval.YEAR, rule)
    length = (period_end(key, Interval.YEAR, rule) - first_day(key, Interval.YEAR, rule)).days + 1
    if rule.begins == "first":
        assert length in (365, 366)
        return
    assert length in (364, 371)
    assert first_day(key, Interval.YEAR, rule).weekday() == rule.week_starts
    assert rule.weeks is not None
    months = []
    at = first_day(key, Interval.YEAR, rule)
    for _ in range(12):
        month = period_start(at, Interval.MONTH, rule)
        months.append((period_end(month, Interval.MONTH, rule) - at).days + 1)
        at += timedelta(days=months[-1])
    assert months[:-1] == [weeks * 7 for weeks in (rule.weeks * 4)[:-1]]
    assert months[-1] - (length - 364) == rule.weeks[-1] * 7


@given(days, days, st.sets(rhythms, max_size=3), days, rhythms)
def test_a_period_that_a_scope_touches_lies_whole_within_the_widened_one_and_so_does_its_date(
    one: date, other: date, others: set[Rhythm], day: date, rhythm: Rhythm
) -> None:
    looked_at = Scope(one, min(one, other), max(one, other))
    wide = widen(looked_at, {rhythm, *others})
    key = period_start(day, *rhythm)
    if touches(looked_at, key, *rhythm):
        for edge in (key, first_day(key, *rhythm), period_end(key, *rhythm)):
            assert edge in wide
    assert touches(looked_at, key, *rhythm) == any(
        looked_at.first <= each <= looked_at.last  # type: ignore[operator]
        for each in _days_of(key, rhythm)
    )


def _days_of(key: date, rhythm: Rhythm) -> list[date]:
    first = first_day(key, *rhythm)
    return [first + offset * DAY for offset in range((period_end(key, *rhythm) - first).days + 1)]


@given(rhythms, days, st.integers(0, 900), st.sampled_from([(31, "d"), (5, "w"), (3, "m")]))
def test_chunks_cut_no_fiscal_period(rhythm: Rhythm, first: date, length: int, span: tuple[int, str]) -> None:
    last = first + length * DAY
    chunks = cut(first, last, LookbackSpan(*span), {rhythm, Rhythm(Interval.DAY)})
    assert chunks[0][0] <= first
    assert chunks[-1][1] >= last
    for begin, end in chunks:
        assert first_day(period_start(begin, *rhythm), *rhythm) == begin
        assert period_end(period_start(end, *rhythm), *rhythm) == end
    assert all(end + DAY == begin for (_, end), (begin, _) in itertools.pairwise(chunks))


@pytest.mark.parametrize("interval", KINDS)
def test_dates_at_the_ends_of_time_do_no_harm(interval: Interval) -> None:
    for rule in RULES:
        wide = widen(Scope(date.min, date.min, date.max), [Rhythm(interval, rule)])
        assert (wide.first, wide.last) == (date.min, date.max)
        chunks = cut(date(9997, 3, 5), date.max, LookbackSpan(3, "m"), [Rhythm(interval, rule)])
        assert chunks[-1][1] >= date(9999, 12, 1)
        assert cut(date.min, date(1, 3, 5), LookbackSpan(3, "m"), [Rhythm(interval, rule)])


# ---------------------------------------------------------------- calendars of companies


def test_a_year_from_october_has_the_months_of_the_calendar() -> None:
    rule = calendar("october")
    november = period_start(date(2026, 11, 20), Interval.MONTH, rule)
    assert (november, period_end(november, Interval.MONTH, rule)) == (date(2026, 11, 1), date(2026, 11, 30))
    assert period_name(november, Interval.MONTH, rule) == "FY2027-M02"
    assert period_name(date(2026, 10, 1), Interval.QUARTER, rule) == "FY2027-Q1"
    assert period_end(date(2026, 10, 1), Interval.YEAR, rule) == date(2027, 9, 30)


@pytest.mark.parametrize(
    ("rule", "name", "first", "last"),
    [  # the last Saturday of September ends the year
        (by_weeks("last", "sunday", weeks="5-4-4"), "FY2023", "2022-09-25", "2023-09-30"),
        (by_weeks("last", "sunday", weeks="5-4-4"), "FY2024", "2023-10-01", "2024-09-28"),
        # the Saturday nearest to the end of January ends it: 53 weeks in 2023
        (by_weeks("nearest", "sunday", "february", "4-5-4", named_by="starts"), "FY2022", "2022-01-30", "2023-01-28"),
        (by_weeks("nearest", "sunday", "february", "4-5-4", named_by="starts"), "FY2023", "2023-01-29", "2024-02-03"),
        (by_weeks("nearest", "sunday", "february", "4-5-4", named_by="starts"), "FY2024", "2024-02-04", "2025-02-01"),
    ],
)
def test_years_of_known_companies_begin_and_end_where_they_do(
    rule: FiscalCalendar, name: str, first: str, last: str
) -> None:
    key = parse_period(name, Interval.YEAR, rule)
    assert first_day(key, Interval.YEAR, rule) == date.fromisoformat(first)
    assert period_end(key, Interval.YEAR, rule) == date.fromisoformat(last)


@given(st.integers(1991, 2060))
def test_the_year_on_the_monday_nearest_to_new_year_is_the_iso_year(year: int) -> None:
    rule = by_weeks("nearest", "monday", "january")
    assert first_day(date(year, 1, 1), Interval.YEAR, rule) == date.fromisocalendar(year, 1, 1)


def test_a_first_week_that_is_cut_is_the_first_of_four() -> None:
    rule = by_weeks("first", "monday", "january")  # 1 January 2026 is a Thursday, so FW1 is 1 to 4 January
    assert first_day(date(2026, 1, 1), Interval.MONTH, rule) == date(2026, 1, 1)
    assert period_end(date(2026, 1, 1), Interval.MONTH, rule) == date(2026, 1, 25)
    assert first_day(date(2026, 12, 1), Interval.MONTH, rule) == date(2026, 11, 23)
    assert period_end(date(2026, 12, 1), Interval.MONTH, rule) == date(2026, 12, 31)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("text", "interval", "said"),
    [
        ("2026-11", Interval.MONTH, "'2026-11' is not a month such as FY2027-M02, nor a day such as 2026-11-20"),
        ("FY2027-M13", Interval.MONTH, "'FY2027-M13' is not a month such as FY2027-M02"),
        ("FY2027-Q5", Interval.QUARTER, "'FY2027-Q5' is not a quarter such as FY2027-Q1"),
        ("2027", Interval.YEAR, "'2027' is not a year such as FY2027"),
    ],
)
def test_what_names_no_fiscal_period_is_refused(text: str, interval: Interval, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        parse_period(text, interval, calendar())


# ---------------------------------------------------------------- what may be written, and what comes of rows


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"start": "October"}, "Input should be 'january'"),
        ({"start": "october", "begins": "last"}, "begins and week_starts are for a calendar of weeks"),
        ({"start": "october", "weeks": "5-5-3"}, "Input should be 'none', '4-4-5', '4-5-4' or '5-4-4'"),
    ],
)
def test_a_calendar_that_is_not_sound_is_refused(said: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        CalendarOptions.model_validate(said)


@pytest.mark.parametrize("interval", ["day", "week"])
def test_days_and_weeks_have_no_calendar_of_their_own(interval: str) -> None:
    kpis = {"rate": {"id": "r", "interval": interval, "calendar": "fiscal"}}
    with pytest.raises(ValidationError, match="days and weeks are the same in every calendar"):
        CatalogOptions.model_validate({"kpis": kpis})


def test_a_platform_with_periods_of_its_own_takes_no_calendar(tmp_path: Path) -> None:
    file = tmp_path / "kpisync.yaml"
    file.write_text(
        "version: 1\n"
        "calendars: {fiscal: {start: october}}\n"
        "destinations: {okr: {type: quantive, url: https://a.example/api/v1, account: a, token: t}}\n"
        "catalog: {okr: {kpis: {rate: {id: r, interval: month, group: '{year}-{month:02}', calendar: fiscal}}}}\n",
        encoding="utf-8",
    )
    (problem,) = load(file, {}).problems
    assert problem.message == "Quantive has periods of its own, and knows no fiscal calendar"
    assert problem.place.endswith(":4:83")


KPIS = {"rate": {"id": "r1", "interval": "month", "calendar": "fiscal", "values": {"actual": "a3"}}}
RATE = {"kpi": "rate", "value": "actual", "column": "n", "aggregate": "sum"}
SUNDAYS = by_weeks("nearest", "sunday")  # M01 of FY2027 is 4 to 31 October, M04 3 to 30 January


def of_month(rows: list[list[str]], align: bool, looked_at: Scope) -> tuple[Mapper, dict[date, str], list[str]]:
    made = options(RATE, date={"column": "d", "align": align}, team="6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10")
    catalog = CatalogOptions.model_validate({"kpis": KPIS}).catalog({"fiscal": SUNDAYS})
    mapper = Mapper(made, "board", catalog, LOOKUPS, looked_at)
    came = mapped_by(mapper, table(rows))
    return mapper, {value.key.record.period: f"{value.number:f}" for value in came.values}, came.rejects


def test_rows_count_for_the_fiscal_month_that_holds_their_day_and_are_sent_under_the_first_of_its_month() -> None:
    rows = [[day, "", "1"] for day in ("2025-12-27", "2025-12-28", "2026-01-24", "2026-01-25")]
    _, numbers, rejects = of_month(rows, True, scope())
    assert rejects == []
    assert numbers == {date(2025, 12, 1): "1", date(2026, 1, 1): "2", date(2026, 2, 1): "1"}


def test_only_the_real_first_day_of_a_fiscal_month_needs_no_alignment() -> None:
    _, numbers, rejects = of_month([["2026-10-04", "", "1"], ["2026-10-01", "", "2"]], False, scope())
    assert numbers == {date(2026, 10, 1): "1"}
    assert rejects[0].startswith(
        "a.csv:3 not-aligned: 2026-10-01 is not the first day of its month (FY2026-M12 starts on 2026-08-23)"
    )


def test_a_fiscal_month_ends_and_is_covered_by_its_real_days() -> None:
    mapper, numbers, _ = of_month(
        [["2026-10-31", "", "1"], ["2026-11-01", "", "2"]], True, scope("2026-10-31", "2026-11-01")
    )
    assert numbers == {date(2026, 10, 1): "1"}  # November's has not ended
    october, november = (RecordKey("board", "r1", None, None, date(2026, month, 1)) for month in (10, 11))
    assert (mapper.covers(october), mapper.covers(november)) == (True, False)
    assert mapper.to_read == Scope(TODAY, date(2026, 10, 1), date(2026, 11, 28))
