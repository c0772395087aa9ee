"""pydantic's errors in plain words."""

from __future__ import annotations

import re
from typing import Any

from kpisync.registry import suggestion

_TEXT, _WHOLE, _NUMBER, _YES_NO = "text", "a whole number", "a number", "true or false"

# Kinds of "wrong type", and what was expected instead.
EXPECTED = {
    **dict.fromkeys(("string_type", "string_sub_type", "string_unicode", "bytes_type"), _TEXT),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), _WHOLE),
    **dict.fromkeys(("decimal_type", "decimal_parsing", "float_type", "float_parsing", "finite_number"), _NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), _YES_NO),
    **dict.fromkeys(("list_type", "set_type", "frozen_set_type", "tuple_type", "iterable_type"), "a list"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), "a mapping"),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), "a date such as 2026-11-20"),
    **dict.fromkeys(("time_delta_type", "time_delta_parsing"), "a duration"),
    "none_required": "nothing",
}

_BOUNDS = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} entries",
    "multiple_of": "must be a multiple of {multiple_of}",
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_max_places": "must have at most {decimal_places} decimals",
    "decimal_whole_digits": "must have at most {whole_digits} digits before the point",
}


def complaint(kind: str, detail: dict[str, Any], found: str | None) -> str:
    """The sentence for one error. `detail` is pydantic's context and `msg`; `found` the value, if it can be shown."""
    if kind in _BOUNDS:
        return _subject(_BOUNDS[kind].format_map(detail), found)
    if kind in ("string_too_short", "too_short"):
        return _too_short(int(detail["min_length"]), found, "characters" if kind.startswith("string") else "entries")
    if kind in ("enum", "literal_error"):
        return _not_one_of(str(detail["expected"]), found)
    if kind == "string_pattern_mismatch":
        return _not_like(str(detail["pattern"]), found)
    if kind in ("value_error", "assertion_error"):
        text = str(detail.get("error", "")) or "this is not allowed"
        return _subject(f"is {text}", found) if text.startswith("not ") else text
    text = str(detail["msg"])
    return text[:1].lower() + text[1:]


def _subject(rest: str, found: str | None) -> str:
    return f"{found or 'this'} {rest}"


def _too_short(least: int, found: str | None, unit: str) -> str:
    return "must not be empty" if least == 1 else _subject(f"must have at least {least} {unit}", found)


def _not_one_of(expected: str, found: str | None) -> str:
    words = re.findall(r"'([^']*)'", expected)
    known = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words) or expected
    if found is None:
        return f"expected {known}"
    near = suggestion(found.strip('"'), words)
    return f"expected {known}, found {found}{near}"


def _not_like(pattern: str, found: str | None) -> str:
    word = re.fullmatch(r"\^(\w+)\$", pattern)
    return _not_one_of(word[1], found) if word else _subject(f"does not match the pattern {pattern}", found)
