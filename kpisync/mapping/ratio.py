"""The two sums of a ratio on their way through a run, so that it is divided after everything is summed."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

# Wide enough for every sum and product of numbers that cells may hold: those are exact, and no order matters.
EXACT = Context(prec=300, rounding=ROUND_HALF_UP)


class Ratio(NamedTuple):
    numerator: Decimal
    denominator: Decimal


Amount = Decimal | Ratio  # what rows of one value add up to


def added(one: Amount, other: Amount) -> Amount:
    """Both are of one kind."""
    if isinstance(one, Ratio) and isinstance(other, Ratio):
        return Ratio(EXACT.add(one.numerator, other.numerator), EXACT.add(one.denominator, other.denominator))
    assert isinstance(one, Decimal) and isinstance(other, Decimal)  # noqa: S101 - rows of one value
    return EXACT.add(one, other)


def less(one: Amount, other: Amount) -> Amount:
    """What is left of one without the other; both are of one kind."""
    if isinstance(one, Ratio) and isinstance(other, Ratio):
        return Ratio(EXACT.subtract(one.numerator, other.numerator), EXACT.subtract(one.denominator, other.denominator))
    assert isinstance(one, Decimal) and isinstance(other, Decimal)  # noqa: S101 - rows of one value
    return EXACT.subtract(one, other)
