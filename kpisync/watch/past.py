"""What the store knows of the last weeks and months: of each series, the periods of which it has a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Connection

from kpisync.mapping.periods import period_start
from kpisync.model import Interval, Rhythm
from kpisync.state import standing
from kpisync.state.numbering import Series
from kpisync.state.recent import Attempt, open_attempts
from kpisync.watch.completeness import KNOWN_FOR, NOTHING, Seen
from kpisync.watch.configured import Configured
from kpisync.watch.steps import row_of, step

DAILY = Rhythm(Interval.DAY)


class Past(NamedTuple):
    """Of one series: the periods of which it has a number, and the job that wrote one last."""

    seen: Seen
    job: str


Pasts = dict[int, Past]  # by the number of the series


class Open(NamedTuple):
    """What is rejected, and what is in doubt."""

    rejected: Sequence[Attempt]
    in_doubt: Sequence[Attempt]


@dataclass
class SeriesIndex:
    """Every series of a store by its number. Of a store that is still the same, only new ones are read."""

    by_number: dict[int, Series] = field(default_factory=dict)

    def read(self, connection: Connection) -> Mapping[int, Series]:
        self.by_number |= sorted(standing.series_after(connection, next(reversed(self.by_number), 0)).items())
        return self.by_number


@dataclass(frozen=True)
class Span:
    """The periods that are looked at: the newest so many of each rhythm that began up to a day."""

    last: date
    days: int
    others: int

    def periods(self, rhythm: Rhythm) -> list[date]:
        """Oldest first."""
        count = self.days if rhythm.interval is Interval.DAY else self.others
        return row_of(period_start(self.last, *rhythm), rhythm.interval, count)

    @property
    def whole_days(self) -> list[date]:
        """The days that are looked at."""
        return self.periods(DAILY)

    def widened(self, rhythm: Rhythm) -> list[date]:
        """With those before them that they are judged by."""
        interval = rhythm.interval
        count = self.days if interval is Interval.DAY else self.others
        return row_of(period_start(self.last, *rhythm), interval, count + KNOWN_FOR[interval])

    @property
    def oldest(self) -> date:
        """Before which nothing matters, whatever the rhythm."""
        whole = [self.widened(Rhythm(interval)) for interval in Interval]
        return min(periods[0] for periods in whole)


def read_open(connection: Connection, span: Span) -> Open:
    return Open(*open_attempts(connection, span.oldest))


def read_past(connection: Connection, configured: Configured, index: Mapping[int, Series], span: Span) -> Pasts:
    """By the number of each series; one of which nothing is known in that time is not in it."""
    names = standing.job_names(connection)
    slow = slower(configured, index)
    not_daily = {number for numbers in slow.values() for number in numbers}
    found = {number: past for number, past in _daily(connection, names, span).items() if number not in not_daily}
    return found | _looked_up(connection, names, slow, span)


def read_past_of(connection: Connection, configured: Configured, some: Mapping[int, Series], span: Span) -> Pasts:
    """The same of a few series; what it costs does not depend on how many others there are."""
    by_rhythm: dict[Rhythm, list[int]] = {}
    for number, series in some.items():
        by_rhythm.setdefault(configured.rhythm(*series[:2]), []).append(number)
    return _looked_up(connection, standing.job_names(connection), by_rhythm, span)


def _looked_up(
    connection: Connection, names: Mapping[int, str], wanted: Mapping[Rhythm, Sequence[int]], span: Span
) -> Pasts:
    found: Pasts = {}
    for rhythm, numbers in wanted.items():
        rows = standing.numbers_at(connection, span.widened(rhythm), numbers)
        for number, row in groupby(sorted(rows, key=lambda each: each[:2]), key=lambda each: each.series):
            stands = list(row)
            steps = [step(each.period, rhythm.interval) for each in stands]
            found[number] = Past(NOTHING.with_steps(steps), names[stands[-1].job])
    return found


def slower(configured: Configured, index: Mapping[int, Series]) -> dict[Rhythm, list[int]]:
    """The series whose periods are longer than a day, by rhythm."""
    found: dict[Rhythm, list[int]] = {}
    rhythms = configured.slower
    for number, series in index.items() if rhythms else ():
        if rhythm := rhythms.get(series[:2]):
            found.setdefault(rhythm, []).append(number)
    return found


def _daily(connection: Connection, names: Mapping[int, str], span: Span) -> dict[int, Past]:
    found: dict[int, Past] = {}
    for first, last in _parts(span.widened(DAILY)):
        for number, (bits, job) in standing.history(connection, first, last).items():
            seen, older = Seen(first.toordinal(), bits), found.get(number)
            found[number] = Past(older.seen.and_later(seen) if older else seen, names[job])
    return found


def _parts(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Days in a row as parts that a history can be of, oldest first."""
    for begin in range(0, len(days), standing.MOST_DAYS):
        part = days[begin : begin + standing.MOST_DAYS]
        yield part[0], part[-1]
