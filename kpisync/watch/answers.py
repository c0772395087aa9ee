"""The short answers: is a board complete, how new are the numbers of a KPI, and what is missing of a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from kpisync.mapping.periods import period_start
from kpisync.model import Interval, Rhythm
from kpisync.watch.completeness import Expected, worst
from kpisync.watch.configured import Configured
from kpisync.watch.model import Complete, Freshness, Mark
from kpisync.watch.roll import Field, Roll, Spot
from kpisync.watch.steps import moved, newest_ended, step

Asked = set[tuple[Rhythm, date]]


@dataclass
class Counts:
    """Of fields that are due, or rejected or in doubt at that period."""

    of: int = 0
    missing: int = 0
    rejected: int = 0
    in_doubt: int = 0

    def add(self, marks: Iterable[Mark]) -> None:
        for mark in marks:
            self.of += 1
            self.missing += mark is Mark.MISSING
            self.rejected += mark is Mark.REJECTED
            self.in_doubt += mark is Mark.IN_DOUBT


def due_of(roll: Roll, ended_before: Mapping[str, date | None]) -> list[date | None]:
    """Of each that is expected, the newest period in which it is due; `ended_before` is by job."""
    ended: dict[tuple[Rhythm, date | None], date | None] = {}
    found = []
    for each in roll.expected:
        of = each.rhythm, ended_before.get(each.jobs[0])
        if of not in ended:
            ended[of] = None if of[1] is None else newest_ended(each.rhythm, of[1])
        found.append(each.newest_due(ended[of]))
    return found


@dataclass(frozen=True)
class Answers:
    """Over what is expected. `due` is, of each, the newest period in which it is.

    `anew` are the series that have a number at some periods as they were looked up just now, by rhythm and period;
    of the others what the roll says counts.
    """

    roll: Roll
    today: date
    due: Sequence[date | None]
    anew: Mapping[tuple[Rhythm, date], frozenset[int]] = field(default_factory=dict)

    def asked(self) -> Asked:
        """The periods that the answers are about."""
        groups = (*self.roll.by_destination.items(), *self.roll.by_job.items())
        found = {(rhythm, self._newest(places)) for (_, rhythm), places in groups}
        found |= {(self._rhythm(places), self._newest(places)) for places in self.roll.by_kpi.values()}
        return {(rhythm, period) for rhythm, period in found if period is not None}

    def complete(self) -> tuple[Complete, ...]:
        """By destination; one at which nothing is due has none."""
        found: dict[str, Counts] = {}
        days: dict[str, tuple[bool, date]] = {}
        for (destination, rhythm), places in self.roll.by_destination.items():
            if (period := self._newest(places)) is not None:
                found.setdefault(destination, Counts()).add(self._marks(places, period))
                day = rhythm.interval is Interval.DAY, period
                days[destination] = max(day, days.get(destination, day))
        return tuple(
            Complete(name, days[name][1], count.missing, count.rejected, count.in_doubt, count.of)
            for name, count in sorted(found.items())
        )

    def missing(self) -> dict[str, int]:
        """Fields that are due and absent, by job, at the newest period of each rhythm; without those that lack none."""
        found: dict[str, Counts] = {}
        for (job, _), places in self.roll.by_job.items():
            if (period := self._newest(places)) is not None:
                found.setdefault(job, Counts()).add(self._marks(places, period))
        return {job: count.missing for job, count in found.items() if count.missing}

    def freshness(self, configured: Configured) -> tuple[Freshness, ...]:
        """By destination and KPI; what is older than a KPI is judged by has no newest period."""
        found = []
        for (destination, kpi), places in self.roll.by_kpi.items():
            rhythm, period, count = self._rhythm(places), self._newest(places), Counts()
            if period is not None:
                count.add(self._marks(places, period))
            name = configured.kpi(destination, kpi)
            newest = self._newest_standing((destination, kpi), places)
            found.append(Freshness(destination, name, rhythm.interval, newest, period, count.missing, count.of))
        return tuple(sorted(found, key=lambda each: (each.destination, each.kpi)))

    # ------------------------------------------------------------ inside

    def _rhythm(self, places: Sequence[int]) -> Rhythm:
        return self.roll.expected[places[0]].rhythm

    def _newest(self, places: Sequence[int]) -> date | None:
        due = self.due
        return max((period for place in places if (period := due[place]) is not None), default=None)

    def _marks(self, places: Sequence[int], period: date) -> Iterable[Mark]:
        """Of the fields that count at a period."""
        found: dict[Field, Mark] = {}
        for place in places:
            mark = self._when_due[place] if self.due[place] == period else self._open(place, period)
            if mark is not None:
                of = self.roll.fields[place]
                found[of] = worst(mark, found[of]) if of in found else mark
        return found.values()

    @cached_property
    def _when_due(self) -> list[Mark | None]:
        """Of each that is expected, at the newest period in which it is due."""
        marks = list[Mark | None]()
        for place, (each, period) in enumerate(zip(self.roll.expected, self.due, strict=True)):
            if period is None:
                marks.append(None)
            else:
                there = Mark.CONFIRMED if self._stands(each, period) else Mark.MISSING
                marks.append(self._open(place, period) or there)
        return marks

    def _open(self, place: int, period: date) -> Mark | None:
        """What is open counts, be it due or not."""
        if not (self.roll.rejected or self.roll.in_doubt):
            return None
        spot: Spot = (self.roll.expected[place].number, period)
        if spot in self.roll.rejected:
            return Mark.REJECTED
        return Mark.IN_DOUBT if spot in self.roll.in_doubt else None

    def _stands(self, each: Expected, period: date) -> bool:
        known = self.anew.get((each.rhythm, period)) if self.anew else None
        return each.stands.has(step(period, each.rhythm.interval)) if known is None else each.number in known

    def _newest_standing(self, of: tuple[str, str], places: Sequence[int]) -> date | None:
        """The newest period of which any series of a KPI has a number."""
        rhythm, newest = self._rhythm(places), self.roll.newest_of_kpi[of]
        here = period_start(self.today, *rhythm)
        known = None if newest is None else moved(here, rhythm.interval, newest - step(here, rhythm.interval))
        looked_up = (
            period
            for (at, period), numbers in self.anew.items()
            if at == rhythm
            and (known is None or period > known)
            and any(self.roll.expected[place].number in numbers for place in places)
        )
        return max(looked_up, default=known)
