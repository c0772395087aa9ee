"""Readings → one number per key: aggregated where the job says so, rejected where two rows state one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal

from kpisync.mapping.apply import Reading
from kpisync.mapping.options import Aggregate, ValueOptions
from kpisync.model import Intake, KpiValue, Rejection, ValueKey

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_COMPUTED_DECIMALS = 6
_SHOWN_LINES = 5


@dataclass(slots=True)
class Gathered:
    """What the rows said so far about one key."""

    spec: int
    origin: str
    lines: list[int]
    rows: int
    number: Decimal | None  # None: a cell of it was rejected, so the value is spoilt
    day: date
    rivals: list[str] = field(default_factory=list)  # places of other rows for the same value


class Collector:
    """Gathers the readings of one job, table by table."""

    def __init__(self, specs: Sequence[ValueOptions]) -> None:
        self._specs = specs
        self._gathered: dict[ValueKey, Gathered] = {}

    def add(self, reading: Reading, origin: str) -> None:
        known = self._gathered.get(reading.key)
        if known is None:
            self._gathered[reading.key] = Gathered(reading.spec, origin, [reading.line], 1, reading.number, reading.day)
        elif known.spec != reading.spec:
            known.rivals.append(f"{origin}:{reading.line}")
        else:
            self._again(known, reading, origin)

    def _again(self, known: Gathered, reading: Reading, origin: str) -> None:
        spec = self._specs[reading.spec]
        if spec.aggregate is not None:
            _note_row(known, reading, origin)
            _combine(known, reading, spec.aggregate)
        elif spec.constant is None:
            known.rivals.append(f"{origin}:{reading.line}")

    def values(self, intake: Intake) -> list[KpiValue]:
        """One number per key, in order of first appearance; rejects are entered in the intake."""
        return [
            KpiValue(key, number, _source(known))
            for key, known in self._gathered.items()
            if (number := self._number(known, intake)) is not None
        ]

    def _number(self, known: Gathered, intake: Intake) -> Decimal | None:
        spec = self._specs[known.spec]
        if known.rivals:
            intake.rejections.extend(_rival_rejections(known))
            return None
        if known.number is None:
            if spec.aggregate is not None and known.rows > 1:
                intake.reject(
                    _source(known), "incomplete", f"the {spec.aggregate} of {known.rows} rows lacks a rejected one"
                )
            return None
        return finish(known.number, known.rows, spec)


def finish(number: Decimal, rows: int, spec: ValueOptions) -> Decimal:
    """Aggregate, then scale, then round half away from zero; only a computed number without `decimals` gets six."""
    computed = spec.as_ is not None
    if spec.aggregate is Aggregate.MEAN:
        number, computed = _EXACT.divide(number, Decimal(rows)), True
    number = _EXACT.multiply(number, spec.scale)
    decimals = spec.decimals
    if decimals is None and computed:
        decimals = _COMPUTED_DECIMALS
    if decimals is not None:
        number = number.quantize(Decimal(1).scaleb(-decimals), context=_EXACT)
    return canonical(number)


def canonical(number: Decimal) -> Decimal:
    """1.0 and 1.00 are one number, -0 is 0, and nothing has an exponent."""
    short = number.normalize(_EXACT)
    if short.is_zero():
        return Decimal(0)
    return short.quantize(Decimal(1), context=_EXACT) if short.as_tuple().exponent > 0 else short  # type: ignore[operator]


def _note_row(known: Gathered, reading: Reading, origin: str) -> None:
    known.rows += 1
    if origin == known.origin and len(known.lines) < _SHOWN_LINES:
        known.lines.append(reading.line)


def _combine(known: Gathered, reading: Reading, how: Aggregate) -> None:
    if known.number is None or reading.number is None:
        known.number = None
        return
    match how:
        case Aggregate.SUM | Aggregate.MEAN | Aggregate.COUNT:
            known.number = _EXACT.add(known.number, reading.number)
        case Aggregate.MIN:
            known.number = min(known.number, reading.number)
        case Aggregate.MAX:
            known.number = max(known.number, reading.number)
        case Aggregate.LAST:
            _take(known, reading, reading.day >= known.day)
        case Aggregate.FIRST:
            _take(known, reading, reading.day < known.day)


def _take(known: Gathered, reading: Reading, wins: bool) -> None:
    if wins:
        known.number, known.day = reading.number, reading.day


def _source(known: Gathered) -> str:
    lines = ",".join(str(line) for line in known.lines)
    more = known.rows - len(known.lines)
    return f"{known.origin}:{lines}" + (f" (+{more} rows)" if more else "")


def _rival_rejections(known: Gathered) -> list[Rejection]:
    places = [_source(known), *known.rivals]
    hint = "say in the job how to combine them (aggregate), or correct the source"
    return [
        Rejection(place, "duplicate", f"the same value also stands in {_others(places, index)}; {hint}")
        for index, place in enumerate(places)
    ]


def _others(places: Sequence[str], index: int) -> str:
    others = [place for at, place in enumerate(places) if at != index]
    return ", ".join(others[:3]) + (f" and {len(others) - 3} more rows" if len(others) > 3 else "")
