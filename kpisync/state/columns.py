"""Column types that a database cannot bend: exact numbers, instants in UTC, and days.

SQLite drops time zones and passes Numeric through float, so numbers and instants are stored as text.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Integer, String
from sqlalchemy.types import TypeDecorator

from kpisync.errors import StateError


def as_text(number: Decimal) -> str:
    """The one text of a number: `1.0` and `1.00` are `1`, `-0` is `0`, no exponent. ValueError for NaN and infinity."""
    if not number.is_finite():
        raise ValueError(f"{number} is not a number that can be stored")
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


def plain(text: str, limit: int = 1000) -> str:
    """Text that every database takes: no lone surrogates, no NUL, and cut to `limit` characters."""
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
    """An aware datetime as ISO text in UTC, of fixed width, so that texts sort like instants."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: it is not an instant")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Any) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class Day(TypeDecorator[date]):
    """A date as its ordinal: three bytes instead of ten."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Any) -> int | None:
        return None if value is None else value.toordinal()

    def process_result_value(self, value: Any, dialect: Any) -> date | None:
        return None if value is None else date.fromordinal(value)
