"""Delimited text: CSV of all kinds, DATEV's with a line about the export above its header among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kpisync.catalogs.scalars import quoted
from kpisync.starter.header import find_header
from kpisync.starter.layout import RULER_PATTERN, Layout, Line, lay_out, spoken
from kpisync.starter.reading import Reading, flow
from kpisync.starter.text import Text

_DATEV = ("EXTF", "DTVF")  # written by another system, or by DATEV itself
_YEAR_BEGINS, _FIRST_DAY = 13, 15  # cells of its first line, from 1: of the fiscal year, and of the bookings
_YEAR_COLUMN = "year-begins"


def delimited(text: Text) -> Reading:
    """Whatever else the text may be: the last reading that is tried."""
    layout = lay_out(text.text)
    header = find_header(layout.records)
    below = layout.records if header.at is None else layout.records[header.at + 1 :]
    told = _datev(layout.records)
    options = (
        *text.encoding_options,
        *_of_layout(layout),
        *text.last_line_options,
        *(_metadata(told, layout.records[0]) if told else ()),
    )
    year = {"column": _YEAR_COLUMN, "format": "%Y%m%d"} if told else {}
    return Reading("csv", options, header, below, whole=text.whole, year=year)


def _of_layout(layout: Layout) -> Iterator[str]:
    yield from (f"# {note}" for note in layout.notes)
    if layout.delimiter:
        yield f"delimiter: {quoted(layout.delimiter) if layout.delimiter != chr(9) else spoken(layout.delimiter)}"
    if layout.quote is None:
        yield "quote: none"
    if layout.rulers:
        yield f"# {layout.rulers} lines are rulers"
        yield f"skip_lines_matching: [{quoted(RULER_PATTERN)}]"


def _datev(records: Sequence[Line]) -> int | None:
    """Which cell of DATEV's first line, from 1, has a day from which on the dates count; None for other exports."""
    line, cells = records[0] if records else (0, [])
    if line != 1 or len(cells) < _FIRST_DAY or cells[0] not in _DATEV:
        return None
    return next(
        (nth for nth in (_YEAR_BEGINS, _FIRST_DAY) if len(cells[nth - 1]) == 8 and cells[nth - 1].isdigit()), None
    )


def _metadata(cell: int, first: Line) -> Iterator[str]:
    what = "the fiscal year begins" if cell == _YEAR_BEGINS else "the bookings begin"
    yield f"# DATEV: line 1 is of {first[1][0]} and says of all rows when {what}: {first[1][cell - 1]} (cell {cell})"
    yield f"metadata: {flow({'row': 1, 'columns': {_YEAR_COLUMN: cell}})}"
