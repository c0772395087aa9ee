"""From one cell to a date, to minutes, or to the text of a code: by declared rules, never by a guess."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time
from decimal import Decimal

_EARLIEST, _LATEST = date(1970, 1, 1), date(2199, 12, 31)
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.0+)?)?")


class BadCell(ValueError):
    """A cell that is not what its column must hold; the text says what was found and what was expected."""


def quoted(cell: object) -> str:
    """A cell as it may stand in a message: cut, with control characters escaped."""
    text = cell if isinstance(cell, str) else str(cell)
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:40])
    return f"'{shown}…'" if len(text) > 40 else f"'{shown}'"


def code_text(cell: object) -> str:
    """A cell as a code to look up: composed (NFC), without outer blanks; 10 and 10.0 of a typed source are `10`."""
    if cell is None:
        return ""
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "backslashreplace")
    if isinstance(cell, float | Decimal) and cell == cell.__trunc__():
        cell = cell.__trunc__()
    text = str(cell)
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


def parse_date(cell: object, format: str | None) -> date | None:
    """A calendar day; None for an empty cell. Without a format: ISO dates, with 00:00 behind them at most."""
    if isinstance(cell, datetime):
        if cell.time() != time.min or cell.tzinfo is not None:
            raise BadCell(f"{quoted(cell)} has a time of day; cast it to a date in the query")
        return _in_range(cell.date(), cell)
    if isinstance(cell, date):
        return _in_range(cell, cell)
    text = code_text(cell)
    if not text:
        return None
    return _in_range(_text_date(text, format), text)


def _text_date(text: str, format: str | None) -> date:
    try:
        if format is None:
            match = _ISO.fullmatch(text)
            if not match:
                raise BadCell(f"{quoted(text)} is not a date such as 2026-11-20; give the date's format")
            return date(int(match[1]), int(match[2]), int(match[3]))
        if not text.isascii():
            raise BadCell(f"{quoted(text)} is not a date of the format {format}")
        if "%V" in format and not any(code in format for code in ("%u", "%w", "%a", "%A")):
            text, format = f"{text} 1", f"{format} %u"
        return datetime.strptime(text, format).date()  # noqa: DTZ007 - a calendar day has no zone
    except BadCell:
        raise
    except ValueError:
        wanted = "a date that exists" if format is None else f"a date of the format {format}"
        raise BadCell(f"{quoted(text)} is not {wanted}") from None


def _in_range(day: date, cell: object) -> date:
    if not _EARLIEST <= day <= _LATEST:
        raise BadCell(f"{quoted(cell)} lies outside {_EARLIEST.year}–{_LATEST.year}")
    return day


def parse_minutes(cell: object) -> Decimal | None:
    """A time of day as minutes since midnight, 14:43 → 883; seconds become a fraction, None for an empty cell."""
    if isinstance(cell, time):
        cell = cell.isoformat()
    text = code_text(cell)
    if not text:
        return None
    match = _TIME.fullmatch(text)
    if not match or int(match[1]) > 23 or int(match[2]) > 59 or int(match[3] or 0) > 59:
        raise BadCell(f"{quoted(text)} is not a time of day such as 14:43")
    return Decimal(int(match[1]) * 60 + int(match[2])) + Decimal(int(match[3] or 0)) / 60
