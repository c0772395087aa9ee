"""From one cell to a date or moment, a time of day, or the text of a code: by declared rules, never by a guess."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType

from kpisync.mapping.formats import CYYDDD, EXCEL, EXCEL_1904, read_by_format, read_clock

EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ](?P<clock>([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)"
    r" ?(?P<offset>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]{1,9})?))?")
_WRITTEN_OUT = 100  # digits of a typed number
_NAMED = MappingProxyType(  # formats that are no pattern
    {
        EXCEL: "an Excel serial, such as 46346",
        EXCEL_1904: "an Excel serial, such as 44884",
        CYYDDD: "a date of the form CYYDDD, such as 126324",
    }
)


class BadCell(ValueError):
    """A cell that is not what its column must hold; the text says what was found and what was expected."""


def quoted(cell: object) -> str:
    """A cell as it may stand in a message: cut, with control characters escaped."""
    text = cell if isinstance(cell, str) else str(cell)
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:40])
    return f"'{shown}…'" if len(text) > 40 else f"'{shown}'"


def code_text(cell: object) -> str:
    """A cell as a code to look up: composed (NFC), without outer blanks; 10 and 10.0 of a typed source are `10`."""
    if isinstance(cell, str):
        return cell.strip() if cell.isascii() else unicodedata.normalize("NFC", cell).strip()
    if cell is None:
        return ""
    if isinstance(cell, bytes | bytearray | memoryview):
        return code_text(bytes(cell).decode("utf-8", "backslashreplace"))
    if isinstance(cell, float | int | Decimal) and not isinstance(cell, bool):
        return _number_text(Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell))
    return code_text(str(cell))


def _number_text(number: Decimal) -> str:
    if not number.is_finite() or abs(number.adjusted()) > _WRITTEN_OUT:
        return str(number)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse_moment(cell: object, format: str | None) -> date | datetime | None:
    """A calendar day, or a moment where a time of day is written or declared; None for an empty cell.

    Without a format: ISO. A moment has no zone unless its cell names one.
    """
    if isinstance(cell, date):
        return _in_range(cell, cell)
    text = code_text(cell)
    if not text:
        return None
    if format is None:
        return _in_range(_iso(text), text)
    try:
        return _in_range(read_by_format(text, format), text)
    except BadCell:
        raise
    except (ValueError, OverflowError):
        what = _NAMED.get(format, f"a date of the format {format}")
        raise BadCell(f"{quoted(text)} is not {what}") from None


def parse_date(cell: object, format: str | None) -> date | None:
    """A calendar day, as it is written; None for an empty cell. Midnight is no time of day."""
    found = parse_moment(cell, format)
    if not isinstance(found, datetime):
        return found
    if found.time() != time.min or found.tzinfo is not None:
        raise BadCell(f"{quoted(cell)} has a time of day; cast it to a date in the query")
    return found.date()


def _iso(text: str) -> date | datetime:
    match = _ISO.fullmatch(text)
    if not match:
        raise BadCell(f"{quoted(text)} is not a date such as 2026-11-20; give the date's format")
    year, month, day, hour, minute, second, fraction = match.group(1, 2, 3, 5, 6, 7, 8)
    try:
        if match["clock"] is None:
            return date(int(year), int(month), int(day))
        micros = int((fraction or "").ljust(6, "0")[:6])
        clock = int(hour), int(minute), int(second or 0), micros
        return datetime(int(year), int(month), int(day), *clock, tzinfo=_offset(match["offset"]))
    except ValueError:
        raise BadCell(f"{quoted(text)} is not a date that exists") from None


def _offset(text: str | None) -> timezone | None:
    """`Z`, `+01`, `+0100` or `+01:00`; Postgres writes the second one."""
    if text is None:
        return None
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _in_range(moment: date | datetime, cell: object) -> date | datetime:
    day = moment.date() if isinstance(moment, datetime) else moment
    if not EARLIEST <= day <= LATEST:
        raise BadCell(f"{quoted(cell)} lies outside {EARLIEST.year}–{LATEST.year}")
    return moment


def parse_clock(cell: object, format: str | None) -> time | None:
    """A time of day; None for an empty cell. Without a format: 19:00, 19:00:21."""
    if format is None or isinstance(cell, date | time | timedelta):
        seconds = parse_seconds(cell)
        return None if seconds is None else _time_at(seconds)
    text = code_text(cell)
    try:
        return read_clock(text, format) if text else None
    except ValueError:
        raise BadCell(f"{quoted(text)} is not a time of the format {format}") from None


def _time_at(seconds: Decimal) -> time:
    """To the microsecond."""
    minutes, rest = divmod(seconds, 60)
    return time(int(minutes) // 60, int(minutes) % 60, int(rest), int(rest % 1 * 1_000_000))


def parse_seconds(cell: object) -> Decimal | None:
    """A time of day as seconds since midnight; None for an empty cell. A moment without a zone counts by its clock."""
    if isinstance(cell, datetime) and cell.tzinfo is None:
        cell = cell.time()
    text = cell.isoformat() if isinstance(cell, time) else code_text(cell)
    if not text:
        return None
    match = _TIME.fullmatch(text)
    if not match or int(match[1]) > 23 or int(match[2]) > 59 or Decimal(match[3] or 0) >= 60:
        raise BadCell(f"{quoted(text)} is not a time of day such as 14:43")
    return int(match[1]) * 3600 + int(match[2]) * 60 + Decimal(match[3] or 0)
