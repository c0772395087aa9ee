"""An export as text, by the reader that runs use: which encoding it is in, and what says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kpisync.errors import SourceError
from kpisync.places.entries import Found
from kpisync.starter.reading import ExportFile
from kpisync.support.text import open_text

MOST_CHARACTERS = 5_000_000
_EIGHT_BIT = ("cp1252", "cp1250", "cp850")
_WIDE = ("utf-16-le", "utf-16-be")
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_SIGNS = "–—„“”‚‘’…€§°²³µ·«»£©®±×½¼¾"
_WORD = re.compile(r"[^\s;,|\"]*[^\x00-\x7f\s][^\s;,|\"]*")
_SIGN_IN_WORD = re.compile(f"[^\\W\\d_][{_SIGNS.replace('’', '')}][^\\W\\d_]")
_SHOWN = 4


@dataclass(frozen=True)
class Text:
    """`encoding` is what the job must declare, None: nothing. `whole` is False if only the beginning was read."""

    text: str
    encoding: str | None
    notes: tuple[str, ...]
    whole: bool = True

    @property
    def is_cut(self) -> bool:
        """Whether its last line has no line break."""
        return self.whole and not self.text.endswith(("\n", "\r"))

    @property
    def encoding_options(self) -> Iterator[str]:
        yield from (f"# {note}" for note in self.notes)
        if self.encoding:
            yield f"encoding: {self.encoding}"

    @property
    def last_line_options(self) -> Iterator[str]:
        if self.is_cut:
            question = "Is that always so? Or was this file cut? Then leave it out"
            yield f"# DECIDE: the last line has no line break. {question}"
            yield "last_line: accept"


def read_text(export: ExportFile) -> Text:
    """Raises SourceError for what is no text table, or in no encoding that is known here."""
    head, found = export.head, export.found
    try:
        text, encoding, whole = _read(found, None)
    except SourceError:
        if head.startswith(_BOMS):
            raise
    else:
        return Text(text, None, (_undeclared(text, encoding, head),), whole)
    if _is_wide(head):
        return _wide(found, head)
    if b"\0" in head:
        hint = "Let the export write text, a workbook (.xlsx), XML, JSON or Parquet"
        raise SourceError("this is no text, and no other format that is known here", where=found.origin, hint=hint)
    return _eight_bit(found)


def _is_wide(head: bytes) -> bool:
    """Whether nearly every other byte is 0, and nearly none between them."""
    few, many = sorted((head[::2].count(0), head[1::2].count(0)))
    return many * 3 > len(head) and few * 20 < len(head)


def _read(found: Found, encoding: str | None) -> tuple[str, str, bool]:
    """The text, its encoding, and whether it is all of it."""
    pieces, size = [], 0
    with open_text(found.path, found.origin, encoding, accept_cut=True) as file:
        for line in file.lines:
            pieces.append(line)
            size += len(line)
            if size > MOST_CHARACTERS:
                return "".join(pieces), file.encoding, False
        return "".join(pieces), file.encoding, True


def _undeclared(text: str, encoding: str, head: bytes) -> str:
    if head.startswith(_BOMS):
        return f"encoding: {encoding} by its byte order mark, so nothing needs to be declared"
    words = _foreign_words(text)
    if not words:
        return "encoding: only ASCII characters so far, read as UTF-8; declare one if umlauts can come"
    return f"encoding: valid UTF-8 with {_listed(words)}, so nothing needs to be declared"


def _wide(found: Found, head: bytes) -> Text:
    """UTF-16 without a byte order mark: ASCII characters leave their zero bytes on one side."""
    encoding = _WIDE[head[::2].count(0) > head[1::2].count(0)]
    text, _, whole = _read(found, encoding)
    return Text(
        text, encoding, (f"encoding: every other byte is 0, so it is {encoding} without a byte order mark",), whole
    )


def _eight_bit(found: Found) -> Text:
    readings: dict[str, tuple[str, bool]] = {}
    for encoding in _EIGHT_BIT:
        try:
            text, _, whole = _read(found, encoding)
        except SourceError:
            continue
        readings[encoding] = (text, whole)
    sensible = [encoding for encoding, (text, _) in readings.items() if _is_sensible(text)]
    if not readings:
        _read(found, None)  # says what is wrong
    chosen = (sensible or list(readings))[0]
    text, whole = readings[chosen]
    others = [each for each in sensible if _foreign_words(readings[each][0]) != _foreign_words(text)]
    note = f"encoding: not UTF-8; {chosen} reads {_listed(_foreign_words(text))}"
    if sensible and not others:
        return Text(text, chosen, (note,), whole)
    doubts = "; ".join(
        f"{each} reads {_listed(_foreign_words(readings[each][0]))}" for each in others or list(readings)[1:]
    )
    return Text(text, chosen, (f"DECIDE: {note}; {doubts}",), whole)


def _foreign_words(text: str) -> list[str]:
    """The different words with a character beyond ASCII, in order."""
    return list(dict.fromkeys(_WORD.findall(text)))


def _is_sensible(text: str) -> bool:
    words = _foreign_words(text)
    letters = all(char.isascii() or char.isalpha() or char in _SIGNS for word in words for char in word)
    return letters and not any(map(_SIGN_IN_WORD.search, words))


def _listed(words: list[str]) -> str:
    return ", ".join(f'"{word[:30]}"' for word in words[:_SHOWN]) + (" …" if len(words) > _SHOWN else "")
