"""Lines of fixed width: columns are where many lines have text, between positions at which all of them are blank."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kpisync.catalogs.scalars import quoted
from kpisync.sources.fixed_width.layout import Layout, Span
from kpisync.starter.dates import looks_like_date
from kpisync.starter.layout import RULER_PATTERN, cuts_surely, is_ruler
from kpisync.starter.numbers import looks_like_number
from kpisync.starter.reading import Header, Reading, Record, matching, written
from kpisync.starter.text import Text
from kpisync.tables.cells import as_name

_MOST_ABOVE = 20  # lines above the first row
_SAMPLE = 1_000  # lines that tell where columns are; all others are cut there
_FEWEST = 3  # lines that show where columns are
_CERTAIN = 20  # different texts on both sides of a single blank position, from which on that is no accident
_MOST_ODD = 0.02  # share of lines that may break the layout
_WORD = re.compile(r"[^ ]+")

Lines = Sequence[tuple[int, str]]


@dataclass(frozen=True)
class _Field:
    """Positions from 0; `end` is the one behind its last."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


def fixed_width(text: Text) -> Reading | None:
    """None for text whose lines have no columns, or that a delimiter cuts into as many cells."""
    texts = [line.rstrip("\r\n") for line in io.StringIO(text.text, newline="")]
    lines = [(number, line.rstrip()) for number, line in enumerate(texts, 1) if line.strip() and not is_ruler(line)]
    if len(lines) < _FEWEST or any("\t" in line for _, line in lines):
        return None
    above, fields = _below_titles(lines[:_SAMPLE])
    if len(fields) < 2 or cuts_surely(texts, len(fields)):
        return None
    rows = lines[above:]
    spans, doubts = _spans(fields, rows[:_SAMPLE])
    names = _names(lines[above - 1][1] if above else "", fields)
    given = {"fields": {name: str(span) for name, span in zip(names, spans, strict=True)}}
    layout = Layout.of(dict(zip(names, spans, strict=True)))
    cutter = layout.cutter(None, lenient=True)
    records: list[Record] = [(number, cells) for number, line in rows if (cells := cutter.cells(line))]
    options = (
        *text.encoding_options,
        f"# columns: between them, {len(rows[:_SAMPLE])} lines are blank at the same positions",
        *doubts,
        *written(given),
        *_lines_above(lines[:above], rows, texts),
        *_short(layout, rows),
        *text.last_line_options,
        *_odd(len(rows) - len(records)),
    )
    return Reading("fixed-width", options, Header(0, tuple(names)), records, has_header=False, whole=text.whole)


def _below_titles(lines: Lines) -> tuple[int, list[_Field]]:
    """How many lines stand above the first row, and the fields of the rest: the fewest lines that give the most."""
    best: tuple[int, list[_Field]] = (0, [])
    for above in range(min(_MOST_ABOVE, len(lines) - _FEWEST) + 1):
        fields = _fields([line for _, line in lines[above:]])
        if len(fields) > len(best[1]):
            best = above, fields
    above, fields = best
    while above < len(lines) - 1 and not _has_data(lines[above][1], fields):  # a header that keeps to the columns
        above += 1
    return (above, fields) if above < len(lines) - 1 else (0, [])


def _has_data(line: str, fields: Sequence[_Field]) -> bool:
    return any(looks_like_number(cell) or looks_like_date(cell) for field in fields if (cell := field.of(line).strip()))


def _fields(lines: Sequence[str]) -> list[_Field]:
    filled = [0] * max(map(len, lines))
    for line in lines:
        for at, char in enumerate(line):
            filled[at] += char != " "
    fields: list[_Field] = []
    start = None
    for at, count in enumerate([*filled, 0]):
        blank = count <= _MOST_ODD * len(lines)
        if not blank and start is None:
            start = at
        elif blank and start is not None:
            fields.append(_Field(start, at))
            start = None
    return _evident(fields, lines)


def _evident(fields: Sequence[_Field], lines: Sequence[str]) -> list[_Field]:
    """Without the borders that only a phrase shows: too few different texts stand on both sides."""
    kept = list(fields[:1])
    for field in fields[1:]:
        if len(_beside(kept[-1], field, lines)) < _FEWEST:
            kept[-1] = _Field(kept[-1].start, field.end)
        else:
            kept.append(field)
    return kept


def _beside(left: _Field, right: _Field, lines: Sequence[str]) -> set[tuple[str, str]]:
    """The different texts that stand in both columns."""
    pairs = {(left.of(line).strip(), right.of(line).strip()) for line in lines}
    return {pair for pair in pairs if all(pair)}


def _spans(fields: Sequence[_Field], rows: Lines) -> tuple[list[Span], list[str]]:
    """The positions of each column, and what is not certain of them. A gap belongs to the column that has no straight
    edge there, for its longer cells would stand in it."""
    bounds = [[field.start, field.end] for field in fields]
    doubts = []
    lines = [line for _, line in rows]
    for (left, right), (a, b) in zip(pairwise(fields), pairwise(bounds), strict=True):
        if any(_ends_early(left, line) for line in lines):
            a[1] = right.start
        elif any(right.of(line)[:1] == " " for line in lines):
            b[0] = left.end
        seen = sorted(_beside(left, right, lines))
        if right.start - left.end == 1 and len(seen) < _CERTAIN:
            texts = " and ".join(map(repr, seen[0]))
            doubts.append(f"# DECIDE: is position {right.start} a border, as between {texts}? Few lines show it")
    spans = [Span(start + 1, end) for start, end in bounds]
    return [*spans[:-1], Span(spans[-1].first, None)], doubts


def _ends_early(field: _Field, line: str) -> bool:
    """Whether its cell ends before the field does."""
    cell = field.of(line)
    return bool(cell.strip()) and (len(cell) < field.end - field.start or cell[-1] == " ")


def _names(line: str, fields: Sequence[_Field]) -> list[str]:
    """The words of a line above the rows, each for the column nearest to it; a name for columns without one."""
    words: list[list[str]] = [[] for _ in fields]
    for match in _WORD.finditer(line):
        apart = [max(field.start - match.end(), match.start() - field.end) for field in fields]
        words[apart.index(min(apart))].append(match[0])
    names: list[str] = []
    for nth, found in enumerate(words, 1):
        name = as_name(" ".join(found))
        names.append(name if name and name not in names else f"column-{nth}")
    return names


def _lines_above(above: Lines, rows: Lines, texts: Sequence[str]) -> Iterator[str]:
    first = rows[0][0]
    if any(is_ruler(text) for text in texts):
        yield "# lines of nothing but rulers are left out"
        yield f"skip_lines_matching: [{quoted(RULER_PATTERN)}]"
    if above:
        mark = "DECIDE: is that line always the same? " if any(map(str.isdigit, above[-1][1])) else ""
        yield f"# {mark}the rows begin below line {above[-1][0]}, in line {first}"
        yield f"start_after: {matching(as_name(above[-1][1]))}"


def _short(layout: Layout, rows: Lines) -> Iterator[str]:
    name, needed = layout.needed
    if short := next((number for number, line in rows if len(line) < needed), None):
        yield f"# line {short} ends before column {name} does"
        yield "field_count: lenient"


def _odd(count: int) -> Iterator[str]:
    if count:
        yield f"# {count} lines have text between the columns, and will be rejected"
