"""Which columns of a sheet are shown as per cent, by the formats of their cells."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from kpisync.sources.excel.look import position
from kpisync.sources.excel.package import Package, attribute
from kpisync.sources.excel.workbook import Workbook

_BUILT_IN = ("9", "10")  # 0% and 0.00%: ECMA-376, part 1, 18.8.30
_BOOK, _STYLES = "xl/workbook.xml", "xl/styles.xml"


def percent_columns(book: Workbook, sheet: str) -> frozenset[int]:
    """Columns, from 0, most of whose cells with a format of their own are shown so; only an .xlsx tells it."""
    package = book.package
    if book.kind != "xlsx" or package is None or _STYLES not in package:
        return frozenset()
    styles = _Styles()
    package.parse(_STYLES, styles.start, styles.end)
    part = _Parts.of(package).part(sheet)
    if not styles.percent or part not in package:
        return frozenset()
    cells = _Cells(styles.percent)
    package.parse(part, cells.start)
    return frozenset(column for column, count in cells.shown.items() if count * 2 > cells.all[column])


@dataclass
class _Styles:
    percent: set[str] = field(default_factory=set)  # the styles of cells, by their numbers
    _formats: set[str] = field(default_factory=lambda: set(_BUILT_IN))
    _inside: bool = False
    _count: int = 0

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        if tag == "numFmt" and "%" in given.get("formatCode", ""):
            self._formats.add(given.get("numFmtId", ""))
        elif tag == "cellXfs":
            self._inside = True
        elif tag == "xf" and self._inside:
            if given.get("numFmtId") in self._formats:
                self.percent.add(str(self._count))
            self._count += 1

    def end(self, tag: str) -> None:
        if tag == "cellXfs":
            self._inside = False


@dataclass
class _Parts:
    ids: dict[str, str] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, package: Package) -> _Parts:
        parts = cls()
        package.parse(_BOOK, parts.start)
        package.parse("xl/_rels/workbook.xml.rels", parts.start)
        return parts

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        if tag == "sheet":
            self.ids[given.get("name", "")] = attribute(given, "id") or ""
        elif tag == "Relationship":
            target = given.get("Target", "").replace("\\", "/")
            self.targets[given.get("Id", "")] = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")

    def part(self, sheet: str) -> str:
        return self.targets.get(self.ids.get(sheet, ""), "")


@dataclass
class _Cells:
    styles: set[str]
    shown: Counter[int] = field(default_factory=Counter)
    all: Counter[int] = field(default_factory=Counter)

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        if tag == "c" and (found := position(given.get("r", ""))):
            self.all[found[1]] += given.get("t", "n") == "n"
            self.shown[found[1]] += given.get("t", "n") == "n" and given.get("s", "0") in self.styles
