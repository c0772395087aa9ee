"""What a user can say about the rows of any source: numbers, header, rules for rows; the same for every format."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from kpisync.fields import Options
from kpisync.model import NumberFormat
from kpisync.tables.cells import as_name

OF_LINES = ("header", "metadata", "start_after", "skip_lines_matching", "field_count")  # where there are no lines

Sign = Literal["leading", "trailing", "parentheses"]


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _separator(value: Any) -> Any:
    """One character that is no digit, sign, letter or parenthesis."""
    if not isinstance(value, str) or len(value) != 1 or value.isalnum() or value in "+-\u2212()":
        raise ValueError('not one character such as "." or ","')
    return " " if value.isspace() else value


def _separator_or_none(value: Any) -> Any:
    return None if value is None or value == "none" else _separator(value)


_SIGNS_SCHEMA = {"enum": ["leading", "trailing", "parentheses"]}
Separator = Annotated[str, BeforeValidator(_separator), WithJsonSchema({"type": "string", "maxLength": 1})]
Thousands = Annotated[
    str | None, BeforeValidator(_separator_or_none), WithJsonSchema({"type": "string", "examples": [".", " ", "none"]})
]
Signs = Annotated[
    tuple[Sign, ...],
    BeforeValidator(_one_or_more),
    WithJsonSchema({"anyOf": [_SIGNS_SCHEMA, {"type": "array", "items": _SIGNS_SCHEMA}]}),
]
Nulls = Annotated[list[str], BeforeValidator(_one_or_more)]
_OF_NUMBERS = ("decimal", "thousands", "sign", "null", "strip_apostrophe")


class NumberOptions(Options):
    """How numbers are written; only what is declared is read, nothing is guessed."""

    decimal: Separator = Field(".", description="the decimal separator")
    thousands: Thousands = Field(
        None, description='the thousands separator, or none; " " and "\'" stand for their typographic kinds too'
    )
    sign: Signs = Field(
        ("leading", "trailing"), description="where a sign may stand: leading, trailing, parentheses, or a list of them"
    )
    null: Nulls = Field([""], description="cells that mean no value, beside the empty cell, such as - or #N/A")
    strip_apostrophe: bool = Field(
        False, description="true: an apostrophe before a number ('-75.63, against formula injection) is removed"
    )

    @model_validator(mode="after")
    def _separators_differ(self) -> Self:
        number_format(self)
        return self


class ColumnOptions(Options):
    """One column: under which address it is found, and how its numbers differ from the others."""

    address: str | None = Field(
        None, alias="from", description="the source's name of it, name#2 for the second of that name, @14 by position"
    )
    decimal: Separator | None = Field(None, description="its decimal separator")
    thousands: Thousands = Field(None, description="its thousands separator; none takes it away")
    sign: Signs | None = Field(None, description="where its signs may stand")
    null: Nulls | None = Field(None, description="its cells that mean no value")
    strip_apostrophe: bool | None = Field(None, description="whether an apostrophe before its numbers is removed")


class HeaderOptions(Options):
    """Where the column names stand; by default in the first line that is not blank."""

    find: list[str] | None = Field(None, min_length=1, description="the header is the first line with all these names")
    within: int = Field(50, ge=1, description="how many lines are looked at for `find`")
    row: int | None = Field(None, ge=1, description="the header is this line, from 1")
    names: list[str] | None = Field(None, min_length=1, description="the names, where the source has no header")
    repeats: Literal["keep", "drop"] = Field("keep", description="drop: leave out rows that repeat the header")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.find, self.row, self.names)) > 1:
            raise ValueError("find, row and names exclude one another")
        return self


class MetadataOptions(Options):
    """A line above the header that says something of all rows, such as the period of the export."""

    row: int = Field(ge=1, description="the line, from 1; the header is looked for below it")
    columns: dict[str, Annotated[int, Field(ge=1)]] = Field(
        min_length=1, description="columns that every row gets from it: a new name, and the cell's number from 1"
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = set(map(as_name, self.columns))
        if "" in names or len(names) < len(self.columns):
            raise ValueError("the names of the columns must not be blank, and all different")
        return self


class DropRule(Options):
    column: str = Field(description="the column that is looked at")
    matches: re.Pattern[str] = Field(description="rows whose cell matches this regular expression are left out")


class StopRule(Options):
    """Where a table ends before its file does."""

    column: str = Field(description="the column that is looked at")
    blank: int | None = Field(None, ge=1, description="the table ends before so many rows with a blank cell in it")
    matches: re.Pattern[str] | None = Field(None, description="the table ends before a cell that matches this")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.blank is None) == (self.matches is None):
            raise ValueError("give either blank or matches")
        return self


class UnpivotRule(Options):
    """One row per column instead of one column per KPI, day or category."""

    keep: list[str] = Field(min_length=1, description="the columns that stay; every other named one becomes rows")
    names_to: str = Field(description="the new column that holds the names of those columns")
    values_to: str = Field(description="the new column that holds their cells")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len({*self.keep, self.names_to, self.values_to}) < len(self.keep) + 2:
            raise ValueError("keep, names_to and values_to must all be different names")
        return self


class ReaderOptions(NumberOptions):
    """What all sources of rows have in common."""

    columns: dict[str, ColumnOptions] = Field({}, description="columns with another name or number format, by new name")
    header: HeaderOptions = Field(HeaderOptions(), description="where the column names stand")
    metadata: MetadataOptions | None = Field(None, description="a line above the header with cells for every row")
    start_after: str | None = Field(None, description="the data begins after the line with this cell")
    skip_lines_matching: list[re.Pattern[str]] = Field([], description="lines left out before they are parsed")
    require: list[str] = Field([], description="rows where one of these columns is blank are left out (totals, notes)")
    drop_rows: list[DropRule] = Field([], description="rows that are left out")
    stop_at: StopRule | None = Field(None, description="where the table ends before its file does")
    fill_down: list[str] | list[list[str]] = Field(
        [],
        description="columns that stand on the first of several rows only. A row in which all of them are blank "
        "continues the row above; several blocks as a list of lists, the outer one first",
    )
    unpivot: UnpivotRule | None = Field(None, description="turn columns into rows")
    field_count: Literal["strict", "lenient"] = Field(
        "strict",
        description="lenient: short rows are filled with blanks, and blank cells beyond the header are dropped",
    )

    @model_validator(mode="after")
    def _column_separators_differ(self) -> Self:
        column_formats(self)
        return self

    @model_validator(mode="after")
    def _metadata_above_header(self) -> Self:
        if self.metadata and self.header.row is not None and self.header.row <= self.metadata.row:
            raise ValueError("header.row must be below metadata.row")
        return self

    @property
    def fill_blocks(self) -> list[list[str]]:
        """`fill_down` as blocks, the outer one first."""
        flat = [name for name in self.fill_down if isinstance(name, str)]
        return [flat] if flat else [block for block in self.fill_down if isinstance(block, list)]


def number_format(options: NumberOptions) -> NumberFormat:
    return _format("", *(getattr(options, key) for key in _OF_NUMBERS))


def column_formats(options: ReaderOptions) -> dict[str, NumberFormat]:
    """The formats of the columns that have their own, by the name that the job gives them."""
    formats = {}
    for name, column in options.columns.items():
        own = column.model_fields_set - {"address"}
        if own:
            parts = (getattr(column if key in own else options, key) for key in _OF_NUMBERS)
            formats[as_name(name)] = _format(f"columns.{name}: ", *parts)
    return formats


def _format(
    where: str, decimal: str, thousands: str | None, sign: tuple[str, ...], null: list[str], apostrophe: bool
) -> NumberFormat:
    if decimal == thousands:
        raise ValueError(f"{where}decimal and thousands are both {decimal!r}")
    nulls = {"", *(token.strip() for token in null)}
    if apostrophe:  # whoever puts it before a number puts it before a dash too
        nulls |= {f"'{token}" for token in nulls}
    return NumberFormat(decimal, thousands, sign, frozenset(nulls), apostrophe)
