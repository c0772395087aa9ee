"""Calendar days, ISO weeks, months, quarters and years: their first days, last days and names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta

from kpisync.model import Interval, Scope


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
    """The last day of the period that starts on a day."""
    match interval:
        case Interval.DAY:
            return start
        case Interval.WEEK:
            return start + timedelta(days=6)
        case Interval.MONTH:
            return _first_of_month(start, 1) - timedelta(days=1)
        case Interval.QUARTER:
            return _first_of_month(start, 3) - timedelta(days=1)
        case Interval.YEAR:
            return start.replace(month=12, day=31)


def _first_of_month(start: date, months: int) -> date:
    month = start.month - 1 + months
    return date(start.year + month // 12, month % 12 + 1, 1)


def period_name(start: date, interval: Interval) -> str:
    """`2026-11-20`, `2026-W47` (ISO year of the week), `2026-11`, `2026-Q4` or `2026`."""
    match interval:
        case Interval.DAY:
            return start.isoformat()
        case Interval.WEEK:
            year, week, _ = start.isocalendar()
            return f"{year:04}-W{week:02}"
        case Interval.MONTH:
            return f"{start:%Y-%m}"
        case Interval.QUARTER:
            return f"{start.year:04}-Q{(start.month + 2) // 3}"
        case Interval.YEAR:
            return f"{start.year:04}"


def parse_period(text: str, interval: Interval) -> date:
    """The first day of a period given by its name, or by any day in it. Raises ValueError."""
    if match := re.fullmatch(r"(\d{4})-W(\d{2})", text):
        return period_start(date.fromisocalendar(int(match[1]), int(match[2]), 1), interval)
    if match := re.fullmatch(r"(\d{4})-Q([1-4])", text):
        return period_start(date(int(match[1]), int(match[2]) * 3 - 2, 1), interval)
    if match := re.fullmatch(r"(\d{4})(?:-(\d{2}))?", text):
        return period_start(date(int(match[1]), int(match[2] or 1), 1), interval)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(f"{text!r} is not a period such as 2026-11-20, 2026-W47, 2026-11, 2026-Q4 or 2026")
    return period_start(date.fromisoformat(text), interval)


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
