"""How instants, spans, numbers and texts of others stand in a page."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from kpisync.web.words import Words, written

LONGEST = 4000  # characters of one value; more of them help nobody to read it
_UNSEEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))
_DASH = "–"


def shown(value: object) -> object:
    """A value as it stands in a page: without what steers the text around it, of bounded length; None is a dash."""
    if value is None:
        return _DASH
    if isinstance(value, Markup | Undefined | int):
        return value
    return clean(f"{value:f}" if isinstance(value, Decimal) else str(value))


def clean(text: str) -> str:
    """Control characters, marks of direction and halves of characters are shown as �."""
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", cut)


@pass_context
def local(context: Context, instant: datetime | str | None) -> str:
    """An instant, or its ISO text, as the plant's clock shows it: `2026-11-20 06:15`."""
    moment = _moment(instant)
    return _DASH if moment is None else f"{moment.astimezone(context['zone']):%Y-%m-%d %H:%M}"


@pass_context
def ago(context: Context, instant: datetime | str | None) -> str:
    """`3 min ago`, or `in 3 min`, from now."""
    moment = _moment(instant)
    if moment is None:
        return _DASH
    seconds = (context["now"] - moment).total_seconds()
    words: Words = context["t"]
    direction = "ago" if seconds >= 0 else "ahead"
    for unit, size in _UNITS[:-1]:
        if abs(seconds) >= size:
            return words.count(f"{direction}.{unit}", int(abs(seconds) // size))
    return words(f"{direction}.now")


@pass_context
def span(context: Context, seconds: float | None) -> str:
    """`1 min 15 s`: the two largest units of it."""
    words: Words = context["t"]
    if seconds is None:
        return _DASH
    if math.isinf(seconds):
        return words("span.forever")
    left, parts = max(0, math.ceil(seconds)), []
    for unit, size in _UNITS:
        if left >= size:
            parts.append(words.count(f"span.{unit}", left // size))
            left %= size
    return " ".join(parts[:2]) or words.count("span.seconds", 0)


@pass_context
def number(context: Context, value: Decimal | float | str | None) -> str:
    """A number as text, never with an exponent, with the decimal sign of the language; None is a dash."""
    return written(value, context["t"].language)


def path_url(path: str) -> str:
    """The page of a value."""
    return f"/value?path={quote(path, safe='/', errors='replace')}"


def _moment(instant: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(instant) if isinstance(instant, str) else instant


FILTERS: Mapping[str, Callable[..., Any]] = {
    "local": local,
    "ago": ago,
    "span": span,
    "number": number,
    "path_url": path_url,
}
