"""What is told of a sheet beside its values: errors, formulas without a value, hidden rows, how far it reaches."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kpisync.errors import SourceError

MOST_CELLS = 30_000_000  # of the rectangle that holds all values; the reader of workbooks keeps all of it in memory
WITHOUT_VALUE = "formula without a value"  # the text for a formula whose result the workbook does not hold
MOST_ROWS = 1 << 20  # what a sheet of Excel has
_MOST_MARKS = 1_000_000
_NAME = re.compile(r"([A-Za-z]{1,7})([1-9][0-9]{0,9})")


@dataclass(slots=True)
class Look:
    """Rows are counted from 1, columns from 0. Raises SourceError for a sheet that reaches too far."""

    place: str  # of the sheet, as messages show it
    marks: dict[int, dict[int, str]] = field(default_factory=dict)  # row → column → the text that stands for the cell
    hidden: set[int] = field(default_factory=set)
    height: int = 0
    width: int = 0
    marked: int = 0

    def reach(self, row: int, column: int) -> None:
        """A value stands there."""
        self.height, self.width = max(self.height, row), max(self.width, column + 1)
        if self.height * self.width > MOST_CELLS or self.height > MOST_ROWS:
            raise SourceError(
                f"the sheet reaches to {cell_name(self.height, self.width - 1)}, "
                f"and {MOST_CELLS:,} cells or {MOST_ROWS:,} rows are read at most",
                where=self.place,
                hint="Delete what stands far outside of the table, or copy the table to a sheet of its own",
            )

    def mark(self, row: int, column: int, text: str) -> None:
        """A cell that must not be taken for a blank one or a number; its text takes its place."""
        self.reach(row, column)
        self.marks.setdefault(row, {})[column] = text
        self.marked += 1
        if self.marked > _MOST_MARKS:
            raise SourceError(
                f"more than {_MOST_MARKS:,} cells are errors, or formulas without a value",
                where=self.place,
                hint="Open the workbook and repair its formulas",
            )

    def hide(self, row: int) -> None:
        if row <= MOST_ROWS:
            self.hidden.add(row)


def position(name: str) -> tuple[int, int] | None:
    """The row, from 1, and the column, from 0, of a cell such as `B5`; None where there is none such."""
    match = _NAME.fullmatch(name)
    return (int(match[2]), column_index(match[1].upper())) if match else None


def column_index(letters: str) -> int:
    """From 0: A is 0, Z is 25, AA is 26."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def cell_name(row: int, column: int) -> str:
    letters, left = "", column + 1
    while left:
        left, digit = divmod(left - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return f"{letters}{row}"
