"""What a user writes under `map:` and beside it: how a row becomes values, and which of them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, WithJsonSchema

from kpisync.fields import FilePath, Options
from kpisync.mapping.date_options import DateOptions
from kpisync.mapping.value_options import CellRef, ValueOptions


class LookupFile(Options):
    """A lookup kept as a CSV file with a header line."""

    file: FilePath
    key: str = Field(description="the column with the source's codes")
    value: str = Field(description="the column with catalog names or ids")
    encoding: str = "utf-8-sig"
    delimiter: str = Field(",", min_length=1, max_length=1)


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
