"""Readings → one number per key: aggregated where the job says so, rejected where two rows state one value."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Self

from kpisync.mapping.apply import Mapper
from kpisync.mapping.cumulative import Differences
from kpisync.mapping.fill import Fill
from kpisync.mapping.gathered import Gathered
from kpisync.mapping.numbers import OutOfBounds, finish
from kpisync.mapping.presence import Presence
from kpisync.mapping.ratio import added
from kpisync.mapping.rows import Reading
from kpisync.mapping.value_options import Aggregate, ValueOptions
from kpisync.model import Intake, KpiValue, Rejection, ValueKey
from kpisync.tables.numbers import BadNumber

_SHOWN_RIVALS = 3


class Collector:
    """Gathers the readings of one job, table by table.

    If there is a `presence`, the mapper is to enter in it which rows there are.
    """

    def __init__(
        self, specs: Sequence[ValueOptions], differences: Differences | None = None, fill: Fill | None = None
    ) -> None:
        self._specs, self._differences, self._fill = specs, differences, fill
        self.presence = Presence() if fill else None
        self._gathered: dict[ValueKey, Gathered] = {}
        self._rivals: dict[ValueKey, list[str]] = {}  # the places of the second and further rows for one value

    @classmethod
    def of(cls, mapper: Mapper) -> Self:
        """For all that a job's map says."""
        specs, differences, fill = mapper.options.values, None, None
        if any(spec.cumulative is not None for spec in specs):
            differences = Differences(specs, mapper.scope, mapper.rhythm_of, mapper.workdays, mapper.calendars)
        if any(spec.fill_missing is not None for spec in specs):
            fill = Fill(mapper.options, mapper.view, mapper.workdays)
        return cls(specs, differences, fill)

    def add(self, reading: Reading, origin: str) -> None:
        spec, key, day, number, line = reading
        known = self._gathered.get(key)
        if known is None:
            self._gathered[key] = Gathered(key, spec, origin, line, day, number, 1, int(number is None), None)
            return
        options = self._specs[spec]
        if known.spec != spec or (not options.combines and options.constant is None):
            self._rivals.setdefault(key, []).append(f"{origin}:{line}")
        elif options.combines:
            _combine(known, reading, origin, options.aggregate or Aggregate.SUM)

    def keys_by_period(self) -> Counter[date]:
        """How many values were gathered so far, rejected ones included."""
        return Counter(key.record.period for key in self._gathered)

    def values(self, intake: Intake) -> list[KpiValue]:
        """One number per key, in order of first appearance; rejects are entered in the intake.

        The collector is empty afterwards: a million values should not stand in memory twice.
        """
        filled = self._fill.values(self._gathered.keys(), self.presence, intake) if self._fill and self.presence else []
        lessened: dict[ValueKey, str] = {}
        if self._differences:
            lessened = self._differences.take(self._gathered, self._rivals, intake)
        waiting = deque(self._gathered.values())
        self._gathered.clear()
        found = []
        while waiting:
            known = waiting.popleft()
            source = known.source
            if lessened and known.key in lessened:
                source = f"{source} minus {lessened[known.key]}"
            value = self._finished(known, source, intake)
            if value is not None:
                found.append(value)
        found.extend(filled)
        return found

    def _finished(self, known: Gathered, source: str, intake: Intake) -> KpiValue | None:
        spec = self._specs[known.spec]
        rivals = self._rivals.pop(known.key, None) if self._rivals else None
        if rivals:
            intake.rejections.extend(_rival_rejections([source, *rivals]))
        elif known.number is not None:
            try:
                number = finish(known.number, known.rows, spec)
            except BadNumber as bad:
                intake.reject(source, "out-of-bounds" if isinstance(bad, OutOfBounds) else "bad-number", str(bad))
            else:
                if number is not None:
                    return KpiValue(known.key, number, source)
                intake.skip("denominator 0", source)
        elif known.rows > 1:
            were = "was" if known.spoilt == 1 else "were"
            what = (
                f"the {spec.aggregate or 'ratio'} of {known.rows} rows is not sent, "
                f"because {known.spoilt} of them {were} rejected"
            )
            intake.reject(source, "incomplete", f"{what}; correct what was rejected")
        return None


def _combine(known: Gathered, reading: Reading, origin: str, how: Aggregate) -> None:
    known.rows += 1
    if reading.number is None:
        known.spoilt += 1
    if known.number is None or reading.number is None:
        known.number = None
        known.note_line(reading.line, origin)
    elif how in (Aggregate.SUM, Aggregate.MEAN, Aggregate.COUNT):
        known.number = added(known.number, reading.number)
        known.note_line(reading.line, origin)
    elif _wins(known, reading, how):
        known.number, known.day, known.origin, known.line = reading.number, reading.day, origin, reading.line


def _wins(known: Gathered, reading: Reading, how: Aggregate) -> bool:
    """Whether a later row takes the place of what was chosen; of equal dates the last row is last, the first first."""
    if how is Aggregate.LAST:
        return reading.day >= known.day
    if how is Aggregate.FIRST:
        return reading.day < known.day
    old, new = known.number, reading.number
    assert isinstance(old, Decimal) and isinstance(new, Decimal)  # noqa: S101 - a ratio is summed
    return new < old if how is Aggregate.MIN else new > old


def _rival_rejections(places: Sequence[str]) -> Iterator[Rejection]:
    few = places[: _SHOWN_RIVALS + 1]
    for index, place in enumerate(places):
        if index <= _SHOWN_RIVALS + 1:  # from then on all are told the same
            others = [other for at, other in enumerate(few) if at != index][:_SHOWN_RIVALS]
            more = len(places) - 1 - len(others)
            reason = (
                f"the same value also stands in {', '.join(others)}"
                + (f" and {more} more row{'s' if more > 1 else ''}" if more else "")
                + "; correct the source, or say in the job how to combine them (aggregate)"
            )
        yield Rejection(place, "duplicate", reason)
