"""One cell → a Decimal: by the declared separators and signs, never by a guess."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from kpisync.model import NumberFormat
from kpisync.tables.cells import shown

MOST_DIGITS = 34  # significant; what a decimal128 holds
MOST_EXPONENT = 18  # of a text in exponent form

_MOST_CHARACTERS = 100
_MINUS = ("-", "\u2212")
_SIGNS = (*_MINUS, "+")
_ALL_SIGNS = "".join(_SIGNS)
_SAME = {" ": " \u00a0\u202f", "'": "'\u2019"}  # the ways to type one thousands separator
_LOOKS_NUMERIC = re.compile(r"[0-9.,'\u2019 \u00a0\u202f]+")


class BadNumber(ValueError):
    """A cell that is no number of its format; the text says which cell, and what to declare if something would help."""


def parse_number(cell: object, fmt: NumberFormat) -> Decimal | None:
    """The number in a cell; None where the cell is empty or a null token. Raises BadNumber.

    Text is read by `fmt`. An int, a Decimal, a float (by its shortest text) and bytes (the ASCII text by which SQLite
    stores decimals) are numbers already; a bool, a date and the like are not.
    """
    if isinstance(cell, str):
        return _from_text(cell, fmt)
    if cell is None:
        return None
    return _from_typed(cell, fmt)


def is_null(cell: object, fmt: NumberFormat) -> bool:
    """Whether a cell, be it a number or a time or a code, is empty or a null token."""
    if isinstance(cell, bytes):
        cell = cell.decode("ascii", "replace")
    return cell is None or (isinstance(cell, str) and (not cell.strip() or cell.strip() in fmt.nulls))


class _Grammar(NamedTuple):
    """How a format writes a number without its sign."""

    number: re.Pattern[str]  # groups: leading sign, whole, fraction, exponent, trailing sign
    separators: re.Pattern[str] | None  # the thousands separators in the whole part


@lru_cache(maxsize=16)
def _simple(decimal: str) -> re.Pattern[str]:
    """What most numbers are in every format with this decimal separator; it only saves time."""
    return re.compile(f"-?[0-9]+(?:{re.escape(decimal)}[0-9]+)?")


@lru_cache(maxsize=256)
def _grammar(fmt: NumberFormat) -> _Grammar:
    whole, separators = "[0-9]+", None
    if fmt.thousands:
        group = f"[{re.escape(_SAME.get(fmt.thousands, fmt.thousands))}]"
        whole, separators = f"[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+|[0-9]+", re.compile(group)
    lead = r"([-+\u2212]?)" if "leading" in fmt.signs else "()"
    trail = r"([-+\u2212]?)" if "trailing" in fmt.signs else "()"
    point = re.escape(fmt.decimal)
    number = f"{lead}({whole}|(?={point}))(?:{point}([0-9]+))?(?:[eE]([+-]?[0-9]{{1,6}}))?{trail}"
    return _Grammar(re.compile(number), separators)


def _from_text(cell: str, fmt: NumberFormat) -> Decimal | None:
    text = cell.strip()
    if not text or text in fmt.nulls:
        return None
    if len(text) <= MOST_DIGITS and _simple(fmt.decimal).fullmatch(text) and (text[0] != "-" or "leading" in fmt.signs):
        number = Decimal(text if fmt.decimal == "." else text.replace(fmt.decimal, "."))
        return number or abs(number)
    if fmt.apostrophe and text[0] == "'" and text[1:2] != "'":
        return _from_text(text[1:], _without_apostrophe(fmt))
    if len(text) > _MOST_CHARACTERS:
        raise BadNumber(f"{shown(text)} is too long for a number")
    negative, body = False, text
    if text[0] == "(" and text[-1] == ")" and "parentheses" in fmt.signs:
        negative, body = True, text[1:-1].strip()
    grammar = _grammar(fmt)
    match = grammar.number.fullmatch(body)
    if match is None:
        raise BadNumber(_why(text, fmt))
    lead, whole, fraction, exponent, trail = match.groups()
    if (lead and trail) or (negative and (lead or trail)):
        raise BadNumber(f"{shown(text)} has two signs")
    if grammar.separators and whole and not whole.isdigit():
        if exponent:
            raise BadNumber(f"{shown(text)} has thousands separators and an exponent; one of them is a mistake")
        whole = grammar.separators.sub("", whole)
    number = _unsigned(text, whole if fraction is None else f"{whole}.{fraction}", exponent)
    return -number if number and (negative or (lead or trail) in _MINUS) else number


@lru_cache(maxsize=16)
def _without_apostrophe(fmt: NumberFormat) -> NumberFormat:
    return replace(fmt, apostrophe=False)


def _unsigned(text: str, digits: str, exponent: str | None) -> Decimal:
    if exponent is None:
        return Decimal(digits) if len(digits) <= MOST_DIGITS else _bounded(Decimal(digits), text)
    number = Decimal(f"{digits}E{exponent}")
    if number and abs(number.adjusted()) > MOST_EXPONENT:
        raise BadNumber(f"{shown(text)} has an exponent beyond {MOST_EXPONENT}")
    return _bounded(number, text)


def _bounded(number: Decimal, cell: object) -> Decimal:
    """The number, written out, if it is of a size that can be sent; zero is zero at any exponent."""
    if not number:
        return Decimal(0)
    if not -MOST_DIGITS <= number.adjusted() < MOST_DIGITS:
        raise BadNumber(f"{shown(cell)} is larger, or nearer to zero, than a number may be")
    _, digits, exponent = number.as_tuple()
    if len(digits) > MOST_DIGITS and len("".join(map(str, digits)).strip("0")) > MOST_DIGITS:
        raise BadNumber(f"{shown(cell)} has more than {MOST_DIGITS} significant digits")
    return Decimal(f"{number:f}") if isinstance(exponent, int) and exponent > 0 else number


def _from_typed(cell: object, fmt: NumberFormat) -> Decimal | None:
    if isinstance(cell, bytes):
        return _from_text(_ascii(cell), _as_stored(fmt.nulls))
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
        raise BadNumber(f"{shown(cell)} is a {type(cell).__name__}, not a number")
    number = Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell)
    if not number.is_finite():
        raise BadNumber(f"{shown(number)} is not a finite number")
    return _bounded(number, number)


@lru_cache(maxsize=16)
def _as_stored(nulls: frozenset[str]) -> NumberFormat:
    """A database writes decimals in bytes with a point, whatever the locale of the exports is."""
    return NumberFormat(nulls=nulls)


def _ascii(cell: bytes) -> str:
    try:
        return cell.decode("ascii")
    except UnicodeDecodeError:
        raise BadNumber(f"{shown(cell)} is binary, not a number") from None


def _why(text: str, fmt: NumberFormat) -> str:
    """What is wrong with a cell, and the declaration that would make it right, if there is one."""
    quoted = shown(text)
    if not any(map(str.isdigit, text)) or text[0] == "#":
        return f"{quoted} is not a number; if it means no value, declare it under null"
    if any(char.isdigit() and not char.isascii() for char in text):
        return f"{quoted} has digits other than 0 to 9"
    if text[0] == "(" and text[-1] == ")":
        return f"{quoted} is not a number; if parentheses mean minus, declare sign: [leading, trailing, parentheses]"
    for sign, place in (("leading", text[0]), ("trailing", text[-1])):
        if place in _SIGNS and sign not in fmt.signs:
            return f"{quoted} has a {sign} sign, which is not declared under sign"
    if text[0] == "'" and not fmt.apostrophe and _LOOKS_NUMERIC.fullmatch(text[1:].strip(_ALL_SIGNS)):
        return f"{quoted} begins with an apostrophe; if the export puts it there, declare strip_apostrophe: true"
    body = text.strip(_ALL_SIGNS)
    if not _LOOKS_NUMERIC.fullmatch(body):
        return f"{quoted} is not a number: {shown(_LOOKS_NUMERIC.sub('', body)[:1])} is no part of one there"
    if len(text) - len(body) > 1:
        return f"{quoted} has two signs"
    return f"{quoted} {_misplaced(body, fmt)}"


def _misplaced(body: str, fmt: NumberFormat) -> str:
    """Which separator of a number, that is digits and separators otherwise, does not stand where it may."""
    foreign = next((char for char in body if not char.isdigit() and char not in _separators(fmt)), None)
    if foreign is not None:
        return _undeclared(body, foreign, fmt)
    if body.count(fmt.decimal) > 1:
        return f"has the decimal separator {fmt.decimal!r} more than once"
    if body.endswith(fmt.decimal):
        return f"has no digits behind its decimal separator {fmt.decimal!r}"
    return f"has {fmt.thousands!r}, which separates thousands here, so it must stand before groups of three digits"


def _separators(fmt: NumberFormat) -> str:
    return fmt.decimal + (_SAME.get(fmt.thousands, fmt.thousands) if fmt.thousands else "")


def _undeclared(body: str, foreign: str, fmt: NumberFormat) -> str:
    plain = " " if foreign.isspace() else "'" if foreign == "\u2019" else foreign
    found = f"has {plain!r}, but the decimal separator is {fmt.decimal!r}"
    if re.search(f"[0-9]{re.escape(foreign)}[0-9]{{3}}(?![0-9])", body):
        return f'{found}; if it separates thousands, declare thousands: "{plain}"'
    return f'{found}; if it separates the decimals, declare decimal: "{plain}"' if plain in ".," else found
