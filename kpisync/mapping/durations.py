"""From one cell to a length of time in seconds, and the units that lengths of time are sent in."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from kpisync.mapping.parse import BadCell, code_text, parse_seconds, quoted


class Unit(StrEnum):
    DAYS = "days"
    HOURS = "hours"
    MINUTES = "minutes"
    SECONDS = "seconds"

    @property
    def seconds(self) -> int:
        """A day of the calendar has 23 or 25 hours at times; one of a length of time never."""
        match self:
            case Unit.DAYS:
                return 86_400
            case Unit.HOURS:
                return 3_600
            case Unit.MINUTES:
                return 60
            case Unit.SECONDS:
                return 1


# What Python, pandas and PostgreSQL write: 2 days 04:46:24.5 · -1 day, 23:00:00 · -1 days +23:00:00 · 26:30
_WRITTEN = re.compile(
    r"(?:(?P<days>[+-]?[0-9]{1,9}) days?(?P<comma>,)?(?: (?=[0-9+-])|$))?"
    r"(?P<clock>(?P<sign>[+-])?(?P<hours>[0-9]{1,9}):(?P<minutes>[0-5][0-9])"
    r"(?::(?P<seconds>[0-5][0-9](?:\.[0-9]{1,9})?))?)?"
)
_ISO_8601 = re.compile(
    r"(?P<sign>[+-])?P(?:(?P<days>[0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?"
    r"(?:(?P<seconds>[0-9]{1,9}(?:\.[0-9]{1,9})?)S)?)?"
)


def parse_duration(cell: object) -> Decimal | None:
    """A length of time as seconds; None for an empty cell. `24:30` is hours and minutes; hours may be many."""
    if isinstance(cell, timedelta):
        return Decimal(cell.days * 86_400 + cell.seconds) + Decimal(cell.microseconds).scaleb(-6)
    if isinstance(cell, time):
        return parse_seconds(cell)
    text = code_text(cell)
    if not text:
        return None
    seconds = None if isinstance(cell, datetime) else _written(text)
    if seconds is None:
        seconds = _iso_8601(text)
    if seconds is None:
        raise BadCell(f"{quoted(text)} is not a length of time such as 26:30, 2 days 04:46:24 or PT1H30M")
    return seconds


def _written(text: str) -> Decimal | None:
    match = _WRITTEN.fullmatch(text)
    if not match or (match["comma"] and not match["clock"]):
        return None
    days = match["days"] or ""
    if days.startswith("-") and match["clock"] and not (match["comma"] or match["sign"]):
        return None  # whether the hours count backwards too is open
    clock = _total("0", match["hours"], match["minutes"], match["seconds"])
    return int(days or 0) * 86_400 + (-clock if match["sign"] == "-" else clock)


def _iso_8601(text: str) -> Decimal | None:
    match = _ISO_8601.fullmatch(text)
    if not match or text[-1] in "PT":
        return None
    total = _total(match["days"], match["hours"], match["minutes"], match["seconds"])
    return -total if match["sign"] == "-" else total


def _total(days: str | None, hours: str | None, minutes: str | None, seconds: str | None) -> Decimal:
    return int(days or 0) * 86_400 + int(hours or 0) * 3_600 + int(minutes or 0) * 60 + Decimal(seconds or 0)
