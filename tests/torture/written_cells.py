"""Cells as people and systems write numbers in five locales, and what each of them says: by a reading of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

DIGITS = "0123456789"
NULLS = ("-", "n/a", "#N/A", "?")
NO_NUMBERS = ("n.a.", "#REF!", "1/2", "0x1F", "\u0663", "nan", "1_000")
REFUSED = "refused"
MINUS = "-\u2212"
LARGEST_POWER = 18  # of ten, in a text with an exponent


@dataclass(frozen=True)
class Locale:
    """How numbers are written somewhere: `groups` are all characters that may stand between thousands."""

    decimal: str
    groups: str
    signs: tuple[str, ...] = ("leading", "trailing")

    @property
    def options(self) -> dict[str, Any]:
        """The same as a user declares it."""
        return {"decimal": self.decimal, "thousands": self.groups[0], "sign": list(self.signs), "null": list(NULLS)}


LOCALES = {
    "de": Locale(",", "."),
    "en": Locale(".", ","),
    "fr": Locale(",", " \u00a0\u202f"),
    "de-CH": Locale(".", "'\u2019"),
    "pt of SAP": Locale(",", ".", ("trailing", "parentheses")),
}


def meaning(text: str, locale: Locale) -> Decimal | str | None:
    """The number that a cell says, None for no value, or REFUSED; digit by digit, with whole numbers alone."""
    text = text.strip()
    if text in ("", *NULLS):
        return None
    negative, body = _signed(text, locale)
    if body is None:
        return REFUSED
    mantissa, _, power = body.replace("E", "e").partition("e")
    whole, _, fraction = mantissa.partition(locale.decimal)
    if "e" in body.replace("E", "e") and not _is_power(power):
        return REFUSED
    pieces = _split(whole, locale.groups)
    if len(pieces) > 1 and (power or not _are_groups(pieces)):
        return REFUSED
    digits = "".join(pieces) + fraction
    if not digits or any(char not in DIGITS for char in digits) or (locale.decimal in mantissa and not fraction):
        return REFUSED
    exponent = int(power or 0) - len(fraction)
    number = Decimal((int(negative), tuple(map(int, digits)), exponent))
    if not number:
        return Decimal(0)
    return REFUSED if power and abs(number.adjusted()) > LARGEST_POWER else number


def _signed(text: str, locale: Locale) -> tuple[bool, str | None]:
    """Whether a minus stands there, and what is left; None if a sign stands where none may."""
    signs = f"+{MINUS}"
    if text[0] == "(" and text[-1] == ")":
        inner = text[1:-1].strip()
        is_number = "parentheses" in locale.signs and inner and inner[0] not in signs and inner[-1] not in signs
        return True, inner if is_number else None
    lead, trail = text[0] in signs, len(text) > 1 and text[-1] in signs
    if (lead and trail) or (lead and "leading" not in locale.signs) or (trail and "trailing" not in locale.signs):
        return False, None
    sign = text[0] if lead else text[-1] if trail else "+"
    return sign in MINUS, text[lead : len(text) - trail]


def _is_power(power: str) -> bool:
    digits = power[1:] if power[:1] in ("+", "-") else power
    return digits != "" and all(char in DIGITS for char in digits)


def _split(whole: str, groups: str) -> list[str]:
    pieces = [""]
    for char in whole:
        if char in groups:
            pieces.append("")
        else:
            pieces[-1] += char
    return pieces


def _are_groups(pieces: list[str]) -> bool:
    return 1 <= len(pieces[0]) <= 3 and pieces[0][0] != "0" and all(len(piece) == 3 for piece in pieces[1:])


def cells(chance: Random, locale: Locale, count: int) -> Iterator[str]:
    """So many cells: most of them of the locale, some of another one, some damaged, some of no value."""
    others = list(LOCALES.values())
    for _ in range(count):
        kind = chance.random()
        written = _written(chance, chance.choice(others) if kind > 0.9 else locale)
        if kind < 0.25:
            written = _damaged(chance, written)
        elif kind < 0.3:
            written = chance.choice(
                [*NULLS, "", " ", "\u00a0", "n.a.", "#REF!", "1/2", "0x1F", "\u0663", "nan", "1_000"]
            )
        yield written


def _written(chance: Random, locale: Locale) -> str:
    """A number of the locale, with or without groups, decimals, a sign, an exponent and blanks around it."""
    whole = str(chance.randrange(10 ** chance.randint(1, 12)))
    text, group = whole, chance.choice(locale.groups)
    if chance.random() < 0.6:
        first = len(whole) % 3 or 3
        text = group.join([whole[:first], *(whole[at : at + 3] for at in range(first, len(whole), 3))])
    if chance.random() < 0.6:
        text += locale.decimal + "".join(chance.choices(DIGITS, k=chance.randint(1, 6)))
    if chance.random() < 0.03:
        text = whole[:4] + chance.choice("eE") + chance.choice(["", "+", "-"]) + str(chance.randint(0, 9))
    minus, style = chance.choice([*MINUS, "+"]), chance.choice(locale.signs)
    if chance.random() < 0.4:
        signed = {"leading": minus + text, "trailing": text + minus, "parentheses": f"({text})"}
        text = signed[style]
    return chance.choice(["", "", "", " ", "\u00a0"]) + text + chance.choice(["", "", "", " "])


def _damaged(chance: Random, text: str) -> str:
    """One or two characters taken out, put in, or made others."""
    for _ in range(chance.randint(1, 2)):
        at = chance.randint(0, len(text))
        new = chance.choice([*DIGITS, *".,' -+()eE%\u202f\u2019\u2212", "", "", ""])
        text = text[:at] + new + text[at + chance.randint(0, 1) :]
    return text
