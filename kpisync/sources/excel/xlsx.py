"""A second look at a sheet of an .xlsx workbook: only its XML tells an error from a blank cell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kpisync.errors import SourceError
from kpisync.sources.excel.look import WITHOUT_VALUE, Look, position
from kpisync.sources.excel.package import Package, attribute
from kpisync.tables.cells import shown

_BOOK = "xl/workbook.xml"
# Quotes, prefixes, letters and digits are made alike, so that a plain search finds what a pattern would find slower.
_ALIKE = bytes.maketrans(b"'<:fBCDEFGHIJKLMNOPQRSTUVWXYZ123456789", b'"""e' + b"A" * 25 + b"0" * 9)
_NOT_PLAIN = (
    b'"e',  # t="e", t='e', <f, <x:f: an error or a formula
    b'"AA',  # r="AA1": beyond the 26th column
    b'"A0000000',  # r="A1000000": as many rows, so that the whole may have too many cells
)
_DATA = b"sheetData".translate(_ALIKE)
_OVERLAP = max(map(len, _NOT_PLAIN))
_CELL_WITHOUT_NAME = re.compile(rb"<(?:\w+:)?c(?:/?>|\s+(?!r=)[^<]*>)")


def look_at(package: Package, sheet: str, place: str, *, hidden_rows: bool) -> Look:
    """`hidden_rows`: find these too. A sheet without formulas, errors and far columns costs a search only."""
    book = _Book()
    package.parse(_BOOK, book.start)
    parts = package.relations("xl/_rels/workbook.xml.rels")
    part = parts.get(book.ids.get(sheet, ""), f"for the sheet {sheet!r}")
    look = Look(place)
    if _is_plain(package, part) and not hidden_rows:
        return look
    cells = _Cells(look, never_calculated=book.asks_to_calculate)
    package.parse(part, cells.start, cells.end, cells.text)
    return look


@dataclass
class _Book:
    """What the workbook says of its sheets, and of the values of its formulas."""

    ids: dict[str, str] = field(default_factory=dict)  # sheet → relationship
    asks_to_calculate: bool = False

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        if tag == "sheet":
            self.ids[given.get("name", "")] = attribute(given, "id") or ""
        elif tag == "calcPr":
            self.asks_to_calculate = given.get("fullCalcOnLoad") in ("1", "true")


def _is_plain(package: Package, part: str) -> bool:
    """True if surely no cell is an error or a formula, and the cells that hold values are not too many."""
    plain, rest = True, b""
    for number, piece in enumerate(package.pieces(part)):
        # Writers are consistent, so the first piece tells how a file is written.
        if number == 0 and (b"\0" in piece or b"<!" in piece or _CELL_WITHOUT_NAME.search(piece)):
            plain = False
        if plain:
            text = rest + piece.translate(_ALIKE)
            if number == 0:
                text = text[max(text.find(_DATA), 0) :]
            plain = not any(sign in text for sign in _NOT_PLAIN)
            rest = text[-_OVERLAP:]
    return plain


class _Cells:
    """Handlers for the XML of a sheet (ECMA-376, part 1, 18.3.1.4 and 18.3.1.73)."""

    def __init__(self, look: Look, *, never_calculated: bool) -> None:
        self._look, self._never_calculated = look, never_calculated
        self._row = self._column = 0
        self._kind, self._formula, self._value = "n", False, False
        self._written: list[str] = []
        self._collects = False

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        if tag == "c":
            self._begin(given)
        elif tag == "row":
            self._row, self._column = self._number(given.get("r")), -1
            if given.get("hidden") in ("1", "true"):
                self._look.hide(self._row)
        elif tag == "f":
            self._formula = True
        elif tag == "v":
            self._value, self._collects = True, self._formula or self._kind == "e"
        elif tag == "is":
            self._value = True

    def _number(self, text: str | None) -> int:
        if text is None:
            return self._row + 1
        if not (text.isdecimal() and text.isascii() and len(text) <= 10):
            raise self._damaged(f"a row is called {shown(text)}")
        return int(text)

    def _damaged(self, why: str) -> SourceError:
        return SourceError(
            f"the sheet is damaged: {why}", where=self._look.place, hint="Open the workbook and save it anew"
        )

    def _begin(self, given: Mapping[str, str]) -> None:
        name = given.get("r")
        found = (self._row, self._column + 1) if name is None else position(name)
        if found is None:
            raise self._damaged(f"a cell is called {shown(name)}")
        self._row, self._column = found
        self._kind, self._formula, self._value = given.get("t", "n"), False, False
        self._written.clear()

    def text(self, text: str) -> None:
        if self._collects:
            self._written.append(text)

    def end(self, tag: str) -> None:
        if tag == "v":
            self._collects = False
        elif tag == "c":
            mark = self._mark()
            if mark is not None:
                self._look.mark(self._row, self._column, mark)
            elif self._value:
                self._look.reach(self._row, self._column)

    def _mark(self) -> str | None:
        value = "".join(self._written).strip()
        if self._kind == "e":
            return value or "#ERROR!"
        if not self._formula:
            return None
        if self._kind in ("str", "inlineStr"):  # the result may be the empty text
            return None if self._value else WITHOUT_VALUE
        return None if value and not self._is_placeholder(value) else WITHOUT_VALUE

    def _is_placeholder(self, value: str) -> bool:
        """A library that cannot calculate stores 0, and asks Excel to calculate when it opens the workbook."""
        return self._never_calculated and self._kind == "n" and value == "0"
