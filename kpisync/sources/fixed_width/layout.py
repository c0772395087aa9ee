"""The layout of lines with fixed width: positions from 1, what a field, a gap and the rest of a line hold."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from kpisync.tables.cells import shown
from kpisync.tables.grid import Refused

_SPAN = re.compile(r"([1-9][0-9]{0,6})(-([1-9][0-9]{0,6})?)?")
_NO_WIDTH = re.compile(r"[\x00-\x1f\x7f]")
_NO_WIDTH_IN_LINES = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")
_SHOWN_LINE = 60


class Span(NamedTuple):
    """Positions from 1, both inclusive; `last` is None for up to the end of the line."""

    first: int
    last: int | None

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last or ''}"

    @property
    def slice(self) -> slice:
        return slice(self.first - 1, self.last)


def span_of(text: str) -> Span:
    """`1-8`, `9` or `17-`; anything else is a ValueError."""
    match = _SPAN.fullmatch(text.strip())
    if not match or (match[3] and int(match[3]) < int(match[1])):
        raise ValueError(f"{text!r} is not a span of positions from 1 such as 1-8, 9, or 17- to the end of the line")
    first = int(match[1])
    return Span(first, first if match[2] is None else int(match[3]) if match[3] else None)


def in_order(fields: Mapping[str, Span]) -> list[tuple[str, Span]]:
    """Fields by their positions; a ValueError if two of them share some."""
    ordered = sorted(fields.items(), key=lambda field: field[1].first)
    for (name, span), (other, after) in pairwise(ordered):
        if span.last is None or after.first <= span.last:
            raise ValueError(f"{name!r} ({span}) and {other!r} ({after}) share positions")
    return ordered


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields in the order of the job, and all that lies between and behind them."""

    fields: Sequence[tuple[str, Span]]
    others: Sequence[Span]
    needed: tuple[str, int]  # the field that ends last, and the last position that a whole line has

    @property
    def dense(self) -> int:
        """The last position up to which there are only fields."""
        return self.others[0].first - 1 if self.others else sys.maxsize

    @classmethod
    def of(cls, fields: Mapping[str, Span]) -> Layout:
        ordered, others, following = in_order(fields), [], 1
        for _, span in ordered:
            if span.first > following:
                others.append(Span(following, span.first - 1))
            following = (span.last or 0) + 1
        name, last = ordered[-1]
        if last.last is not None:
            others.append(Span(following, None))
        return cls(list(fields.items()), others, (name, last.last or last.first - 1))

    def cutter(self, codec: str | None, lenient: bool) -> Cutter:
        """`codec`: positions count bytes in it, not characters. `lenient`: a line may end before its last field."""
        fields = _taker([span for _, span in self.fields])
        return Cutter(self, fields, _taker(self.others), codec, 0 if lenient else self.needed[1])


Taker = Callable[[Any], tuple[Any, ...]]  # a text or bytes → pieces of it


def _taker(spans: Sequence[Span]) -> Taker:
    if len(spans) > 1:
        return itemgetter(*(span.slice for span in spans))
    return lambda line: tuple(line[span.slice] for span in spans)


@dataclass(frozen=True, slots=True)
class Cutter:
    """Makes the cells of lines; a line that does not fit the layout is refused."""

    layout: Layout
    fields: Taker
    others: Taker
    codec: str | None
    needed: int

    def cells(self, text: str) -> Sequence[object]:
        """Those of one line without its line break."""
        if found := _NO_WIDTH.search(text):
            return _no_width(found)
        line = text if self.codec is None else text.encode(self.codec)
        if len(line) < self.needed and text.strip():
            return self._short(len(line))
        try:
            cells, others = self._texts(self.fields(line)), self._texts(self.others(line))
        except UnicodeDecodeError as error:
            return _cut_character(error)
        return self._elsewhere(others) if any(others) else cells

    def all_cells(self, lines: Sequence[str]) -> list[tuple[str, ...]] | None:
        """The cells of lines with their line breaks, if surely all fit; the interpreter's loop is avoided."""
        joined = "".join(lines)
        texts = joined.splitlines()
        if self.codec is not None or len(texts) != len(lines) or _NO_WIDTH_IN_LINES.search(joined):
            return None
        lengths = list(map(len, texts))
        if min(lengths) < self.needed or (
            max(lengths) > self.layout.dense and "".join(chain.from_iterable(map(self.others, texts))).strip()
        ):
            return None
        cells = map(str.strip, chain.from_iterable(map(self.fields, texts)))
        return list(zip(*[cells] * len(self.layout.fields), strict=True))

    def _texts(self, pieces: Sequence[str | bytes]) -> tuple[str, ...]:
        return tuple((piece if isinstance(piece, str) else piece.decode(self.codec or "")).strip() for piece in pieces)

    def _short(self, length: int) -> Refused:
        name, needed = self.layout.needed
        return Refused(
            "line-length",
            f"the line ends at position {length}, but {shown(name)} ends at {needed}: it may be cut; correct the "
            "export, or declare field_count: lenient if blanks at the end of lines are left out",
        )

    def _elsewhere(self, parts: Sequence[str]) -> Refused:
        span, text = next((span, part) for span, part in zip(self.layout.others, parts, strict=False) if part)
        where = f"behind position {span.first - 1}" if span.last is None else f"at {span}"
        counted = "positions" if self.codec is None else "positions (they count bytes)"
        return Refused(
            "layout",
            f"{shown(text)} stands {where}, where fields names nothing: {counted} may have shifted; "
            f"if it belongs to the layout, name it under fields",
        )


def _no_width(found: re.Match[str]) -> Refused:
    what = "a tab" if found[0] == "\t" else f"the control character {found[0]!r}"
    return Refused(
        "layout",
        f"{what} stands at position {found.start() + 1}, and has no width to count on: "
        f"{shown(found.string, _SHOWN_LINE)}; correct the export, or leave the line out by skip_lines_matching",
    )


def _cut_character(error: UnicodeDecodeError) -> Refused:
    return Refused(
        "layout",
        f"a field begins or ends within a character ({error.object!r} is no {error.encoding}): the positions are "
        "others, or do not count bytes",
    )
