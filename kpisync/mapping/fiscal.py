"""The arithmetic of fiscal calendars: which fiscal year and month a day lies in, and on which day each begins."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from kpisync.model import FiscalCalendar

_WEEK = timedelta(days=7)
_QUARTERS = 4
_MONTHS = 12


class FiscalMonth(NamedTuple):
    """`year` is the calendar year in whose start month the fiscal year begins; `month` counts from 0."""

    year: int
    month: int


def month_of(day: date, calendar: FiscalCalendar) -> FiscalMonth:
    """The fiscal month that holds a day. By weeks, a year may begin in the calendar year before its own."""
    year = next(year for year in (day.year + 1, day.year, day.year - 1) if _year_begins(year, calendar) <= day)
    found = FiscalMonth(year, 0)
    for month in range(1, _MONTHS):
        if begins(FiscalMonth(year, month), calendar) > day:
            break
        found = FiscalMonth(year, month)
    return found


def begins(of: FiscalMonth, calendar: FiscalCalendar) -> date:
    """The first day of a fiscal month; the twelfth month after the first is the first of the next year."""
    years, month = divmod(of.month, _MONTHS)
    year = of.year + years
    if month == 0:
        return _year_begins(year, calendar)
    if calendar.weeks is None:
        return nominal(FiscalMonth(year, month), calendar)
    first = _year_begins(year, calendar)
    weeks = sum((calendar.weeks * _QUARTERS)[:month])
    return _moved(first, weeks * _WEEK - _since(first, calendar.week_starts))


def nominal(of: FiscalMonth, calendar: FiscalCalendar) -> date:
    """The first of the calendar month that a fiscal month is named after."""
    return _first_of(of.year, calendar.start - 1 + of.month)


def by_nominal(first: date, calendar: FiscalCalendar) -> FiscalMonth:
    """The fiscal month that is named after the calendar month of a day."""
    return FiscalMonth(*divmod(first.year * _MONTHS + first.month - calendar.start, _MONTHS))


def _first_of(year: int, months: int) -> date:
    """The first of the calendar month so many months after January of a year; the calendar has 9999 years."""
    years, month = divmod(months, _MONTHS)
    if not date.min.year <= year + years <= date.max.year:
        return date.min if year + years < date.min.year else date.max
    return date(year + years, month + 1, 1)


def _year_begins(year: int, calendar: FiscalCalendar) -> date:
    first = _first_of(year, calendar.start - 1)
    if calendar.weeks is None or calendar.begins == "first":
        return first
    back = _since(first, calendar.week_starts)
    if calendar.begins == "last" or back <= _WEEK // 2:
        return _moved(first, -back)
    return _moved(first, _WEEK - back)


def _moved(day: date, span: timedelta) -> date:
    """Another day, or the first or last one that there is."""
    return date.fromordinal(min(max(day.toordinal() + span.days, 1), date.max.toordinal()))


def _since(day: date, weekday: int) -> timedelta:
    """How long ago the last such weekday was."""
    return timedelta(days=(day.weekday() - weekday) % 7)
