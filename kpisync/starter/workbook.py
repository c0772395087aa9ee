"""Workbooks: which sheet has the table, where it begins, and what its cells hide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from kpisync.errors import SourceError
from kpisync.sources.excel.area import Merged, filled_merged, from_first_column, with_marks
from kpisync.sources.excel.look import WITHOUT_VALUE, cell_name
from kpisync.sources.excel.workbook import Workbook, open_workbook
from kpisync.starter.header import find_header
from kpisync.starter.percent import percent_columns
from kpisync.starter.reading import MOST_ROWS, ExportFile, Header, Reading, Record, written
from kpisync.tables.cells import is_blank_row

_MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_MOST_LISTED = 12
_MOST_SHEETS = 8  # that are looked at for a table


class _Sheet(NamedTuple):
    name: str
    records: Sequence[Record]
    header: Header
    hidden: frozenset[int]  # rows
    merged: Merged  # areas that reach over several rows below the header
    whole: bool

    @property
    def rows(self) -> Sequence[Record]:
        """Below the header."""
        return self.records if self.header.at is None else self.records[self.header.at + 1 :]

    @property
    def is_table(self) -> bool:
        named = self.header.at is not None and sum(map(bool, self.header.names)) > 1
        return named and any(not is_blank_row(cells) for _, cells in self.rows)


def workbook(export: ExportFile) -> Reading | None:
    """None for another file. Raises SourceError for a workbook with a password, a damaged one, and an empty one."""
    if not export.head.startswith(_MAGIC):
        return None
    book = open_workbook(export.found.path, export.found.origin)
    visible, hidden = _names(book)
    sheets = [sheet for name in visible[:_MOST_SHEETS] if (sheet := _sheet(book, name)).records]
    if not sheets:
        raise SourceError(
            "no visible sheet has cells", where=book.origin, hint="Show the sheet with the table in Excel"
        )
    chosen = next((sheet for sheet in sheets if sheet.is_table), sheets[0])
    others = [sheet.name for sheet in sheets if sheet.is_table and sheet is not chosen]
    options = (*_of_sheet(chosen, others, visible, hidden), *_of_rows(chosen))
    percent = percent_columns(book, chosen.name)
    return Reading("excel", options, chosen.header, chosen.rows, whole=chosen.whole, word="row", percent=percent)


def _names(book: Workbook) -> tuple[list[str], list[str]]:
    """The sheets with cells: visible ones and hidden ones."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    sheets = [sheet for sheet in book.opened.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    return visible, [sheet.name for sheet in sheets if sheet.name not in visible]


def _sheet(book: Workbook, name: str) -> _Sheet:
    """A sheet as its source reads it, or its beginning."""
    place = f"{book.origin}!{name}"
    look = book.look(name, place, hidden_rows=True)
    loaded = book.load(name, place)
    records: Iterator[Record] = ((row, cells) for row, cells in enumerate(loaded.iter_rows(), 1))
    if loaded.start is not None and loaded.start[1] > 0:
        records = from_first_column(records, loaded.start[1])
    if look.marks:
        records = with_marks(records, look.marks, max(look.width, loaded.total_width))
    first = list(islice(records, MOST_ROWS))
    whole = next(records, None) is None
    if all(is_blank_row(cells) for _, cells in first):
        first = []
    header = find_header(first, "row")
    top = 0 if header.at is None else header.at + 1
    merged = [area for area in loaded.merged_cell_ranges or () if area[1][0] > area[0][0] >= top]
    if merged:
        first = list(filled_merged(first, merged))
    return _Sheet(name, first, header, frozenset(look.hidden), merged, whole)


def _of_sheet(sheet: _Sheet, others: Sequence[str], visible: Sequence[str], hidden: Sequence[str]) -> Iterator[str]:
    if others:
        yield f"# DECIDE: which sheet? {_listed(others)} {'have tables' if len(others) > 1 else 'has a table'} too"
    if hidden:
        yield f"# hidden sheets: {_listed(hidden)}"
    if len(visible) + len(hidden) > 1:
        yield from written({"sheet": sheet.name})


def _of_rows(sheet: _Sheet) -> Iterator[str]:
    lines = {line for line, cells in sheet.rows if not is_blank_row(cells)}
    if hidden := sorted(sheet.hidden & lines):
        places = f"row {hidden[0]}" if len(hidden) == 1 else f"rows {hidden[0]} to {hidden[-1]}, {len(hidden)} in all"
        yield f"# DECIDE: hidden in Excel, and read all the same: {places}; hidden_rows: skip leaves such rows out"
    if sheet.merged:
        (first, left), (last, right) = sheet.merged[0]
        area = f"{cell_name(first + 1, left)}:{cell_name(last + 1, right)}"
        yield f"# {_count(sheet.merged, 'area')} merged over several rows, such as {area}: each of them has the value"
        yield "merged: fill"
    without = [line for line, cells in sheet.rows if WITHOUT_VALUE in cells]
    if without:
        where = f"such as in row {without[0]}; open the workbook in Excel and save it"
        yield f"# DECIDE: formulas without a value, which nothing calculated, will be rejected, {where}"


def _count(items: Sequence[object], what: str) -> str:
    return f"1 {what} is" if len(items) == 1 else f"{len(items)} {what}s are"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more
