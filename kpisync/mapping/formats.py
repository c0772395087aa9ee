"""The formats of dates and times that a job may declare, and texts read by them: strptime without what it guesses."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

EXCEL, EXCEL_1904, CYYDDD = "excel", "excel-1904", "cyyddd"
# Serial 60 of the 1900 system is a 29 February that never was; from 1 March 1900 on, days count from 30 December 1899.
_SERIAL_ZERO = MappingProxyType({EXCEL: date(1899, 12, 30), EXCEL_1904: date(1904, 1, 1)})
_SERIAL = re.compile(r"[0-9]{1,6}(?:\.([0-9]{1,20}))?")
_MS_A_DAY = 86_400_000

_SIDE_BY_SIDE = re.compile(r"%[a-zA-Z]%[a-zA-Z]")
_OFFSET = re.compile(r" ?(?:Z|[+-][0-9]{2}:?[0-9]{2})$")
_WEEKDAYS = frozenset("uwaA")
_COUNTED_UP = frozenset("VUWj")  # where one too many leads into the next year
_CLOCK = frozenset("HIMSfpcX")
_YEARS = frozenset("YyGcx")
_PADDED = MappingProxyType({"%H%M%S": 6, "%H%M": 4})  # zeros at the front get lost in numbers
_SAMPLES = (date(2027, 11, 30), date(2028, 2, 29), date(2026, 9, 14))  # in different weeks of their years
_EVENING = time(19, 43, 21)
_LEAP_YEAR = 2000


# ---------------------------------------------------------------- what may be declared


def check_format(format: str) -> str:
    """The format, if it says all that a date needs; strptime would fill up the rest by itself. Raises ValueError."""
    if format in (EXCEL, EXCEL_1904, CYYDDD):
        return format
    found = _directives(format)
    if "Z" in found:
        raise ValueError("names of time zones are not unique; an offset such as +01:00 is %z")
    if "z" in found and (not format.endswith("%z") or not found & _CLOCK):
        raise ValueError("%z stands at the end, after a time of day")
    if not found & _YEARS:
        raise ValueError("a date needs a year, such as %Y")
    if found & {"U", "W"} and not found & _WEEKDAYS:
        raise ValueError("a week by %U or %W needs a weekday; an ISO week is %G-W%V")
    if not _complete(format.removesuffix("%z")):
        raise ValueError("the format leaves a part of the date open; %d.%m.%Y, %Y-%m, %G-W%V and %Y say enough")
    return format


def check_format_without_year(format: str) -> str:
    """The format, if it says a day or month of any year. Raises ValueError."""
    found = _directives(format)
    if format in (EXCEL, EXCEL_1904, CYYDDD) or found & _YEARS:
        raise ValueError("the format has a year, and the year is to come from another column")
    if found - set("dmbB%") or not _complete(f"%Y {format}"):
        raise ValueError("beside a year, a date is a month or a day of a month, such as %d%m or %b")
    return format


def check_clock_format(format: str) -> str:
    """The format, if it says a time of day and nothing else. Raises ValueError."""
    found = _directives(format)
    if found - _CLOCK - {"%"} or "c" in found:
        raise ValueError("a time of day has no date and no zone in its format; %H:%M:%S and %H%M%S are such formats")
    if _clock_of(format) is None:
        raise ValueError("not a time of day such as %H:%M, %H%M%S or %I:%M %p")
    return format


def _complete(format: str) -> bool:
    """Whether a format leads back to what was written by it. Raises ValueError for one that strptime does not know."""
    try:
        days = all(_strptime(day.strftime(format), format).date() in _starts(day) for day in _SAMPLES)
    except ValueError as error:
        raise ValueError(f"not a date format: {error}") from None
    return days and (not _directives(format) & _CLOCK or _clock_of(format) is not None)


def _clock_of(format: str) -> time | None:
    """What an evening is read back as; None if its hour gets lost."""
    try:
        clock = _strptime(datetime.combine(_SAMPLES[0], _EVENING).strftime(format), format).time()
    except ValueError:
        return None
    return clock if clock.hour == _EVENING.hour else None


def _starts(day: date) -> set[date]:
    """The day, and the first days of its ISO week, month and year: what a format may name."""
    monday = date.fromordinal(day.toordinal() - day.weekday())
    return {day, monday, day.replace(day=1), day.replace(month=1, day=1)}


def _directives(format: str) -> frozenset[str]:
    return frozenset(re.findall(r"%(.)", format, re.DOTALL))


# ---------------------------------------------------------------- what is read; each raises ValueError


def read_by_format(text: str, format: str) -> date | datetime:
    """A day, or a moment where the format has a time of day; without a zone unless it ends with %z."""
    if format in _SERIAL_ZERO:
        return _serial(text, format)
    if format == CYYDDD:
        return _cyyddd(text)
    if not format.endswith("%z"):
        return _read(text, format)
    offset = _OFFSET.search(text)
    if offset is None:
        raise ValueError
    moment = _read(text[: offset.start()], format.removesuffix("%z").rstrip())
    zone = datetime.strptime(offset[0].strip(), "%z").tzinfo
    return datetime.combine(moment, moment.time(), zone) if isinstance(moment, datetime) else moment


def read_without_year(text: str, format: str, first: date) -> date | None:
    """The first such day on or after another one; None if the year from there on has none, as for 29 February."""
    written = _strptime(f"{_LEAP_YEAR} {text}", f"%Y {format}")
    if not _says_the_same(f"{_LEAP_YEAR} {text}", written.strftime(f"%Y {format}"), f"%Y {format}"):
        raise ValueError
    for year in (first.year, first.year + 1):
        if (written.month, written.day) == (2, 29) and not _is_leap(year):
            continue
        day = date(year, written.month, written.day)
        if first <= day < _a_year_after(first):
            return day
    return None


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _a_year_after(day: date) -> date:
    return date(day.year + 1, 3, 1) if (day.month, day.day) == (2, 29) else day.replace(year=day.year + 1)


def read_clock(text: str, format: str) -> time:
    """A time of day; by %H%M%S and %H%M, zeros may be missing at its front (1021 is 00:10:21)."""
    if format in _PADDED and text.isdigit():
        text = text.zfill(_PADDED[format])
    moment = _read(text, format)
    return moment.time() if isinstance(moment, datetime) else time()


def _read(text: str, format: str) -> date | datetime:
    """strptime, but for what it guesses: it reads 2024111 by %Y%m%d, and the 53rd week of a year that has 52."""
    moment = _strptime(text, format)
    if not text.isascii() or not _says_the_same(text, moment.strftime(format), format):
        raise ValueError
    return moment if _directives(format) & _CLOCK else moment.date()


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


def _serial(text: str, format: str) -> datetime:
    """Days since the system's day zero; the fraction is the time of day, to the millisecond."""
    match = _SERIAL.fullmatch(text)
    if not match or not text.isascii():
        raise ValueError
    days, _, fraction = text.partition(".")
    scale = 10 ** len(fraction)
    milliseconds = (int(fraction or 0) * _MS_A_DAY * 2 + scale) // (2 * scale)
    midnight = datetime.combine(_SERIAL_ZERO[format], time.min)
    return midnight + timedelta(days=int(days), milliseconds=milliseconds)


def _cyyddd(text: str) -> date:
    """JD Edwards: centuries since 1900, year of the century, day of the year; zeros at its front get lost."""
    if not re.fullmatch("[0-9]{1,6}", text):
        raise ValueError
    years, day = divmod(int(text), 1000)
    found = date(1900 + years, 1, 1) + timedelta(days=day - 1)
    if found.year != 1900 + years:
        raise ValueError
    return found
