"""Calendar days, ISO weeks, months, quarters and years: their first days, last days and names."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from types import MappingProxyType

from kpisync.mapping.parse import quoted
from kpisync.model import Interval, Scope

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


def period_start(day: date, interval: Interval) -> date:
    """The first day of the period that holds a day; a week is an ISO week and starts on its Monday."""
    match interval:
        case Interval.DAY:
            return day
        case Interval.WEEK:
            return day - timedelta(days=day.weekday())
        case Interval.MONTH:
            return day.replace(day=1)
        case Interval.QUARTER:
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        case Interval.YEAR:
            return day.replace(month=1, day=1)


def period_end(start: date, interval: Interval) -> date:
    """The last day of the period that starts on a day; the calendar ends with the year 9999, be it within a week."""
    match interval:
        case Interval.DAY:
            return start
        case Interval.WEEK:
            return start + min(timedelta(days=6), date.max - start)
        case Interval.MONTH:
            return _last_of_month(start.year, start.month)
        case Interval.QUARTER:
            return _last_of_month(start.year, start.month + 2)
        case Interval.YEAR:
            return start.replace(month=12, day=31)


def _last_of_month(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def period_name(start: date, interval: Interval) -> str:
    """`2026-11-20`, `2026-W47` (ISO year of the week), `2026-11`, `2026-Q4` or `2026`."""
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


def parse_period(text: str, interval: Interval) -> date:
    """The first day of a period, given by its name or by any day in it. Raises ValueError."""
    pattern, example = _NAMES[interval]
    match = re.fullmatch(pattern, text)
    try:
        if re.fullmatch(_DAY, text):
            return period_start(date.fromisoformat(text), interval)
        if match:
            return _first_day(interval, *map(int, match.groups()))
    except ValueError:
        raise ValueError(f"{text} does not exist") from None
    other = "" if interval is Interval.DAY else f", nor a day such as {_NAMES[Interval.DAY][1]}"
    raise ValueError(f"{quoted(text)} is not a {interval} such as {example}{other}")


def _first_day(interval: Interval, year: int, number: int = 1) -> date:
    if interval is Interval.WEEK:
        return date.fromisocalendar(year, number, 1)
    return date(year, number * 3 - 2 if interval is Interval.QUARTER else number, 1)


def widen(scope: Scope, intervals: Iterable[Interval]) -> Scope:
    """The days to read, so that every period of these intervals that the scope touches is read whole."""
    first, last = scope.first, scope.last
    for interval in intervals:
        if scope.first and first:
            first = min(first, period_start(scope.first, interval))
        if scope.last and last:
            last = max(last, period_end(period_start(scope.last, interval), interval))
    return Scope(scope.today, first, last)


def touches(scope: Scope, start: date, interval: Interval) -> bool:
    """Whether the period that starts on a day has a day in the scope."""
    return (scope.last is None or start <= scope.last) and (
        scope.first is None or scope.first <= period_end(start, interval)
    )
