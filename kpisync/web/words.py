"""What the page says, in each of its languages: texts by dotted keys, read once from the files in `words/`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from kpisync.config.yaml import parse

LANGUAGES = ("en", "de")  # the first one is for whoever asks for none of them
_FOLDER = Path(__file__).parent / "words"
_WISH = re.compile(r"\s*([a-zA-Z*]+)(?:-[a-zA-Z0-9-]*)?\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")


@dataclass(frozen=True)
class Words:
    """The texts of one language, `{name}` in them standing for a value: `word.held`, `ago.minutes_one`."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, /, **values: object) -> str:
        """The text with its values in it. A key that has no text is shown itself, as ‹key›."""
        text = self.texts.get(key)
        if text is None:
            return f"‹{key}›"
        return text.format(**{name: written(value, self.language) for name, value in values.items()})

    def count(self, key: str, n: int) -> str:
        """`key_one` where n is 1, else `key_many`; both know `{n}`."""
        return self(f"{key}_one" if n == 1 else f"{key}_many", n=n)


def dictionary(folder: Path = _FOLDER) -> dict[str, Words]:
    """The words of every language. Raises ValueError for a file that cannot be meant."""
    return {language: Words(language, read(folder, language)) for language in LANGUAGES}


def read(folder: Path, language: str) -> dict[str, str]:
    """The texts of a language by dotted key: of `en.yaml` and of what else begins with `en.`. Raises ValueError."""
    texts: dict[str, str] = {}
    for file in sorted(folder.glob(f"{language}.*yaml")):
        document = parse(file.read_bytes(), file)
        if document.faults:
            raise ValueError(f"{file.name}:{document.faults[0].mark.line}: {document.faults[0].message}")
        for key, text in _leaves(document.value, ""):
            if key in texts:
                raise ValueError(f"{file.name}: {key} has a text already")
            texts[key] = text
    return texts


def _leaves(tree: Any, above: str) -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", str(value)


def written(value: object, language: str) -> str:
    """A value within a text. Decimals have no exponent, and a comma in German; None is a dash."""
    if value is None:
        return "–"
    if isinstance(value, float):
        exact = f"{Decimal(str(value)):f}"
        value = Decimal(exact.rstrip("0").rstrip(".")) if "." in exact else Decimal(exact)
    if isinstance(value, Decimal):
        return f"{value:f}".replace(".", ",") if language == "de" else f"{value:f}"
    return str(value)


def preferred(accept: str) -> str:
    """The language that an Accept-Language header likes best of ours."""
    best, liked = LANGUAGES[0], 0.0
    for wish in accept[:1000].split(","):
        if (found := _WISH.fullmatch(wish)) is None:
            continue
        language, weight = found[1].lower(), float(found[2] or 1)
        if language in LANGUAGES and weight > liked:
            best, liked = language, weight
    return best
