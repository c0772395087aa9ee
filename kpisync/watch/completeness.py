"""The rule of completeness: which numbers should stand at a platform by now, and what there is of them.

A *series* is a KPI, team, sub-tile and kind of value of a destination. Something is expected of it in a period if

- a job that is configured and enabled wrote a number of it in one of the 35 days, 10 weeks, 14 months, 5 quarters or
  2 years before that period, or tried to (it is rejected, or in doubt); or
- the map of such a job names it outright (KPI, value and team are no columns). Where no number of it is known, only
  the newest period is asked for.

An expected number is *due* in a period if

- the period has ended by the clock of the plant, whose day may begin at `day_starts`;
- since then a due time of the job's schedule came, half an hour ago or more, and the run that began at it or after it
  is over; for a job without a schedule: a whole run of it began since then, and ended well; and
- it is a period of which this series has numbers: one with a workday, if the map names `workdays` for it; otherwise,
  of a daily series, a weekday on which it had a number within the four weeks before. While fewer than five days are
  known, that is every weekday but Saturday and Sunday.

What is due and absent is MISSING, unless it is known why: it is REJECTED, or IN_DOUBT. These two are shown whether the
number is due or not, and whatever stood there before. What stands is SENT or CONFIRMED; for the rest, nothing is due.
A *field* (KPI, team, sub-tile and period) has the worst mark of its values.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType

from kpisync.mapping.periods import days_of, period_end
from kpisync.model import Interval, Rhythm, Status
from kpisync.state.numbering import Series
from kpisync.watch.model import Mark
from kpisync.watch.steps import newest_ended, row_of, step

# How many periods back a number is still expected for.
KNOWN_FOR = MappingProxyType(
    {Interval.DAY: 35, Interval.WEEK: 10, Interval.MONTH: 14, Interval.QUARTER: 5, Interval.YEAR: 2}
)
_FEW = 5  # days; too few to tell on which weekdays there are numbers
_HABIT = 28  # days
_SAME_WEEKDAY = sum(1 << days for days in range(0, _HABIT, 7))
_LONGEST_BREAK = MappingProxyType({Interval.DAY: 14})  # periods; further back nothing is looked for that may be due
_SHORT_BREAK = 3
_SATURDAY = 5

WORST_FIRST = tuple(Mark)


@dataclass(frozen=True, slots=True)
class Seen:
    """The periods of which something is known of a series, a bit each; the lowest one is that of step `base`."""

    base: int
    bits: int

    def before(self, step: int, count: int) -> int:
        """The bits of the `count` periods before one, the oldest lowest."""
        shift = step - count - self.base
        bits = self.bits >> shift if shift >= 0 else self.bits << -shift
        return bits & ((1 << count) - 1)

    def has(self, step: int) -> bool:
        return step >= self.base and bool(self.bits >> (step - self.base) & 1)

    def and_later(self, other: Seen) -> Seen:
        """With those of another, whose base is higher."""
        return Seen(self.base, self.bits | other.bits << (other.base - self.base))

    def with_steps(self, steps: Sequence[int]) -> Seen:
        """With more of them."""
        base = min([self.base, *steps] if self.bits else steps, default=self.base)
        bits = self.bits << (self.base - base) if self.bits else 0
        for each in steps:
            bits |= 1 << (each - base)
        return Seen(base, bits)

    @property
    def newest(self) -> int | None:
        return self.base + self.bits.bit_length() - 1 if self.bits else None


NOTHING = Seen(0, 0)


@dataclass(frozen=True, slots=True)
class Expected:
    """A series of which numbers are expected. The first of its jobs decides when they are due.

    `stands` are the periods of which it has a number, `seen` those and the ones of which it was to have one.
    """

    number: int  # of the series in the store; below zero: it has none yet
    series: Series
    rhythm: Rhythm
    jobs: tuple[str, ...]
    stands: Seen
    seen: Seen
    named: bool = False
    workdays: Container[date] | None = None

    def is_due(self, period: date, ended_before: date | None) -> bool:
        """`ended_before`: the day of the plant on which its job was last to be done with all that had ended by then."""
        if ended_before is None or period_end(period, *self.rhythm) >= ended_before or not self._is_usual(period):
            return False
        return self._is_known_before(period) or period == self.newest_due(newest_ended(self.rhythm, ended_before))

    def newest_due(self, ended: date | None) -> date | None:
        """The newest period in which it is due, looked for over the last weeks; `ended` is the newest that may be."""
        return next((period for period in _latest(self.rhythm, ended) if self._is_usual(period)), None)

    def _is_known_before(self, period: date) -> bool:
        interval = self.rhythm.interval
        return bool(self.seen.before(step(period, interval), KNOWN_FOR[interval]))

    def _is_usual(self, period: date) -> bool:
        """Whether it has numbers in periods such as this one."""
        interval = self.rhythm.interval
        at = step(period, interval)
        known = self.seen.before(at, KNOWN_FOR[interval])
        if not known and not self.named:
            return False
        if self.workdays is not None:
            return any(day in self.workdays for day in days_of(period, self.rhythm))
        if interval is not Interval.DAY:
            return True
        if known.bit_count() < _FEW:
            return period.weekday() < _SATURDAY
        return bool(self.seen.before(at, _HABIT) & _SAME_WEEKDAY)


@lru_cache(maxsize=100)
def _latest(rhythm: Rhythm, ended: date | None) -> tuple[date, ...]:
    """The periods up to one, newest first, as far back as something that is due is looked for."""
    count = _LONGEST_BREAK.get(rhythm.interval, _SHORT_BREAK)
    return tuple(reversed(row_of(ended, rhythm.interval, count))) if ended else ()


def mark_of(stands: Status | None, *, rejected: bool, in_doubt: bool, due: bool) -> Mark:
    """Of one value. `stands` is None where nothing does."""
    if rejected:
        return Mark.REJECTED
    if in_doubt:
        return Mark.IN_DOUBT
    if stands is not None:
        return Mark.CONFIRMED if stands is Status.CONFIRMED else Mark.SENT
    return Mark.MISSING if due else Mark.NOT_DUE


def worst(first: Mark, second: Mark) -> Mark:
    return min(first, second, key=WORST_FIRST.index)
