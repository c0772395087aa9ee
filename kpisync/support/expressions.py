"""JMESPath expressions that find parts of a JSON document; numbers in it are Decimals, and stay what they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator

from kpisync.support.json import loads

# They take a Decimal for no number, or make another number of it.
_COMPUTING = ("abs", "avg", "ceil", "floor", "sum", "to_number", "to_string", "type")


class Unfit(ValueError):
    """An expression that cannot be applied to a document; the text says why."""


def check_expression(text: str) -> str:
    """The expression, if it is one that can be used; otherwise a ValueError that says where it goes wrong."""
    _parsed(text)
    return text


Expression = Annotated[str, AfterValidator(check_expression)]


def compiled(text: str) -> Callable[[object], Any]:
    """What finds the part of a document; None where there is none. It raises Unfit."""
    from jmespath.visitor import TreeInterpreter

    tree, interpreter = _parsed(text), TreeInterpreter()

    def find(document: object) -> Any:
        try:
            return interpreter.visit(tree, document)
        except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
            raise Unfit(f"{text} does not fit: {_line(error)}") from None

    return find


def _parsed(text: str) -> Any:
    import jmespath

    try:
        parsed = jmespath.compile(text).parsed
    except ValueError as error:
        raise ValueError(f"not a JMESPath expression: {_why(error, len(text))}") from None
    except RecursionError:
        raise ValueError("not a JMESPath expression: nested too deeply") from None
    return _exact(parsed)


def _exact(node: Any) -> Any:
    """The same tree with Decimals in place of floats, so that `qty > 0.1` compares exactly. Raises ValueError."""
    from jmespath.functions import Functions

    if not isinstance(node, dict):  # a bound of a slice
        return node
    if node["type"] == "literal":
        return {**node, "value": loads(json.dumps(node["value"]))}
    if node["type"] == "function_expression":
        name = node["value"]
        if name not in Functions.FUNCTION_TABLE:
            raise ValueError(f"JMESPath has no function {name}()")
        if name in _COMPUTING:
            raise ValueError(f"{name}() is not available: numbers are taken as they stand, and computed under map")
    return {**node, "children": [_exact(child) for child in node["children"]]}


def _why(error: ValueError, length: int) -> str:
    position = getattr(error, "lex_position", None)
    if position is None:
        return "it is empty" if length == 0 else _line(error)
    if position >= length:
        return "something is missing at its end"
    return f"{_line(getattr(error, 'message', None) or getattr(error, 'msg', error))} at character {position + 1}"


def _line(said: object) -> str:
    """The first line, for the library draws arrows below it."""
    text = next(iter(str(said).splitlines()), "")
    return text[:1].lower() + text[1:200]


def is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)
