"""Chunks: a range of dates cut into pieces of whole periods, oldest first."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from pydantic import TypeAdapter, ValidationError

from kpisync.errors import ConfigError
from kpisync.mapping.options import Lookback, LookbackSpan
from kpisync.mapping.periods import first_day, period_end, period_start
from kpisync.model import Interval, Rhythm
from kpisync.sync.options import Absent, GuardOptions

_DAY = timedelta(days=1)
_FROM_FINE_TO_COARSE = tuple(Interval)


def parse_span(text: str) -> LookbackSpan:
    """`31d`, `5w` or `3m`. Raises ConfigError."""
    try:
        span: LookbackSpan | None = TypeAdapter(Lookback).validate_python(text)
    except ValidationError:
        span = None
    if span is None or span.number == 0:
        raise ConfigError(f"--chunk {text} is not a length such as 31d, 5w or 3m")
    return span


def cut(first: date, last: date, span: LookbackSpan, rhythms: Collection[Rhythm]) -> list[tuple[date, date]]:
    """First and last day of each chunk, both inclusive, the range widened to whole periods.

    A chunk begins with a period of the coarsest interval and holds one of them at least, so that a day, a month or a
    year is never cut; a week, or a period of another calendar, that lies across its border belongs to both chunks.
    """
    coarsest = max(rhythms, key=_coarseness, default=Rhythm(Interval.DAY))
    begin = _first_day(first, coarsest)
    end = period_end(period_start(last, *coarsest), *coarsest)
    found = []
    while True:
        latest = min(end, _latest(begin, span, coarsest))
        found.append((begin, latest))
        if latest == end:
            return found
        begin = latest + _DAY


def _coarseness(rhythm: Rhythm) -> tuple[int, bool]:
    return _FROM_FINE_TO_COARSE.index(rhythm.interval), rhythm.calendar is not None


def _first_day(day: date, rhythm: Rhythm) -> date:
    return first_day(period_start(day, *rhythm), *rhythm)


def _latest(begin: date, span: LookbackSpan, rhythm: Rhythm) -> date:
    """The last day of the chunk that begins on a day; the calendar ends with the year 9999."""
    try:
        following = _first_day(_later(begin, span), rhythm)
    except (ValueError, OverflowError):
        return date.max
    return following - _DAY if following > begin else period_end(period_start(begin, *rhythm), *rhythm)


def _later(day: date, span: LookbackSpan) -> date:
    if span.unit == "m":
        months = day.year * 12 + day.month - 1 + span.number
        return date(months // 12, months % 12 + 1, 1)
    return day + timedelta(days=span.number * (7 if span.unit == "w" else 1))


def chunk_guard(guard: GuardOptions, absent: Absent, nothing_yet: bool) -> GuardOptions:
    """The guard of one chunk; `nothing_yet`: it is the last one, and no chunk had rows so far.

    A chunk without rows is no reason to hold, unless all of them are. A job that withdraws what is absent keeps its
    own `min_rows`, for an empty chunk would withdraw all of it.
    """
    if absent is Absent.WITHDRAW:
        return guard
    return guard.model_copy(update={"min_rows": min(guard.min_rows, int(nothing_yet))})
