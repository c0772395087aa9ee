"""Column types that a database cannot bend: exact numbers, instants in UTC, days, and words of a fixed list.

SQLite drops time zones and passes Numeric through float, so numbers are stored as text and instants as integers.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Integer, SmallInteger, String
from sqlalchemy.types import TypeDecorator

from kpisync.errors import StateError

E = TypeVar("E", bound=StrEnum)

_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def as_text(number: Decimal) -> str:
    """The one text of a number: `1.0` and `1.00` are `1`, `-0` is `0`, no exponent. ValueError for NaN and infinity."""
    if not number.is_finite():
        raise ValueError(f"{number} is not a number that can be stored")
    text = str(number)
    if "E" in text:
        text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def as_number(text: str) -> Decimal:
    """The number of a stored text; StateError if the text was damaged."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise damaged(text, "a number") from None


def damaged(found: object, wanted: str) -> StateError:
    return StateError(
        f"the state store holds {found!r} where {wanted} should be",
        hint="The file is damaged: bring back a copy with `kpisync state restore FILE`.",
    )


def as_milliseconds(instant: datetime) -> int:
    """Since 1970 in UTC, rounded up: what settles is never looked at too early. ValueError without a time zone."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone: it is not an instant")
    return -((_1970 - instant) // _MILLISECOND)


def plain(text: str, limit: int = 1000) -> str:
    """Text that every database takes: no lone surrogates, no NUL, and cut to `limit` characters."""
    if len(text) <= limit and text.isascii() and "\0" not in text:
        return text
    text = text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")
    return text if len(text) <= limit else text[: limit - 1] + "…"


class Exact(TypeDecorator[Decimal]):
    """A Decimal as its canonical text."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> str | None:
        return None if value is None else as_text(value)

    def process_result_value(self, value: Any, dialect: Any) -> Decimal | None:
        return None if value is None else as_number(value)


class Instant(TypeDecorator[datetime]):
    """An aware datetime as the milliseconds since 1970, so that stored numbers sort like instants."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return None if value is None else as_milliseconds(value)

    def process_result_value(self, value: Any, dialect: Any) -> datetime | None:
        return None if value is None else _1970 + value * _MILLISECOND


class Day(TypeDecorator[date]):
    """A date as its ordinal: three bytes instead of ten."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Any) -> int | None:
        return None if value is None else value.toordinal()

    def process_result_value(self, value: Any, dialect: Any) -> date | None:
        return None if value is None else date.fromordinal(value)


class Coded(TypeDecorator[E]):
    """A word of a fixed list as its place in it, from 0; a list in use may only grow at its end."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, words: tuple[E, ...]) -> None:
        super().__init__()
        self.words = words
        self._codes = {word: code for code, word in enumerate(words)}

    def code(self, word: E) -> int:
        return self._codes[word]

    def word(self, code: int) -> E:
        """StateError if the code was damaged."""
        if not isinstance(code, int) or not 0 <= code < len(self.words):
            raise damaged(code, "a status")
        return self.words[code]

    def process_bind_param(self, value: E | None, dialect: Any) -> int | None:
        return None if value is None else self.code(value)

    def process_result_value(self, value: Any, dialect: Any) -> E | None:
        return None if value is None else self.word(value)
