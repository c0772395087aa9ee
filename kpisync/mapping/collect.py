"""Readings → one number per key: aggregated where the job says so, rejected where two rows state one value."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kpisync.mapping.apply import Reading
from kpisync.mapping.numbers import EXACT, finish
from kpisync.mapping.options import Aggregate, ValueOptions
from kpisync.model import Intake, KpiValue, Rejection, ValueKey
from kpisync.tables.numbers import BadNumber

_SHOWN_LINES = 5
_SHOWN_RIVALS = 3


@dataclass(slots=True)
class Gathered:
    """What the rows said so far about one key; there is one for every value of a run, so it is small.

    `line` is the first row of those that made the number, `more` are the next few.
    """

    key: ValueKey
    spec: int
    origin: str
    line: int
    day: date
    number: Decimal | None  # None: a row of it was rejected, so the value is spoilt
    rows: int
    spoilt: int  # rejected ones of these rows
    more: list[int] | None


class Collector:
    """Gathers the readings of one job, table by table."""

    def __init__(self, specs: Sequence[ValueOptions]) -> None:
        self._specs = specs
        self._gathered: dict[ValueKey, Gathered] = {}
        self._rivals: dict[ValueKey, list[str]] = {}  # the places of the second and further rows for one value

    def add(self, reading: Reading, origin: str) -> None:
        spec, key, day, number, line = reading
        known = self._gathered.get(key)
        if known is None:
            self._gathered[key] = Gathered(key, spec, origin, line, day, number, 1, int(number is None), None)
            return
        aggregate = self._specs[spec].aggregate
        if known.spec != spec or (aggregate is None and self._specs[spec].constant is None):
            self._rivals.setdefault(key, []).append(f"{origin}:{line}")
        elif aggregate is not None:
            _combine(known, reading, origin, aggregate)

    def keys_by_period(self) -> Counter[date]:
        """How many values were gathered so far, rejected ones included."""
        return Counter(key.record.period for key in self._gathered)

    def values(self, intake: Intake) -> list[KpiValue]:
        """One number per key, in order of first appearance; rejects are entered in the intake.

        The collector is empty afterwards: a million values should not stand in memory twice.
        """
        waiting = deque(self._gathered.values())
        self._gathered.clear()
        found = []
        while waiting:
            value = self._finished(waiting.popleft(), intake)
            if value is not None:
                found.append(value)
        return found

    def _finished(self, known: Gathered, intake: Intake) -> KpiValue | None:
        spec, source = self._specs[known.spec], _source(known)
        rivals = self._rivals.pop(known.key, None) if self._rivals else None
        if rivals:
            intake.rejections.extend(_rival_rejections([source, *rivals]))
        elif known.number is not None:
            try:
                return KpiValue(known.key, finish(known.number, known.rows, spec), source)
            except BadNumber as bad:
                intake.reject(source, "bad-number", str(bad))
        elif known.rows > 1:
            were = "was" if known.spoilt == 1 else "were"
            what = (
                f"the {spec.aggregate} of {known.rows} rows is not sent, because {known.spoilt} of them {were} rejected"
            )
            intake.reject(source, "incomplete", f"{what}; correct what was rejected")
        return None


def _combine(known: Gathered, reading: Reading, origin: str, how: Aggregate) -> None:
    known.rows += 1
    if reading.number is None:
        known.spoilt += 1
    if known.number is None or reading.number is None:
        known.number = None
        _note_line(known, reading.line, origin)
    elif how in (Aggregate.SUM, Aggregate.MEAN, Aggregate.COUNT):
        known.number = EXACT.add(known.number, reading.number)
        _note_line(known, reading.line, origin)
    elif _wins(known, reading, known.number, reading.number, how):
        known.number, known.day, known.origin, known.line = reading.number, reading.day, origin, reading.line


def _wins(known: Gathered, reading: Reading, old: Decimal, new: Decimal, how: Aggregate) -> bool:
    """Whether a later row takes the place of what was chosen; of equal dates the last row is last, the first first."""
    match how:
        case Aggregate.MIN:
            return new < old
        case Aggregate.MAX:
            return new > old
        case Aggregate.LAST:
            return reading.day >= known.day
        case _:
            return reading.day < known.day


def _note_line(known: Gathered, line: int, origin: str) -> None:
    if known.more is None:
        known.more = []
    if origin == known.origin and len(known.more) < _SHOWN_LINES - 1:
        known.more.append(line)


def _source(known: Gathered) -> str:
    """`exports/scrap_11.csv:14`, or `exports/scrap_11.csv:14,15 (+3 rows)` where so many rows more had a say."""
    if known.rows == 1:
        return f"{known.origin}:{known.line}"
    lines = [known.line, *(known.more or ())]
    more = known.rows - len(lines)
    return f"{known.origin}:{','.join(map(str, lines))}" + (f" (+{more} row{'s' if more > 1 else ''})" if more else "")


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
