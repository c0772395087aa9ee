"""A first look at the sheets of an .ods workbook, whose cells and rows may be repeated without bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kpisync.sources.excel.look import MOST_ROWS, WITHOUT_VALUE, Look
from kpisync.sources.excel.package import Package, attribute

_CONTENT = "content.xml"
_MOST_DIGITS = 9  # of a number; a longer one is beyond all bounds by these
_ERROR = re.compile(r"#[A-Z0-9/]+[!?]?|Err:[0-9]+")


def check(package: Package, origin: str) -> None:
    """All sheets are read when the workbook is opened: SourceError if one of them reaches too far."""
    package.parse(_CONTENT, (cells := _Cells(Look(origin), None)).start, cells.end, cells.text)


def look_at(package: Package, sheet: str, place: str) -> Look:
    look = Look(place)
    package.parse(_CONTENT, (cells := _Cells(look, sheet)).start, cells.end, cells.text)
    return look


class _Cells:
    """Handlers for OpenDocument 1.3, part 3, 9.1; of one sheet, or of all one after another."""

    def __init__(self, look: Look, sheet: str | None) -> None:
        self._look, self._sheet = look, sheet
        self._depth, self._wanted = 0, False  # of tables: a drawing in a cell may hold one
        self._row = self._column = self._rows = self._columns = 0
        self._marks: list[tuple[int, int, str]] = []  # of the row: column, how many, text
        self._reach = -1
        self._cell: Mapping[str, str] | None = None
        self._text: list[str] = []
        self._in_note = False

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        if tag == "table":
            self._depth += 1
            if self._depth == 1:
                self._wanted = self._sheet in (None, attribute(given, "name"))
                self._row = 0
                if self._sheet is None:
                    self._look = Look(self._look.place)
        elif self._depth != 1 or not self._wanted:
            return
        elif tag == "table-row":
            self._begin_row(given)
        elif tag == "annotation":
            self._in_note = True
        elif tag in ("table-cell", "covered-table-cell"):
            self._cell, self._text = given, []
            self._columns = _repeated(given, "number-columns-repeated")

    def text(self, text: str) -> None:
        if self._cell is not None and self._depth == 1 and not self._in_note and len(self._text) < 10:
            self._text.append(text)

    def end(self, tag: str) -> None:
        if tag == "table":
            self._depth -= 1
        elif self._depth != 1 or not self._wanted:
            return
        elif tag == "annotation":
            self._in_note = False
        elif tag in ("table-cell", "covered-table-cell") and self._cell is not None:
            self._end_cell(self._cell)
        elif tag == "table-row":
            self._end_row()

    def _begin_row(self, given: Mapping[str, str]) -> None:
        self._rows, self._column, self._reach = _repeated(given, "number-rows-repeated"), 0, -1
        self._marks = []
        if attribute(given, "visibility") in ("collapse", "filter"):
            for row in range(self._row + 1, self._row + 1 + min(self._rows, MOST_ROWS)):
                self._look.hide(row)

    def _end_cell(self, given: Mapping[str, str]) -> None:
        mark = self._mark(given)
        if mark is not None:
            self._marks.append((self._column, self._columns, mark))
        if mark is not None or attribute(given, "value-type") is not None:
            self._reach = self._column + self._columns - 1
        self._column += self._columns
        self._cell = None

    def _mark(self, given: Mapping[str, str]) -> str | None:
        """LibreOffice gives an error the type error beside another one, OpenOffice the number 0."""
        types = [value for key, value in given.items() if key.endswith(":value-type")]
        formula, text = attribute(given, "formula"), "".join(self._text).strip()
        if "error" in types or (formula is not None and _ERROR.fullmatch(text)):
            return text or "#ERROR!"
        return None if types or formula is None else WITHOUT_VALUE

    def _end_row(self) -> None:
        if self._reach >= 0:
            self._look.reach(self._row + self._rows, self._reach)
        for column, count, text in self._marks:
            for row in range(self._row + 1, self._row + self._rows + 1):
                for nth in range(column, column + count):
                    self._look.mark(row, nth, text)
        self._row += self._rows


def _repeated(given: Mapping[str, str], name: str) -> int:
    text = attribute(given, name) or "1"
    return int(text[:_MOST_DIGITS]) if text.isdecimal() and text.isascii() else 1
