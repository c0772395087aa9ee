"""From the cells of a row to one number: read, its sign and unit applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from kpisync.mapping.durations import Unit, parse_duration
from kpisync.mapping.keys import nearest
from kpisync.mapping.parse import BadCell, code_text, parse_seconds, quoted
from kpisync.mapping.ratio import EXACT, Amount, Ratio
from kpisync.mapping.value_options import Aggregate, SignOptions, UnitOptions, ValueOptions
from kpisync.model import NumberFormat, Table
from kpisync.tables.columns import find_column
from kpisync.tables.numbers import is_null, parse_number

_ONE = Decimal(1)

Cells = Sequence[object]
ReadNumber = Callable[[Cells], Decimal | None]
ReadAmount = Callable[[Cells], Amount | None]  # a row's cells → its number; BadNumber, BadCell


def amount_reader(spec: ValueOptions, table: Table) -> ReadAmount:
    """How a value's number is read from a row; None for an empty cell. Raises SourceError for a missing column."""
    if spec.constant is not None:
        constant = spec.constant
        return lambda cells: constant
    if spec.numerator is not None and spec.denominator is not None:
        return _ratio(spec, spec.numerator, spec.denominator, table)
    if spec.column is None:  # a count of rows
        return lambda cells: _ONE
    return _number(spec, spec.column, table)


def _ratio(spec: ValueOptions, above: str, below: str, table: Table) -> ReadAmount:
    numerator, denominator = _number(spec, above, table), _number(spec, below, table)

    def read(cells: Cells) -> Ratio | None:
        parts = numerator(cells), denominator(cells)
        if parts[0] is not None and parts[1] is not None:
            return Ratio(parts[0], parts[1])
        if parts[0] is parts[1]:
            return None
        missing = above if parts[0] is None else below
        raise BadCell(f"{missing} is empty, and the other part of the ratio is not")

    return read


def _number(spec: ValueOptions, column: str, table: Table) -> ReadNumber:
    """One column's number, with the sign and in the unit of its row."""
    read = _bare_number(spec, find_column(table.columns, column, table.origin), table)
    if spec.zero_is_null:
        read = _without_zero(read)
    if isinstance(spec.sign, SignOptions):
        read = _times(read, _sign(spec.sign, table))
    elif spec.sign == -1:
        read = _times(read, lambda cells: -_ONE)
    if spec.unit is not None:
        read = _times(read, _unit(spec.unit, table))
    return read


def _bare_number(spec: ValueOptions, index: int, table: Table) -> ReadNumber:
    format = table.column_numbers.get(table.columns[index], table.numbers)
    if spec.aggregate is Aggregate.COUNT:
        return lambda cells: None if is_null(cells[index], format) else _ONE
    if spec.as_ is not None:
        seconds = _seconds_reader("time" if isinstance(spec.as_, Unit) else spec.as_.from_, format)
        return lambda cells: None if is_null(cells[index], format) else seconds(cells[index])
    return lambda cells: parse_number(cells[index], format)


def _seconds_reader(kind: str, format: NumberFormat) -> Callable[[object], Decimal | None]:
    """How a cell that holds a time becomes seconds: in them every time is exact, and so is a sum."""
    if kind == "time":
        return parse_seconds
    if kind == "duration":
        return parse_duration
    factor = Decimal(Unit(kind).seconds)

    def seconds(cell: object) -> Decimal | None:
        number = parse_number(cell, format)
        return None if number is None else EXACT.multiply(number, factor)

    return seconds


def _without_zero(read: ReadNumber) -> ReadNumber:
    return lambda cells: read(cells) or None


def _times(read: ReadNumber, factor: Callable[[Cells], Decimal]) -> ReadNumber:
    """The factor is asked for only where there is a number."""

    def number(cells: Cells) -> Decimal | None:
        found = read(cells)
        return None if found is None else EXACT.multiply(found, factor(cells))

    return number


def _sign(options: SignOptions, table: Table) -> Callable[[Cells], Decimal]:
    signs = dict.fromkeys(options.positive, _ONE) | dict.fromkeys(options.negative, -_ONE)
    return _factor(signs, options.column, "sign", table)


def _unit(options: UnitOptions, table: Table) -> Callable[[Cells], Decimal]:
    return _factor(options.factors or {}, options.column, "unit", table)


def _factor(known: dict[str, Decimal], column: str, what: str, table: Table) -> Callable[[Cells], Decimal]:
    """What a cell's text stands for; any other text is a BadCell."""
    index = find_column(table.columns, column, table.origin)
    factors = {code_text(text): factor for text, factor in known.items()}

    def factor(cells: Cells) -> Decimal:
        text = code_text(cells[index])
        found = factors.get(text)
        if found is None:
            told = f"{quoted(text)} is no {what} that the job lists" if text else f"the {what} is empty"
            raise BadCell(f"{told} (column {column}){nearest(text, factors)}")
        return found

    return factor
