"""JSON whose numbers keep their exact digits: text to Decimal, and Decimal to text without an exponent."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

_DIGITS = 40  # far more than any KPI needs, and few enough that 1e999999 is not written out


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text[:_DIGITS]} is out of range") from None
    if len(text) > _DIGITS or abs(number.adjusted()) > _DIGITS:
        raise ValueError(f"{text[:_DIGITS]} has more than {_DIGITS} digits")
    return number


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=_no_number)


def read(body: bytes) -> Any:
    """The JSON document; every number in it is a Decimal. Raises ValueError, whose text says what is wrong."""
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def written(number: Decimal) -> str:
    """The number as JSON, digit by digit as it came in."""
    return format(number, "f")
