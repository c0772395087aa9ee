"""From a cell to a number, and from the numbers of one key to the one that is sent: aggregate, scale, round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation

from kpisync.mapping.options import Aggregate, ValueOptions
from kpisync.mapping.parse import parse_seconds
from kpisync.model import NumberFormat, Table
from kpisync.tables.columns import find_column
from kpisync.tables.numbers import MOST_DIGITS, BadNumber, parse_number

# Wide enough for every sum and product of numbers that cells may hold: those are exact, and no order matters.
EXACT = Context(prec=300, rounding=ROUND_HALF_UP)
_FITTING = Context(prec=MOST_DIGITS, traps=[Inexact, InvalidOperation])
_COMPUTED_DECIMALS = 6
_ONE = Decimal(1)

ReadNumber = Callable[[Sequence[object]], Decimal | None]  # a row's cells → its number; BadNumber, BadCell


def number_reader(spec: ValueOptions, table: Table) -> ReadNumber:
    """How a value's number is read from a row; None for an empty cell. Raises SourceError for a missing column."""
    if spec.constant is not None:
        constant = spec.constant
        return lambda cells: constant
    if spec.column is None:  # a count of rows
        return lambda cells: _ONE
    index = find_column(table.columns, spec.column, table.origin)
    format = table.column_numbers.get(table.columns[index], table.numbers)
    if spec.aggregate is Aggregate.COUNT:
        return lambda cells: None if _is_null(cells[index], format) else _ONE
    if spec.as_ == "minutes":
        return lambda cells: None if _is_null(cells[index], format) else parse_seconds(cells[index])
    return lambda cells: parse_number(cells[index], format)


def _is_null(cell: object, format: NumberFormat) -> bool:
    if isinstance(cell, bytes):
        cell = cell.decode("ascii", "replace")
    return cell is None or (isinstance(cell, str) and (not cell.strip() or cell.strip() in format.nulls))


def finish(number: Decimal, rows: int, spec: ValueOptions) -> Decimal:
    """The number to send, from the sum (or the one chosen) of so many rows; raises BadNumber where it is out of bounds.

    Scaled, then rounded half away from zero. A mean and minutes, which are divisions, have six decimals at most
    unless the job says how many; every other number keeps its digits.
    """
    divisor = (60 if spec.as_ == "minutes" else 1) * (rows if spec.aggregate is Aggregate.MEAN else 1)
    computed = spec.as_ is not None or spec.aggregate is Aggregate.MEAN
    if spec.scale != _ONE:
        number = EXACT.multiply(number, spec.scale)
    if divisor != 1:  # last, so that a third times three is one
        number = EXACT.divide(number, Decimal(divisor))
    decimals = _COMPUTED_DECIMALS if spec.decimals is None and computed else spec.decimals
    if decimals is not None:
        number = number.quantize(_ONE.scaleb(-decimals), context=EXACT)
    return canonical(number)


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
