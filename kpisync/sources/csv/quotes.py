"""Where the quotes of a CSV file are wrong: which cell of the row that a parser stumbled over, and what it holds."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from kpisync.errors import SourceError
from kpisync.tables.cells import shown

_AROUND = 15  # characters on either side of a place that a message shows


@dataclass
class BrokenRow(csv.Error):
    """A row that cannot be parsed: the line it begins in, how far it was read, and by which characters."""

    start: int
    end: int
    delimiter: str
    quote: str | None
    said: str  # by the parser


def misquoted(broken: BrokenRow, row: str, where: str) -> SourceError:
    """The refusal of a file with such a row, whose lines are given as they stand in it."""
    hint = "A quote may be missing or too many; correct the export, or declare quote: none if quotes mean nothing"
    return SourceError(
        f"the row that begins here cannot be parsed: {_found(broken, row)}{broken.said}",
        where=where,
        hint=hint if broken.quote else "Check the export",
    )


def _found(broken: BrokenRow, row: str) -> str:
    """The cell with the wrong quote; nothing if it is none of the quotes."""
    quote = broken.quote
    if quote is None:
        return ""
    closed = re.compile("{0}(?:[^{0}]++|{0}{0})*+{0}".format(re.escape(quote)))
    bare = re.compile(f"[^{re.escape(broken.delimiter)}\r\n]*+")
    column, at = 1, 0
    while True:
        cell = (closed if row.startswith(quote, at) else bare).match(row, at)
        if cell is None:
            end = f" up to line {broken.end}" if broken.end > broken.start else ""
            return f"the quote that opens column {column} is not closed{end}, {shown(row[at:])}: "
        end_of_cell = cell.end()
        if end_of_cell == len(row) or row[end_of_cell] in "\r\n":
            return ""
        if row[end_of_cell] != broken.delimiter:
            near = row[max(at, end_of_cell - _AROUND) : end_of_cell + _AROUND].rstrip("\r\n")
            return f"column {column} goes on behind its closing quote, {shown(near)}: "
        column, at = column + 1, end_of_cell + 1
