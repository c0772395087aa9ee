"""JSON whose numbers are decimals from text to text: nothing passes through a float."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any


def loads(text: str | bytes) -> Any:
    """Parse JSON; numbers become Decimal. Raises ValueError, also for NaN and Infinity."""
    try:
        return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except InvalidOperation:
        raise ValueError("a number out of all bounds") from None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def dumps(value: Any) -> str:
    """Write JSON on one line; a Decimal keeps its digits and never has an exponent."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if value is None or isinstance(value, str | bool | int):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{dumps(str(key))}: {dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(dumps, value)) + "]"
    raise TypeError(f"no JSON for {type(value).__name__}")
