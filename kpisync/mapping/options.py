"""What a user writes under `map:` and beside it: where a number's key, digits and period come from."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from kpisync.fields import FilePath, Options
from kpisync.mapping.parse import check_format
from kpisync.model import NumberFormat
from kpisync.tables.numbers import BadNumber, parse_number


class LookupFile(Options):
    """A lookup kept as a CSV file with a header line."""

    file: FilePath
    key: str = Field(description="the column with the source's codes")
    value: str = Field(description="the column with catalog names or ids")
    encoding: str = "utf-8-sig"
    delimiter: str = Field(",", min_length=1, max_length=1)


class CellRef(Options):
    """A key part taken from a column, through a lookup if one is named."""

    column: str
    lookup: str | None = Field(None, description="the lookup that turns the cell into a catalog name or id")


class Aggregate(StrEnum):
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    LAST = "last"
    FIRST = "first"
    COUNT = "count"


class DateOptions(Options):
    """Where the period of a row comes from."""

    column: str
    format: str | None = Field(None, description="as in strptime, such as %d.%m.%Y; default: ISO, 2026-11-20")
    align: bool = Field(False, description="move a date to the first day of its week, month, quarter or year")

    @field_validator("format")
    @classmethod
    def _complete(cls, format: str | None) -> str | None:
        return format if format is None else check_format(format)


class ValueOptions(Options):
    """One value of each row."""

    kpi: str | CellRef = Field(description="a catalog name, an id, or a column")
    value: str | CellRef = Field(description="the value kind: a catalog name, an id, or a column")
    column: str | None = Field(None, description="the column with the number")
    constant: Decimal | None = Field(None, description="a fixed number instead of a column")
    team: str | CellRef | None = Field(None, description="instead of the team of the whole map")
    sub_tile: str | CellRef | None = Field(None, description="instead of the sub-tile of the whole map")
    as_: Annotated[str | None, Field(pattern="^minutes$")] = Field(
        None, alias="as", description="minutes: a time of day such as 14:43, sent as minutes since midnight"
    )
    scale: Decimal = Field(Decimal(1), description="a factor, applied after aggregation")
    decimals: int | None = Field(None, ge=0, le=12, description="round half away from zero to so many decimals")
    aggregate: Aggregate | None = Field(
        None, description="how several rows of one period become one number; without a column, count counts rows"
    )

    @field_validator("constant", "scale")
    @classmethod
    def _of_sane_size(cls, number: Decimal | None) -> Decimal | None:
        """No larger, and of no more digits, than a cell may be."""
        try:
            return parse_number(number, NumberFormat())
        except BadNumber as bad:
            raise ValueError(str(bad)) from None

    @model_validator(mode="after")
    def _one_origin(self) -> ValueOptions:
        if self.aggregate is Aggregate.COUNT:
            if self.constant is not None or self.as_ is not None:
                raise ValueError(
                    "count counts rows, or the filled cells of a column; constant and as mean nothing to it"
                )
        elif (self.column is None) == (self.constant is None):
            raise ValueError("a value needs either column or constant")
        elif self.constant is not None and self.as_ is not None:
            raise ValueError("as reads a cell; write the constant as a number")
        return self


class MapOptions(Options):
    """How a row becomes values."""

    date: DateOptions
    team: str | CellRef | None = Field(None, description="a catalog name, an id, or a column")
    sub_tile: str | CellRef | None = None
    values: list[ValueOptions] = Field(min_length=1)


class Empty(StrEnum):
    SKIP = "skip"
    REJECT = "reject"


class OpenPeriods(StrEnum):
    SEND = "send"
    SKIP = "skip"


class LookbackSpan(NamedTuple):
    """How far back a run looks: so many days, weeks or months before today."""

    number: int
    unit: str  # d, w, m

    def first(self, today: date) -> date:
        if self.unit == "m":
            months = today.year * 12 + today.month - 1 - self.number
            return date(months // 12, months % 12 + 1, 1)
        return today - timedelta(days=self.number * (7 if self.unit == "w" else 1))


def _lookback(value: Any) -> LookbackSpan | None:
    if value is None or value == "all" or isinstance(value, LookbackSpan):
        return value if isinstance(value, LookbackSpan) else None
    match = re.fullmatch(r"([0-9]{1,5})([dwm])", str(value).strip())
    if not match:
        raise ValueError("not a lookback such as 14d, 5w, 3m, or all")
    return LookbackSpan(int(match[1]), match[2])


Lookback = Annotated[
    LookbackSpan | None,
    BeforeValidator(_lookback),
    WithJsonSchema({"type": "string", "examples": ["all", "14d", "5w", "3m"]}),
]
