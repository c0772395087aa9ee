"""Periods in a row: each interval has a number for every one of its periods, and the next one has the next number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from types import MappingProxyType

from kpisync.mapping.periods import period_end, period_start
from kpisync.model import Interval, Rhythm

_MONTHS = MappingProxyType({Interval.MONTH: 1, Interval.QUARTER: 3, Interval.YEAR: 12})


def step(period: date, interval: Interval) -> int:
    """The number of the period that goes by a date."""
    match interval:
        case Interval.DAY:
            return period.toordinal()
        case Interval.WEEK:
            return (period.toordinal() - 1) // 7  # day 1 of the calendar is a Monday
    return (period.year * 12 + period.month - 1) // _MONTHS[interval]


def moved(period: date, interval: Interval, by: int) -> date | None:
    """The date that another period goes by, so many periods later; None beyond the calendar."""
    if interval in (Interval.DAY, Interval.WEEK):
        day = period.toordinal() + by * (7 if interval is Interval.WEEK else 1)
        return date.fromordinal(day) if date.min.toordinal() <= day <= date.max.toordinal() else None
    year, month = divmod(period.year * 12 + period.month - 1 + by * _MONTHS[interval], 12)
    return date(year, month + 1, 1) if date.min.year <= year <= date.max.year else None


def row_of(last: date, interval: Interval, count: int) -> list[date]:
    """So many periods up to the one that goes by a date, oldest first; fewer where the calendar begins."""
    return [period for by in range(1 - count, 1) if (period := moved(last, interval, by)) is not None]


def newest_ended(rhythm: Rhythm, before: date) -> date | None:
    """The newest period whose last day lies before a day."""
    return next((period for period in _back_from(rhythm, before) if period_end(period, *rhythm) < before), None)


def _back_from(rhythm: Rhythm, day: date) -> Iterator[date]:
    period: date | None = period_start(day, *rhythm)
    while period is not None:
        yield period
        period = moved(period, rhythm.interval, -1)
