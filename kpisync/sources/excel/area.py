"""Which cells of a sheet are read: an area of columns and rows, and what merged cells hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kpisync.sources.excel.look import MOST_ROWS, column_index
from kpisync.tables.account import Account
from kpisync.tables.grid import Record

_AREA = re.compile(r"\$?([A-Z]{1,3})?\$?([1-9][0-9]{0,6})?:\$?([A-Z]{1,3})?\$?([1-9][0-9]{0,6})?")
_LAST_COLUMN = 1 << 14

Merged = Sequence[tuple[tuple[int, int], tuple[int, int]]]  # first and last cell of each, rows and columns from 0


@dataclass(frozen=True, slots=True)
class Area:
    """Rows from 1, columns from 0, all inclusive."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int

    def cut(self, records: Iterable[Record], account: Account) -> Iterator[Record]:
        for row, cells in records:
            if self.first_row <= row <= self.last_row:
                yield row, cells[self.first_column : self.last_column + 1]
            else:
                account.skip(row, "outside range")


def area_of(text: str) -> Area:
    """`A:E`, `B4:H200`, `4:200`, or `B4:H` for all rows from the fourth on. Raises ValueError."""
    match = _AREA.fullmatch(text.upper())
    if match is None or (match[1] is None) != (match[3] is None) or match[0].strip("$") == ":":
        raise ValueError(f"{text!r} is not a range such as A:E or B4:H200")
    area = Area(
        int(match[2] or 1),
        int(match[4] or MOST_ROWS),
        column_index(match[1] or "A"),
        column_index(match[3]) if match[3] else _LAST_COLUMN - 1,
    )
    if area.first_row > area.last_row or area.first_column > area.last_column:
        raise ValueError(f"{text!r} ends before it begins")
    if area.last_row > MOST_ROWS or area.last_column >= _LAST_COLUMN:
        raise ValueError(f"{text!r} is larger than a sheet, which ends at XFD1048576")
    return area


def check_area(value: Any) -> Any:
    if isinstance(value, str):
        area_of(value)
    return value


def from_first_column(records: Iterable[Record], missing: int) -> Iterator[Record]:
    """Put the blank columns back that the reader of workbooks leaves out before the first one with a value."""
    blank = [""] * missing
    return ((row, [*blank, *cells]) for row, cells in records)


def with_marks(records: Iterable[Record], marks: dict[int, dict[int, str]], width: int) -> Iterator[Record]:
    """Put texts in the place of cells; rows that end before one of them are filled up, and rows are added."""
    left, row = dict(marks), 0
    for row, cells in records:
        found = left.pop(row, None)
        if found or len(cells) < width:
            yield row, _marked(cells, found or {}, width)
        else:
            yield row, cells
    for last in sorted(left):  # a sheet that ends with formulas without a value seems to end above them
        for blank in range(row + 1, last):
            yield blank, [""] * width
        yield last, _marked((), left[last], width)
        row = last


def _marked(cells: Sequence[object], marks: dict[int, str], width: int) -> list[object]:
    changed = [*cells, *[""] * (width - len(cells))]
    for column, text in marks.items():
        changed[column] = text
    return changed


def filled_merged(records: Iterable[Record], merged: Merged) -> Iterator[Record]:
    """Give each cell of a merged area the value of its first one."""
    beginning: dict[int, list[tuple[int, int, int]]] = {}
    for (first, left), (last, right) in merged:
        beginning.setdefault(first + 1, []).append((last + 1, left, right))
    open_areas: list[tuple[int, int, int, object]] = []
    for row, cells in records:
        open_areas = [area for area in open_areas if area[0] >= row]
        for last, left, right in beginning.get(row, ()):
            if left < len(cells):
                open_areas.append((last, left, right, cells[left]))
        if open_areas:
            changed = list(cells)
            for _, left, right, value in open_areas:
                end = min(right + 1, len(changed))
                changed[left:end] = [value] * (end - left)
            cells = changed
        yield row, cells
