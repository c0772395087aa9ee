"""From one cell to a date, to a time of day, or to the text of a code: by declared rules, never by a guess."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time
from decimal import Decimal

_EARLIEST, _LATEST = date(1970, 1, 1), date(2199, 12, 31)
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.0+)?)?")
_SIDE_BY_SIDE = re.compile(r"%[a-zA-Z]%[a-zA-Z]")
_WEEKDAYS = frozenset("uwaA")
_COUNTED_UP = frozenset("VUWj")  # where one too many leads into the next year
_SAMPLES = (date(2027, 11, 30), date(2028, 2, 29), date(2026, 9, 14))  # in different weeks of their years
_WRITTEN_OUT = 100  # digits of a typed number


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
    return _in_range(_iso_date(text) if format is None else _formatted_date(text, format), text)


def _iso_date(text: str) -> date:
    match = _ISO.fullmatch(text)
    if not match:
        raise BadCell(f"{quoted(text)} is not a date such as 2026-11-20; give the date's format")
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise BadCell(f"{quoted(text)} is not a date that exists") from None


def _formatted_date(text: str, format: str) -> date:
    """strptime, but for what it guesses: it reads 2024111 by %Y%m%d, and the 53rd week of a year that has 52."""
    try:
        moment = _strptime(text, format)
        if text.isascii() and _says_the_same(text, moment.strftime(format), format):
            return moment.date()
    except ValueError:
        pass
    raise BadCell(f"{quoted(text)} is not a date of the format {format}")


def _says_the_same(text: str, written: str, format: str) -> bool:
    """Whether a text is what its date would be written as, leading zeros aside unless they hold digits apart."""
    if _SIDE_BY_SIDE.search(format):
        return text == written
    return not _directives(format) & _COUNTED_UP or _numbers(text) == _numbers(written)


def _numbers(text: str) -> list[int]:
    return [int(digits) for digits in re.findall("[0-9]+", text)]


def _strptime(text: str, format: str) -> datetime:
    """A week without a weekday is its Monday."""
    if "V" in _directives(format) and not _WEEKDAYS & _directives(format):
        text, format = f"{text} 1", f"{format} %u"
    return datetime.strptime(text, format)  # noqa: DTZ007 - a calendar day has no zone


def _directives(format: str) -> frozenset[str]:
    return frozenset(re.findall(r"%(.)", format, re.DOTALL))


def check_format(format: str) -> str:
    """The format, if it says all that a date needs; strptime would fill up the rest by itself. Raises ValueError."""
    found = _directives(format)
    if found & {"z", "Z"}:
        raise ValueError("a time zone in a date is not converted; cast it to the plant's date in the source")
    if not found & {"Y", "y", "G", "c", "x"}:
        raise ValueError("a date needs a year, such as %Y")
    if found & {"U", "W"} and not found & _WEEKDAYS:
        raise ValueError("a week by %U or %W needs a weekday; an ISO week is %G-W%V")
    try:
        complete = all(_strptime(day.strftime(format), format).date() in _starts(day) for day in _SAMPLES)
    except ValueError as error:
        raise ValueError(f"not a date format: {error}") from None
    if not complete:
        raise ValueError("the format leaves a part of the date open; %d.%m.%Y, %Y-%m, %G-W%V and %Y say enough")
    return format


def _starts(day: date) -> set[date]:
    """The day, and the first days of its ISO week, month and year: what a format may name."""
    monday = date.fromordinal(day.toordinal() - day.weekday())
    return {day, monday, day.replace(day=1), day.replace(month=1, day=1)}


def _in_range(day: date, cell: object) -> date:
    if not _EARLIEST <= day <= _LATEST:
        raise BadCell(f"{quoted(cell)} lies outside {_EARLIEST.year}–{_LATEST.year}")
    return day


def parse_seconds(cell: object) -> Decimal | None:
    """A time of day as seconds since midnight; None for an empty cell. Whole numbers, so that sums stay exact."""
    text = cell.isoformat() if isinstance(cell, time) else code_text(cell)
    if not text:
        return None
    match = _TIME.fullmatch(text)
    if not match or int(match[1]) > 23 or int(match[2]) > 59 or int(match[3] or 0) > 59:
        raise BadCell(f"{quoted(text)} is not a time of day such as 14:43")
    return Decimal(int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0))
