"""Cells of every source as texts, with a note of what they are."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from kpisync.mapping.parse import code_text

TEXT, NUMBER, DATE, MOMENT, OTHER = "text", "number", "date", "moment", "other"


def kind_of(cell: object) -> str:
    """A moment is a date with a time of day; a date at midnight is a date."""
    if isinstance(cell, str | bytes):
        return TEXT
    if isinstance(cell, datetime):
        return DATE if cell.time() == time() and cell.tzinfo is None else MOMENT
    if isinstance(cell, date):
        return DATE
    if isinstance(cell, bool | time | timedelta):
        return "boolean" if isinstance(cell, bool) else "time"
    return NUMBER if isinstance(cell, int | float | Decimal) else OTHER


def text_of(cell: object) -> str:
    """As it is looked up by a lookup: without outer blanks, 10.0 as `10`; the day alone of a date at midnight."""
    if isinstance(cell, datetime) and kind_of(cell) == DATE:
        return cell.date().isoformat()
    return code_text(cell)
