"""Readings that count from the beginning of a month or year on → what was added in each period.

The value of a period is its reading less the one before it in the same month (year); the first one counts from the
beginning. The parts of a ratio are taken apart each for itself, and divided afterwards. A reading may be lower than
the one before it, for corrections lower it: the value is then negative.

Where the reading before is missing, the difference is of several periods, and no one knows how much of it belongs to
which: it is rejected, unless the job says that all of it counts for the later one, or that nobody worked in between. A
reading that was rejected always spoils the next value too, for it can be put right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from kpisync.mapping.gathered import Gathered
from kpisync.mapping.keys import Misfit
from kpisync.mapping.periods import days_of, first_day, period_end, period_name, period_start, touches, widen
from kpisync.mapping.ratio import Amount, less
from kpisync.mapping.value_options import CumulativeOptions, ValueOptions
from kpisync.mapping.workdays import Workdays
from kpisync.model import FiscalCalendar, Intake, Interval, Rhythm, Scope, ValueKey

_DAY = timedelta(days=1)

Calendars = Mapping[str, FiscalCalendar]


def beginning(options: CumulativeOptions, kpi: Rhythm, calendars: Calendars) -> Rhythm:
    """The months or years that the readings of a KPI with some rhythm count from."""
    calendar = kpi.calendar if options.calendar is None else calendars[options.calendar]
    return Rhythm(Interval(options.since), calendar)


def fits(kpi: Rhythm, since: Rhythm) -> bool:
    """Whether each period of a KPI is a part of one of those months or years."""
    if kpi.interval is Interval.DAY:
        return True
    of_year = kpi.interval in (Interval.MONTH, Interval.QUARTER) and since.interval is Interval.YEAR
    return of_year and kpi.calendar == since.calendar


def read_from_beginning(
    scope: Scope, specs: Iterable[ValueOptions], rhythms: Collection[Rhythm], calendars: Calendars
) -> Scope:
    """The scope, and before it all back to where the readings of its first day began to count."""
    options = [spec.readings for spec in specs if spec.readings]
    since = {beginning(each, kpi, calendars) for each in options for kpi in rhythms}
    return replace(scope, first=widen(scope, since).first)


@dataclass(frozen=True)
class Series:
    """What the readings of one KPI count from, and when one is missing."""

    kpi: Rhythm
    since: Rhythm
    spans_gaps: bool
    workdays: Workdays | None

    def begins(self, period: date) -> date:
        """The first period of the month or year that a period is a part of."""
        start = period_start(first_day(period, *self.kpi), *self.since)
        return period_start(first_day(start, *self.since), *self.kpi)

    def missing(self, before: date | None, period: date) -> date | None:
        """The first period between two readings, None being the beginning, in which there should be one."""
        between = self.begins(period) if before is None else self._following(before)
        while between < period:
            if self._works(between):
                return between
            between = self._following(between)
        return None

    def _following(self, period: date) -> date:
        return period_start(period_end(period, *self.kpi) + _DAY, *self.kpi)

    def _works(self, period: date) -> bool:
        return self.workdays is None or any(day in self.workdays for day in days_of(period, self.kpi))

    def name(self, period: date) -> str:
        return period_name(period, *self.kpi)


@dataclass(frozen=True)
class _Reading:
    """A reading as it was stated; its amount is None if it was rejected."""

    period: date
    amount: Amount | None
    origin: str
    lines: str

    def beside(self, other: Gathered) -> str:
        """Where it stands, for one that knows where another one does."""
        place = "" if self.origin == other.origin else f" of {self.origin.rpartition('/')[2]}"
        return f"line {self.lines}{place}"


@dataclass(frozen=True)
class Differences:
    """Takes the readings of a run apart, those of values that are cumulative."""

    specs: Sequence[ValueOptions]
    scope: Scope
    rhythms: Mapping[str, Rhythm]  # of KPI ids; any other KPI is a daily one
    workdays: Mapping[str, Workdays]
    calendars: Calendars

    def take(
        self, gathered: dict[ValueKey, Gathered], twice: Collection[ValueKey], intake: Intake
    ) -> dict[ValueKey, str]:
        """Put differences in the place of readings; returns where the reading stands that each was lessened by.

        Rejected, and taken out, is what cannot be known; taken out is what lies outside of the scope. `twice` are keys
        that two rows state.
        """
        lessened: dict[ValueKey, str] = {}
        lower: list[str] = []
        for series, readings in self._series(gathered):
            before: _Reading | None = None
            for each in readings:
                period = each.key.record.period
                amount = None if each.key in twice else each.number
                this = _Reading(period, amount, each.origin, each.lines)
                if before is not None and series.begins(before.period) != series.begins(period):
                    before = None
                if not touches(self.scope, period, *series.kpi):
                    del gathered[each.key]
                elif amount is not None:
                    if misfit := _misfit(this, before, series, each):
                        intake.reject(each.source, misfit.code, misfit.reason)
                        del gathered[each.key]
                    elif before is not None and before.amount is not None:
                        each.number = less(amount, before.amount)
                        lessened[each.key] = before.beside(each)
                        if isinstance(each.number, Decimal) and each.number < 0:
                            lower.append(f"{each.source} is lower than {lessened[each.key]}")
                before = this
        if lower:
            intake.notes.append(f"cumulative: {lower[0]}" + (f", and {len(lower) - 1} more are" * (len(lower) > 1)))
        return lessened

    def _series(self, gathered: Mapping[ValueKey, Gathered]) -> list[tuple[Series, list[Gathered]]]:
        """The readings of each value, in the order of their periods."""
        found: dict[tuple[object, ...], list[Gathered]] = defaultdict(list)
        for (record, value), each in gathered.items():
            if self.specs[each.spec].cumulative is not None:
                found[each.spec, record.kpi, record.team, record.sub_tile, value].append(each)
        for readings in found.values():
            readings.sort(key=lambda each: each.key.record.period)
        return [(self._of(readings[0]), readings) for readings in found.values()]

    def _of(self, first: Gathered) -> Series:
        options = self.specs[first.spec].readings
        assert options is not None  # noqa: S101 - only such are in a series
        kpi = self.rhythms.get(first.key.record.kpi, Rhythm(Interval.DAY))
        workdays = None if options.workdays is None else self.workdays[options.workdays]
        return Series(kpi, beginning(options, kpi, self.calendars), options.gaps == "to_last", workdays)


def _misfit(this: _Reading, before: _Reading | None, series: Series, at: Gathered) -> Misfit | None:
    """Why the difference of two readings is not the value of the later one's period."""
    if not fits(series.kpi, series.since):
        whole = f"the {series.since.interval} that readings count from"
        return Misfit("bad-period", f"a {series.kpi.interval} may lie across the beginning of {whole}")
    if before is not None and before.amount is None:
        why = f"the reading before it ({before.beside(at)}) was rejected; correct that one"
        return Misfit("incomplete", why)
    missing = series.missing(before.period if before else None, this.period)
    if missing is None or series.spans_gaps:
        return None
    since = f"after {series.name(before.period)}" if before else f"in its {series.since.interval}"
    return Misfit(
        "gap",
        f"there is no reading of {series.name(missing)}, so the first one {since} is of several periods; "
        "add it, or say under cumulative what is no gap (workdays, gaps)",
    )
