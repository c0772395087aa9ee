"""What the cells of a column say of decimal and thousands separators: those that can mean one thing only decide."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

ERRORS = (
    "#n/a",
    "#nv",
    "#n/v",
    "#div/0!",
    "#value!",
    "#wert!",
    "#ref!",
    "#bezug!",
    "#name?",
    "#num!",
    "#zahl!",
    "#null!",
)
NULLS = ("-", "--", "?", "n/a", "null", "k.a.", *ERRORS)
_BODY = re.compile(r"[0-9]+(?:[.,'’ \u00a0\u202f][0-9]+)*|[.,][0-9]+")
_SEPARATOR = re.compile(r"[.,'’ \u00a0\u202f]")
_SAME = {"’": "'", "\u00a0": " ", "\u202f": " "}
_OTHER = {".": ",", ",": "."}
_SIGN = "+-\u2212"
_MOST_ODD = 0.1  # share of the different cells of a typed column that may be other text

Cells = Mapping[str, str]  # a text, and the place that has it first, such as line 3


@dataclass
class Evidence:
    """Separators, each with a cell that shows what it is: `text (line 3)`."""

    decimal: dict[str, str] = field(default_factory=dict)
    thousands: dict[str, str] = field(default_factory=dict)
    unclear: dict[str, str] = field(default_factory=dict)  # one group of three digits: either
    weight: Counter[str] = field(default_factory=Counter)  # how many cells show a decimal separator
    parentheses: str | None = None
    leading_zeros: str | None = None


@dataclass(frozen=True)
class NumberColumn:
    """How a column writes its numbers. `decimal` None: no cell shows one.

    Where a person must decide, the separators are such that doubtful cells are rejected, never misread. Typed numbers
    (`is_text` False) need no separators; `odd` cells are none, and are rejected.
    """

    decimal: str | None
    thousands: str | None
    note: str
    undecided: bool = False
    parentheses: bool = False
    nulls: tuple[str, ...] = ()
    is_text: bool = True
    is_whole: bool = False
    odd: tuple[str, ...] = ()


def looks_like_number(text: str) -> bool:
    return _BODY.fullmatch(_unsigned(text.strip())) is not None


def _unsigned(text: str) -> str:
    if text[:1] == "(" and text[-1:] == ")":
        return text[1:-1].strip()
    if text[:1] and text[0] in _SIGN:
        return text[1:].strip()
    return text[:-1].strip() if text[-1:] and text[-1] in _SIGN else text


def number_column(cells: Cells) -> NumberColumn | None:
    """What the cells show; None if they are no numbers, or codes with leading zeros."""
    nulls = tuple(text for text in cells if text.lower() in NULLS)
    numbers = {text: place for text, place in cells.items() if text.lower() not in NULLS}
    if not numbers or not all(map(looks_like_number, numbers)):
        return None
    seen = Evidence()
    for text, place in numbers.items():
        _look(text, f"{text} ({place})", seen)
    return None if seen.leading_zeros else _verdict(seen, nulls)


def _look(text: str, place: str, seen: Evidence) -> None:
    body = _unsigned(text)
    if text.startswith("("):
        seen.parentheses = seen.parentheses or place
    marks = [_SAME.get(mark, mark) for mark in _SEPARATOR.findall(body)]
    parts = _SEPARATOR.split(body)
    grouped = all(len(part) == 3 for part in parts[1:]) and 1 <= len(parts[0]) <= 3 and parts[0][0] != "0"
    if not marks:
        if len(body) > 1 and body[0] == "0":
            seen.leading_zeros = place
    elif len(set(marks)) > 1:  # the last one is the decimal separator
        _enter(seen.decimal, marks[-1], place, seen.weight)
        seen.thousands.setdefault(marks[0], place)
    elif len(marks) > 1 or marks[0] in " '":
        seen.thousands.setdefault(marks[0], place)
    elif grouped:
        seen.unclear.setdefault(marks[0], place)
    else:
        _enter(seen.decimal, marks[0], place, seen.weight)


def _enter(known: dict[str, str], mark: str, place: str, weight: Counter[str]) -> None:
    known.setdefault(mark, place)
    weight[mark] += 1


def _verdict(seen: Evidence, nulls: tuple[str, ...]) -> NumberColumn:
    decimal, thousands = dict(seen.decimal), dict(seen.thousands)
    clash = len(decimal) > 1 or len(thousands) > 1 or decimal.keys() & thousands.keys()
    known = [*decimal, *thousands]
    open_marks = [mark for mark in seen.unclear if mark not in known]
    brackets = seen.parentheses is not None

    def verdict(point: str | None, group: str | None, note: str, undecided: bool = False) -> NumberColumn:
        return NumberColumn(point, group, note, undecided, brackets, nulls)

    if clash:
        point = seen.weight.most_common(1)[0][0] if seen.weight else None
        shown = [f'"{mark}" as decimal separator in {place}' for mark, place in decimal.items()]
        shown += [f'"{mark}" as thousands separator in {place}' for mark, place in thousands.items()]
        return verdict(point, None, f"cells contradict each other: {', '.join(shown)}", True)
    if not known and open_marks:
        mark, place = open_marks[0], seen.unclear[open_marks[0]]
        plain = place.split(" (")[0]
        note = f"{place} is {plain.replace(mark, '')} or {plain.replace(mark, '.')}, and no cell tells which"
        return verdict(_OTHER.get(mark, "."), None, note, True)
    if decimal:
        point, place = next(iter(decimal.items()))
        implied = {mark: seen.unclear[mark] for mark in open_marks}
        group, group_place = next(iter((thousands or implied).items()), (None, ""))
        note = f'decimal "{point}": {place}' + (f'; thousands "{group}": {group_place}' if group else "")
        return verdict(point, group, note)
    if thousands:
        group, place = next(iter(thousands.items()))
        point = next(iter(open_marks), None) or _OTHER.get(group)
        return verdict(point, group, f'thousands "{group}": {place}')
    return replace(verdict(None, None, "whole numbers only"), is_whole=True)


def typed_numbers(typed: Cells, texts: Cells) -> NumberColumn | None:
    """The numbers of a typed column, and what the texts among them show; None if most of these are no numbers."""
    written = {text: place for text, place in texts.items() if looks_like_number(text)}
    nulls = tuple(text for text in texts if text.lower() in NULLS)
    odd = tuple(f"{text} ({place})" for text, place in texts.items() if text not in written and text not in nulls)
    if len(odd) > _MOST_ODD * (len(typed) + len(texts)) + 1:
        return None
    found = number_column(written) if written else None
    if written and found is None:  # codes with leading zeros
        return None
    whole = not any("." in text for text in typed) and (found is None or found.is_whole)
    if found is None:
        return NumberColumn(None, None, "numbers", nulls=nulls, is_text=False, is_whole=whole, odd=odd)
    note = f"{found.note}; {len(written)} different cells are text, the others numbers"
    return replace(found, note=note, nulls=nulls, is_whole=whole, odd=odd)
