"""The number that is sent, from what its rows add up to: aggregate, scale, round, and hold against its bounds."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation

from kpisync.mapping.durations import Unit
from kpisync.mapping.ratio import EXACT, Amount, Ratio
from kpisync.mapping.value_options import Aggregate, DurationOptions, ValueOptions
from kpisync.tables.numbers import MOST_DIGITS, BadNumber

_FITTING = Context(prec=MOST_DIGITS, traps=[Inexact, InvalidOperation])
COMPUTED_DECIMALS = 6  # of what is divided, unless the job says how many
_ONE = Decimal(1)


class OutOfBounds(BadNumber):
    """A number that the job's `min` or `max` does not allow."""


def _unit(sent: Unit | DurationOptions | None) -> Unit:
    """A number that is no time stays what it is, as seconds do."""
    if isinstance(sent, DurationOptions):
        return sent.unit
    return sent or Unit.SECONDS


def finish(amount: Amount, rows: int, spec: ValueOptions) -> Decimal | None:
    """The number to send, from the sum (or the one chosen) of so many rows; None for a ratio to 0.

    Scaled, then rounded half away from zero. A mean, a ratio, and a time in another unit than seconds are divisions and
    have six decimals at most unless the job says how many; every other number keeps its digits. Raises BadNumber for
    one that cannot be sent, OutOfBounds for one that the job does not allow.
    """
    unit = _unit(spec.as_).seconds
    divisor = Decimal(unit * (rows if spec.aggregate is Aggregate.MEAN else 1))
    computed = unit != 1 or spec.aggregate is Aggregate.MEAN or spec.is_ratio
    if isinstance(amount, Ratio):
        divisor = amount.denominator
    number = amount.numerator if isinstance(amount, Ratio) else amount
    if not divisor:
        return None
    if spec.scale != _ONE:
        number = EXACT.multiply(number, spec.scale)
    if divisor != 1:  # last, so that a third times three is one
        number = EXACT.divide(number, divisor)
    decimals = COMPUTED_DECIMALS if spec.decimals is None and computed else spec.decimals
    if decimals is not None:
        number = number.quantize(_ONE.scaleb(-decimals), context=EXACT)
    number = canonical(number)
    if spec.min is not None and number < spec.min:
        raise OutOfBounds(f"{number} is below the smallest number that the job allows (min: {spec.min})")
    if spec.max is not None and number > spec.max:
        raise OutOfBounds(f"{number} is above the largest number that the job allows (max: {spec.max})")
    return number


def canonical(number: Decimal) -> Decimal:
    """1.0 and 1.00 are one number, -0 is 0, and 1E+3 is written out. Raises BadNumber beyond 34 digits."""
    if number and number.same_quantum(_ONE) and number.adjusted() < MOST_DIGITS:
        return number  # what most numbers are
    try:
        short = _FITTING.normalize(number)
    except Inexact:
        raise BadNumber(f"the number to send has more than {MOST_DIGITS} digits; set decimals") from None
    if not short:
        return Decimal(0)
    if short.adjusted() >= MOST_DIGITS:
        raise BadNumber(f"the number to send has more than {MOST_DIGITS} digits before the decimal point")
    return short.quantize(_ONE, context=_FITTING) if short == short.to_integral_value() else short
