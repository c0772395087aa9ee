"""Rows as bytes that no other rows are written as, in runs of one cell: what a digest is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter

from kpisync.model import Run, Table
from kpisync.tables.columns import find_column

_MOST = 4096  # rows in a run
_CELL, _ROW = "\x1f", "\x1e"
_cells = itemgetter(1)


def runs_of(tables: Iterable[Table], column: str) -> Iterator[Run]:
    """The rows of tables, told apart by one column; they are used up by it. Raises SourceError if it is missing."""
    for table in tables:
        layout = repr(table.columns).encode("utf-8", "surrogatepass")
        index = find_column(table.columns, column, table.origin)
        for cell, rows in groupby(map(_cells, table.rows), itemgetter(index)):
            while some := list(islice(rows, _MOST)):
                yield Run(cell, layout, _written(some))


def _written(rows: Sequence[Sequence[object]]) -> bytes:
    """Rows as one text, with its kind and length before it."""
    kind = "text"
    try:
        text = _ROW.join(map(_CELL.join, rows))  # type: ignore[arg-type]
    except TypeError:
        kind = "other"
    else:
        if text.count(_ROW) != len(rows) - 1 or text.count(_CELL) != sum(map(len, rows)) - len(rows):
            kind = "other"
    if kind == "other":
        text = repr(rows)
    return f"{kind} {len(text)} {text}".encode("utf-8", "surrogatepass")
