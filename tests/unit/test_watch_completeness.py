"""Which numbers should stand at a platform by now: the rule, without a store."""

from __future__ import annotations

from collections.abc import Container
from datetime import date, timedelta

import pytest

from kpisync.model import FiscalCalendar, Interval, Rhythm, Status
from kpisync.watch.completeness import NOTHING, Expected, Seen, mark_of, worst
from kpisync.watch.model import Mark
from kpisync.watch.steps import moved, newest_ended, row_of, step

FRIDAY = date(2026, 11, 20)
SATURDAY = FRIDAY + timedelta(1)
DAY, WEEK, MONTH = Rhythm(Interval.DAY), Rhythm(Interval.WEEK), Rhythm(Interval.MONTH)
SERIES = ("board", "scrap", "line-1", "", "actual")


def expected(
    *known: date, rhythm: Rhythm = DAY, named: bool = False, workdays: Container[date] | None = None
) -> Expected:
    seen = NOTHING.with_steps([step(period, rhythm.interval) for period in known])
    return Expected(1, SERIES, rhythm, ("daily",), seen, seen, named, workdays)


def ago(days: int, of: date = FRIDAY) -> date:
    return of - timedelta(days)


def each_day_but(*weekdays: int, weeks: int = 4) -> list[date]:
    return [day for day in (ago(count) for count in range(1, weeks * 7 + 1)) if day.weekday() not in weekdays]


# ---------------------------------------------------------------- due


def test_a_number_is_due_once_its_job_should_be_done_with_the_period() -> None:
    series = expected(ago(2), ago(3))
    assert series.is_due(ago(1), FRIDAY)
    assert not series.is_due(FRIDAY, FRIDAY)


def test_nothing_is_due_of_a_job_that_was_not_to_be_done_with_anything_yet() -> None:
    assert not expected(ago(2), ago(3)).is_due(ago(1), None)


def test_a_series_of_which_nothing_was_known_for_five_weeks_is_not_expected() -> None:
    assert expected(ago(36)).is_due(ago(1), FRIDAY)
    assert not expected(ago(37)).is_due(ago(1), FRIDAY)


def test_nothing_is_due_before_the_first_number_of_a_series() -> None:
    series = expected(ago(3))
    assert [day for day in range(1, 10) if series.is_due(ago(day), FRIDAY)] == [1, 2]


def test_while_few_days_are_known_every_weekday_but_saturday_and_sunday_is_due() -> None:
    saturdays = [ago(6), ago(13)]
    assert expected(*saturdays).is_due(FRIDAY, SATURDAY)
    assert not expected(*saturdays).is_due(SATURDAY, SATURDAY + timedelta(1))


@pytest.mark.parametrize(
    ("off", "friday", "saturday"),
    [((5, 6), True, False), ((6,), True, True), ((0, 1, 2, 3, 4, 6), False, True)],
)
def test_a_weekday_is_due_if_it_had_a_number_within_four_weeks(
    off: tuple[int, ...], friday: bool, saturday: bool
) -> None:
    known = each_day_but(*off, weeks=5)
    assert expected(*known).is_due(FRIDAY, SATURDAY) is friday
    assert expected(*known).is_due(SATURDAY, SATURDAY + timedelta(1)) is saturday


def test_a_weekday_without_a_number_for_four_weeks_is_not_due_any_more() -> None:
    fridays_missing = each_day_but(4, 5, 6)
    assert not expected(*fridays_missing).is_due(FRIDAY, SATURDAY)
    assert expected(*fridays_missing, ago(28)).is_due(FRIDAY, SATURDAY)
    assert not expected(*fridays_missing, ago(35)).is_due(FRIDAY, SATURDAY)


def test_workdays_that_the_map_names_decide_instead_of_the_weekday() -> None:
    known = each_day_but(5, 6)
    assert not expected(*known, workdays={ago(1)}).is_due(FRIDAY, SATURDAY)
    assert expected(*known, workdays={SATURDAY}).is_due(SATURDAY, SATURDAY + timedelta(1))


def test_what_a_map_names_outright_is_due_though_no_number_of_it_is_known() -> None:
    named = expected(named=True)
    assert named.is_due(ago(1), FRIDAY)
    assert named.newest_due(ago(1)) == ago(1)


def test_of_what_is_only_named_the_newest_period_alone_is_due() -> None:
    assert not expected(named=True).is_due(ago(2), FRIDAY)


def test_over_a_weekend_the_newest_due_day_is_friday() -> None:
    monday = FRIDAY + timedelta(3)
    assert expected(*each_day_but(5, 6), FRIDAY).newest_due(monday - timedelta(1)) == FRIDAY


def test_a_series_that_was_never_known_and_is_not_named_is_due_nowhere() -> None:
    assert expected().newest_due(ago(1)) is None


def test_a_week_is_due_when_its_sunday_is_over() -> None:
    monday = date(2026, 11, 16)
    series = expected(monday - timedelta(7), rhythm=WEEK)
    assert not series.is_due(monday, monday + timedelta(6))
    assert series.is_due(monday, monday + timedelta(7))


@pytest.mark.parametrize(
    ("rhythm", "known", "lost", "period", "after"),
    [
        (WEEK, date(2026, 9, 7), date(2026, 8, 31), date(2026, 11, 16), date(2026, 11, 23)),
        (MONTH, date(2025, 9, 1), date(2025, 8, 1), date(2026, 11, 1), date(2026, 12, 1)),
        (Rhythm(Interval.QUARTER), date(2025, 7, 1), date(2025, 4, 1), date(2026, 10, 1), date(2027, 1, 1)),
        (Rhythm(Interval.YEAR), date(2024, 1, 1), date(2023, 1, 1), date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_longer_periods_are_expected_for_longer(
    rhythm: Rhythm, known: date, lost: date, period: date, after: date
) -> None:
    assert expected(known, rhythm=rhythm).is_due(period, after)
    assert not expected(lost, rhythm=rhythm).is_due(period, after)


def test_a_month_without_a_workday_is_not_due() -> None:
    october, november = date(2026, 10, 1), date(2026, 11, 1)
    assert not expected(october, rhythm=MONTH, workdays={october}).is_due(november, date(2026, 12, 1))


# ---------------------------------------------------------------- marks


@pytest.mark.parametrize(
    ("stands", "rejected", "in_doubt", "due", "mark"),
    [
        (None, False, False, False, Mark.NOT_DUE),
        (None, False, False, True, Mark.MISSING),
        (None, True, False, True, Mark.REJECTED),
        (None, True, True, True, Mark.REJECTED),
        (None, False, True, True, Mark.IN_DOUBT),
        (Status.CONFIRMED, False, False, True, Mark.CONFIRMED),
        (Status.CONFIRMED, False, False, False, Mark.CONFIRMED),
        (Status.SENT, False, False, True, Mark.SENT),
        (Status.CONFIRMED, False, True, True, Mark.IN_DOUBT),
        (Status.CONFIRMED, True, False, True, Mark.REJECTED),
    ],
)
def test_a_value_has_the_mark_of_what_is_known_of_it(
    stands: Status | None, rejected: bool, in_doubt: bool, due: bool, mark: Mark
) -> None:
    assert mark_of(stands, rejected=rejected, in_doubt=in_doubt, due=due) is mark


def test_the_worst_of_two_marks_is_the_one_that_is_named_first() -> None:
    assert worst(Mark.CONFIRMED, Mark.MISSING) is Mark.MISSING
    assert worst(Mark.SENT, Mark.NOT_DUE) is Mark.SENT


# ---------------------------------------------------------------- bits and steps


def test_bits_of_an_earlier_time_are_joined_with_later_ones() -> None:
    joined = Seen(10, 0b101).and_later(Seen(20, 0b1))
    assert [at for at in range(30) if joined.has(at)] == [10, 12, 20]


def test_a_step_may_be_added_before_all_others() -> None:
    seen = Seen(10, 0b1).with_steps([7, 12])
    assert [at for at in range(20) if seen.has(at)] == [7, 10, 12]
    assert seen.newest == 12


@pytest.mark.parametrize("interval", list(Interval))
def test_the_next_period_has_the_next_number(interval: Interval) -> None:
    period = newest_ended(Rhythm(interval), date(2026, 11, 20))
    assert period is not None
    following = moved(period, interval, 1)
    assert following is not None
    assert step(following, interval) == step(period, interval) + 1


def test_periods_end_where_the_calendar_does() -> None:
    assert moved(date(9999, 12, 31), Interval.DAY, 1) is None
    assert moved(date(1, 1, 1), Interval.MONTH, -1) is None
    assert row_of(date(1, 1, 2), Interval.DAY, 14) == [date(1, 1, 1), date(1, 1, 2)]


def test_a_fiscal_quarter_is_one_step_like_any_other() -> None:
    rhythm = Rhythm(Interval.QUARTER, FiscalCalendar(2))
    assert newest_ended(rhythm, date(2026, 11, 20)) == date(2026, 8, 1)
    assert row_of(date(2026, 8, 1), Interval.QUARTER, 2) == [date(2026, 5, 1), date(2026, 8, 1)]
