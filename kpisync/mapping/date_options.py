"""What a user writes under `map.date`: where a row's date stands, how it is written, and which day it counts for."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from kpisync.fields import Options
from kpisync.mapping.formats import check_clock_format, check_format, check_format_without_year
from kpisync.mapping.keys import nearest
from kpisync.tables.options import Nulls

_NOON = time(12)


def _clock(value: Any) -> time:
    match = re.fullmatch("([01][0-9]|2[0-3]):([0-5][0-9])", str(value))
    if isinstance(value, time):
        return value
    if not match:
        raise ValueError("not a time of day such as 06:00")
    return time(int(match[1]), int(match[2]))


def _zone_name(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise ValueError(f"not an IANA time zone{nearest(name, available_timezones())}") from None


Clock = Annotated[
    time,
    BeforeValidator(_clock),
    PlainSerializer(lambda clock: f"{clock:%H:%M}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["06:00"]}),
]
ZoneName = Annotated[str, AfterValidator(_zone_name)]


class YearOptions(Options):
    """The column that tells the year of dates that are written without one."""

    column: str = Field(
        description="the column with the first day of the year that the file covers; a date such as 3112 is the first "
        "31 December on or after it"
    )
    format: str | None = Field(None, description="of that column, as in date.format")

    @field_validator("format")
    @classmethod
    def _complete(cls, format: str | None) -> str | None:
        return format if format is None else check_format(format)


class TimeOptions(Options):
    """The column with the time of day that belongs to a date."""

    column: str = Field(description="the column with the time of day")
    format: str | None = Field(
        None,
        description="as in strptime, such as %H%M%S, whose leading zeros may be missing; default: 19:00 or 19:00:21",
    )

    @field_validator("format")
    @classmethod
    def _complete(cls, format: str | None) -> str | None:
        return format if format is None else check_clock_format(format)


class DateOptions(Options):
    """Where the period of a row comes from."""

    column: str
    year: YearOptions | None = Field(
        None, description="for a format without a year, such as %d%m: the column that tells it"
    )
    format: str | None = Field(
        None,
        description="as in strptime, such as %d.%m.%Y, or excel, excel-1904 (serials of the two systems), cyyddd (JD "
        "Edwards: 126324); default: ISO, 2026-11-20",
    )
    align: bool = Field(False, description="move a date to the first day of its week, month, quarter or year")
    null: Nulls = Field(
        [],
        description="cells that mean no date, beside the empty cell, such as 00000000. A row without a date is "
        "rejected; drop_rows in the source leaves such rows out",
    )
    closing: str | None = Field(
        None,
        pattern=r"^[A-Za-z]$",
        description="the letter before closing dates, as in C31.12.2026 of Navision: read as that day. Without it such "
        "rows are rejected; drop_rows in the source leaves them out",
    )
    time: TimeOptions | None = Field(None, description="the time of day, where it stands in a column of its own")
    timezone: ZoneName | None = Field(
        None,
        description="IANA name: the zone of the clock that wrote times without an offset; default: that of the whole "
        "file, the plant's. An offset in a cell counts before it",
    )
    day_starts: Clock | None = Field(
        None,
        description="the time on the plant's clock at which its day begins; 00:00 says that the calendar day counts. "
        "A date with a time of day needs this, timezone or time",
    )
    night: Literal["start_day", "end_day"] = Field(
        "start_day",
        description="which day has the hours between day_starts and midnight's other side. start_day: with 06:00, "
        "02:00 on the 21st belongs to the 20th. end_day: with 22:00, 23:00 on the 20th belongs to the 21st",
    )

    @field_validator("format")
    @classmethod
    def _complete(cls, format: str | None, info: ValidationInfo) -> str | None:
        if format is None:
            return None
        return check_format_without_year(format) if info.data.get("year") else check_format(format)

    @field_validator("night")
    @classmethod
    def _names_its_day_by_most_of_it(cls, night: str, info: ValidationInfo) -> str:
        starts = info.data.get("day_starts")
        if night == "end_day" and (starts is None or starts < _NOON):
            raise ValueError(
                "end_day counts a night for the day after it, so day_starts is when the night begins, such as 22:00"
            )
        return night

    @model_validator(mode="after")
    def _fits_together(self) -> DateOptions:
        if self.year and self.format is None:
            raise ValueError("year completes dates without one, so they need a format such as %d%m")
        if self.night == "start_day" and self.day_starts and self.day_starts > _NOON:
            raise ValueError("a day that starts after noon counts for the day on which it ends: add night: end_day")
        if self.year and self.has_moments:
            raise ValueError("dates that take their year from a column have no time of day")
        return self

    @property
    def has_moments(self) -> bool:
        """Whether dates have times of day, and how they count is said."""
        return self.time is not None or self.timezone is not None or self.day_starts is not None
