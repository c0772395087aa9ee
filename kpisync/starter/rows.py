"""Rows that are not rows of their own: continuations of the row above, and totals at the end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kpisync.starter.reading import Record
from kpisync.tables.cells import cell_text, is_blank

_TOTAL = re.compile(
    r"(grand )?total\b.*|sum(me|ma)?\b.*|gesamt(summe|ergebnis)?\b.*|ergebnis\b.*|totale\b.*|somme\b.*|suma\b.*", re.I
)
_MOST_TOTALS = 5


@dataclass(frozen=True)
class Continuation:
    """`count` rows of `total` have their first `width` columns blank; `line` is the first of them."""

    width: int
    count: int
    total: int
    line: int


@dataclass(frozen=True)
class Totals:
    """The last rows, which are no data. `column` holds the label, None if there is none."""

    lines: tuple[int, ...]
    column: int | None = None
    label: str = ""


def _leading_blanks(cells: Sequence[object]) -> int:
    return next((index for index, cell in enumerate(cells) if not is_blank(cell)), len(cells))


def totals(rows: Sequence[Record]) -> Totals | None:
    """Rows at the end with a label such as Total, or whose first column is blank as in no row before."""
    tail = [*rows[-_MOST_TOTALS:]]
    for line, cells in reversed(tail[-2:]):
        labelled = next((index for index, cell in enumerate(cells) if _TOTAL.fullmatch(cell_text(cell).strip())), None)
        if labelled is not None:
            return Totals((line,), labelled, cell_text(cells[labelled]).strip())
    last: list[int] = []
    for line, cells in reversed(tail):
        if not is_blank(cells[0]):
            break
        last.append(line)
    before = rows[: len(rows) - len(last)]
    if not last or len(last) == len(tail) or any(is_blank(cells[0]) for _, cells in before):
        return None
    return Totals(tuple(reversed(last)))


def continuation(rows: Sequence[Record]) -> Continuation | None:
    """The commonest way in which rows begin with blank columns; the first row cannot continue anything."""
    runs = Counter(_leading_blanks(cells) for _, cells in rows)
    always = _leading_blanks(
        [next((cells[i] for _, cells in rows if not is_blank(cells[i])), "") for i in _width(rows)]
    )
    widths = [(count, width) for width, count in runs.items() if width > always]
    wide = [each for each in widths if each[1] >= always + 2] or widths
    if not wide or _leading_blanks(rows[0][1]) > always:
        return None
    count, width = max(wide)
    line = next(line for line, cells in rows if _leading_blanks(cells) == width)
    return Continuation(width, count, len(rows), line)


def _width(rows: Sequence[Record]) -> range:
    return range(len(rows[0][1]) if rows else 0)
