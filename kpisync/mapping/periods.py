"""Calendar days, ISO weeks, months, quarters and years, also fiscal ones: their first days, last days and names.

A period goes by one date, which is its first day. By a fiscal calendar it is the 1st of the month that the period is
named after, for that is what platforms know a month by: the real first day may lie some days before or after it.
Days and weeks are the same in every calendar.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from types import MappingProxyType

from kpisync.mapping import fiscal
from kpisync.mapping.fiscal import FiscalMonth
from kpisync.mapping.parse import quoted
from kpisync.model import FiscalCalendar, Interval, Rhythm, Scope

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_NAMES = MappingProxyType(  # as a pattern, and as an example
    {
        Interval.DAY: (_DAY, "2026-11-20"),
        Interval.WEEK: ("([0-9]{4})-W([0-9]{2})", "2026-W47"),
        Interval.MONTH: ("([0-9]{4})-([0-9]{2})", "2026-11"),
        Interval.QUARTER: ("([0-9]{4})-Q([1-4])", "2026-Q4"),
        Interval.YEAR: ("([0-9]{4})", "2026"),
    }
)
_FISCAL_NAMES = MappingProxyType(
    {
        Interval.MONTH: ("FY([0-9]{4})-M(0[1-9]|1[0-2])", "FY2027-M02"),
        Interval.QUARTER: ("FY([0-9]{4})-Q([1-4])", "FY2027-Q1"),
        Interval.YEAR: ("FY([0-9]{4})", "FY2027"),
    }
)
_MONTHS = MappingProxyType({Interval.MONTH: 1, Interval.QUARTER: 3, Interval.YEAR: 12})


def period_start(day: date, interval: Interval, calendar: FiscalCalendar | None = None) -> date:
    """The date that the period goes by which holds a day; a week is an ISO week and starts on its Monday."""
    match interval:
        case Interval.DAY:
            return day
        case Interval.WEEK:
            return day - timedelta(days=day.weekday())
    if calendar is not None:
        return fiscal.nominal(_first_month(fiscal.month_of(day, calendar), interval), calendar)
    return day.replace(month=day.month - (day.month - 1) % _MONTHS[interval], day=1)


def _first_month(of: FiscalMonth, interval: Interval) -> FiscalMonth:
    return FiscalMonth(of.year, of.month - of.month % _MONTHS[interval])


def first_day(start: date, interval: Interval, calendar: FiscalCalendar | None = None) -> date:
    """The first day of the period that goes by a date."""
    if calendar is None or interval not in _MONTHS:
        return start
    return fiscal.begins(fiscal.by_nominal(start, calendar), calendar)


def period_end(start: date, interval: Interval, calendar: FiscalCalendar | None = None) -> date:
    """The last day of the period that goes by a date; the calendar ends with the year 9999, be it within a week."""
    match interval:
        case Interval.DAY:
            return start
        case Interval.WEEK:
            return start + min(timedelta(days=6), date.max - start)
    if calendar is not None:
        year, month = fiscal.by_nominal(start, calendar)
        following = fiscal.begins(FiscalMonth(year, month + _MONTHS[interval]), calendar)
        return following if following == date.max else following - timedelta(days=1)
    month = start.month + _MONTHS[interval] - 1
    return date(start.year, month, monthrange(start.year, month)[1])


def days_of(start: date, rhythm: Rhythm) -> Iterator[date]:
    """The days of the period that goes by a date."""
    first = first_day(start, *rhythm)
    return (first + timedelta(days=each) for each in range((period_end(start, *rhythm) - first).days + 1))


def period_name(start: date, interval: Interval, calendar: FiscalCalendar | None = None) -> str:
    """`2026-11-20`, `2026-W47` (ISO year of the week), `2026-11`, `2026-Q4`, `2026`; `FY2027-M02`, `FY2027-Q1`, …"""
    if calendar is not None and interval in _MONTHS:
        year, month = fiscal.by_nominal(start, calendar)
        name = f"FY{year + _named_later(calendar):04}"
        parts = {Interval.MONTH: f"-M{month + 1:02}", Interval.QUARTER: f"-Q{month // 3 + 1}"}
        return name + parts.get(interval, "")
    match interval:
        case Interval.DAY:
            return start.isoformat()
        case Interval.WEEK:
            year, week, _ = start.isocalendar()
            return f"{year:04}-W{week:02}"
        case Interval.MONTH:
            return start.isoformat()[:7]
        case Interval.QUARTER:
            return f"{start.year:04}-Q{(start.month + 2) // 3}"
        case Interval.YEAR:
            return f"{start.year:04}"


def _named_later(calendar: FiscalCalendar) -> int:
    """How many years after the one that it begins in a fiscal year is named."""
    return int(calendar.named_by == "ends" and calendar.start != 1)


def parse_period(text: str, interval: Interval, calendar: FiscalCalendar | None = None) -> date:
    """The date that a period goes by, given by it, by its name or by any other day in it. Raises ValueError."""
    fiscally = calendar if interval in _MONTHS else None
    pattern, example = (_NAMES if fiscally is None else _FISCAL_NAMES)[interval]
    match = re.fullmatch(pattern, text)
    try:
        if re.fullmatch(_DAY, text):
            return _period_of(date.fromisoformat(text), interval, fiscally)
        if match and fiscally:
            return _first_of_fiscal(interval, fiscally, *map(int, match.groups()))
        if match:
            return _first_day(interval, *map(int, match.groups()))
    except ValueError:
        raise ValueError(f"{text} does not exist") from None
    other = "" if interval is Interval.DAY else f", nor a day such as {_NAMES[Interval.DAY][1]}"
    raise ValueError(f"{quoted(text)} is not a {interval} such as {example}{other}")


def _period_of(day: date, interval: Interval, calendar: FiscalCalendar | None) -> date:
    if calendar and day == fiscal.nominal(_first_month(fiscal.by_nominal(day, calendar), interval), calendar):
        return day
    return period_start(day, interval, calendar)


def _first_of_fiscal(interval: Interval, calendar: FiscalCalendar, year: int, number: int = 1) -> date:
    return fiscal.nominal(FiscalMonth(year - _named_later(calendar), (number - 1) * _MONTHS[interval]), calendar)


def _first_day(interval: Interval, year: int, number: int = 1) -> date:
    if interval is Interval.WEEK:
        return date.fromisocalendar(year, number, 1)
    return date(year, number * 3 - 2 if interval is Interval.QUARTER else number, 1)


def widen(scope: Scope, rhythms: Iterable[Rhythm]) -> Scope:
    """The days that hold every period whole that the scope touches, and the dates that those periods go by."""
    first, last = scope.first, scope.last
    for rhythm in rhythms:
        if scope.first and first:
            start = period_start(scope.first, *rhythm)
            first = min(first, start, first_day(start, *rhythm))
        if scope.last and last:
            start = period_start(scope.last, *rhythm)
            last = max(last, start, period_end(start, *rhythm))
    return Scope(scope.today, first, last)


def touches(scope: Scope, start: date, interval: Interval, calendar: FiscalCalendar | None = None) -> bool:
    """Whether the period that goes by a date has a day in the scope."""
    return (scope.last is None or first_day(start, interval, calendar) <= scope.last) and (
        scope.first is None or scope.first <= period_end(start, interval, calendar)
    )
