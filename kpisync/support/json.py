"""JSON whose numbers are decimals from text to text: nothing passes through a float."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

_MOST_DIGITS = 1000  # a number with a larger exponent would be written out as so many zeros


def loads(text: str | bytes) -> Any:
    """Parse JSON; every number becomes a Decimal.

    Raises ValueError for what is no JSON, and for a key that occurs twice, NaN, Infinity, and bottomless nesting.
    """
    try:
        return json.loads(
            text, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number, object_pairs_hook=_unique
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except InvalidOperation:
        raise ValueError("a number out of all bounds") from None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def dumps(value: Any) -> str:
    """Write JSON on one line; a Decimal keeps its digits, never has an exponent, and -0 is 0.

    Raises TypeError for what JSON does not have, a float among it, and ValueError for a Decimal that is no number or
    too large to be written out.
    """
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{dumps(str(key))}: {dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return "[" + ", ".join(map(dumps, value)) + "]"
    raise TypeError(f"no JSON for {type(value).__name__}")


def _number(number: Decimal) -> str:
    if not number.is_finite():
        raise ValueError(f"{number} is no JSON number")
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and abs(exponent) > _MOST_DIGITS:
        raise ValueError(f"{number} is too large or too small to be written out")
    return format(number.copy_abs() if number.is_zero() else number, "f")


def _text(text: str) -> str:
    """Readable wherever it can be encoded; half a surrogate pair, which cannot, is escaped."""
    if text.isascii():
        return json.dumps(text)
    written = json.dumps(text, ensure_ascii=False)
    try:
        written.encode()
    except UnicodeEncodeError:
        return json.dumps(text)
    return written
