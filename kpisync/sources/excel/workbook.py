"""Workbooks: recognised by their content, checked before they are opened, and read sheet by sheet."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from io import BytesIO
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from kpisync.errors import SourceError
from kpisync.sources.excel import ods, xls, xlsb, xlsx
from kpisync.sources.excel.look import Look
from kpisync.sources.excel.package import MOST_UNPACKED, Package
from kpisync.support.files import open_observed, recognise
from kpisync.tables.cells import shown

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook, SheetMetadata

Kind = Literal["xlsx", "xlsb", "ods", "xls"]
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PARTS: tuple[tuple[str, Kind], ...] = (
    ("xl/workbook.xml", "xlsx"),
    ("xl/workbook.bin", "xlsb"),
    ("content.xml", "ods"),
)
_HEAD = 4096
_MOST_LISTED = 30


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook in memory: its file was read once, so nothing can change while its sheets are read."""

    origin: str
    digest: str
    kind: Kind
    content: bytes
    package: Package | None  # None for an .xls
    opened: CalamineWorkbook

    def choose(self, wanted: str | int | None) -> str:
        """The name of a sheet, given its name, a glob, its number from 1, or None for the first visible one.

        Raises SourceError where none is meant, or several, or one without cells.
        """
        sheets = self.opened.sheets_metadata
        if isinstance(wanted, str):
            found = [sheet for sheet in sheets if sheet.name == wanted]
            found = found or [sheet for sheet in sheets if fnmatchcase(sheet.name, wanted)]
        elif wanted is None:
            found = [sheet for sheet in sheets if _is_visible(sheet) and _has_cells(sheet)][:1]
        else:
            found = sheets[wanted - 1 : wanted]
        if len(found) != 1:
            raise self._no_choice(wanted, [sheet.name for sheet in found])
        if not _has_cells(found[0]):
            what = f"the sheet {shown(found[0].name)} is a chart, dialog or macro sheet, which has no cells"
            raise SourceError(what, where=self.origin, hint=self._listed("Name a worksheet"))
        return found[0].name

    def look(self, sheet: str, place: str, *, hidden_rows: bool) -> Look:
        """What must be known of a sheet before it is loaded; SourceError for one that is damaged or too large."""
        if self.package is None:
            return xls.look_at(self.content, self.opened.sheet_names.index(sheet), place)
        if self.kind == "xlsb":
            return xlsb.look_at(self.package, sheet, place)
        if self.kind == "ods":
            return ods.look_at(self.package, sheet, place)
        return xlsx.look_at(self.package, sheet, place, hidden_rows=hidden_rows)

    def load(self, sheet: str, place: str) -> CalamineSheet:
        with _Told(place):
            return self.opened.get_sheet_by_name(sheet)

    def _no_choice(self, wanted: str | int | None, found: Sequence[str]) -> SourceError:
        names = self.opened.sheet_names
        if found:
            listed = ", ".join(map(shown, found))
            what, hint = f"{len(found)} sheets match {shown(wanted)}: {listed}", "Name one of them under sheet"
        elif wanted is None:
            what, hint = "no visible sheet has cells", self._listed("Name one under sheet")
        elif isinstance(wanted, int):
            what = f"there is no sheet number {wanted}: the workbook has {len(names)}"
            hint = self._listed(f'Correct sheet; if {wanted} is its name, write it in quotes: sheet: "{wanted}"')
        else:
            near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.5)
            question = f"Did you mean {shown(near[0])}?" if near else "Correct sheet"
            what, hint = f"there is no sheet {shown(wanted)}", self._listed(question)
        return SourceError(what, where=self.origin, hint=hint)

    def _listed(self, what: str) -> str:
        sheets = self.opened.sheets_metadata
        listed = ", ".join(shown(s.name) + ("" if _is_visible(s) else " (hidden)") for s in sheets[:_MOST_LISTED])
        more = f" and {len(sheets) - _MOST_LISTED} more" if len(sheets) > _MOST_LISTED else ""
        return f"{what}{'' if what.endswith('?') else '.'} The sheets are {listed}{more}"


def open_workbook(path: str, origin: str) -> Workbook:
    """Raises SourceError for what is no workbook, has a password, is damaged, or is larger than it may be."""
    from python_calamine import CalamineWorkbook

    content, digest = _content(path, origin)
    kind, package = _kind(content, origin)
    if package is None:
        xls.check(content, origin)
    elif kind == "ods":
        ods.check(package, origin)
    else:
        package.verify("xl")  # the parts beside the sheets are read when it is opened
    with _Told(origin):
        opened = CalamineWorkbook.from_filelike(BytesIO(content))
    return Workbook(origin, digest, kind, content, package, opened)


def _content(path: str, origin: str) -> tuple[bytes, str]:
    with open_observed(path, origin) as file:
        if file.size > MOST_UNPACKED:
            what = f"the file has {file.size:,} bytes, and {MOST_UNPACKED:,} are read at most"
            raise SourceError(what, where=origin, hint="A large export is better read as csv or parquet")
        content = b"".join(iter(file.read, b""))
        return content, file.finish()


def _kind(content: bytes, origin: str) -> tuple[Kind, Package | None]:
    if content.startswith(_ZIP):
        package = Package(content, origin)
        kind = next((kind for part, kind in _PARTS if part in package), None)
        if kind is None:
            raise _refusal("this is a ZIP archive, but no workbook is in it", origin, "Check what wrote it")
        return kind, package
    if not content.startswith(_OLE):
        raise _no_workbook(content[:_HEAD], origin)
    if _wide("EncryptedPackage") in content:
        raise _has_password(origin)
    if _wide("Workbook") not in content and _wide("Book") not in content:
        raise _refusal("this is an old Office document, but no workbook", origin, "Check what wrote it")
    return "xls", None


def _wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def _no_workbook(head: bytes, origin: str) -> SourceError:
    """Text under the name of a workbook is what many systems export (SAP among them); say how it can be read."""
    if not head:
        return SourceError("the file is empty", where=origin, hint="Check that the export has run")
    codec = next(
        (name for bom, name in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")) if head[:2] == bom), ""
    )
    text = head.decode(codec or "utf-8", "replace").removeprefix("\ufeff")
    if "urn:schemas-microsoft-com:office:spreadsheet" in text:
        return _refusal(
            "this is an XML spreadsheet (Excel 2003)", origin, "Read it with type: xml, or save it as .xlsx"
        )
    if text.lstrip().lower().startswith("mime-version:"):
        return _refusal("this is a web archive (MHTML)", origin, "Let the export write .xlsx or csv")
    kind = recognise(head, text)
    if kind is not None:
        hints = {"an HTML": "Let the export write .xlsx or csv", "an XML": "Read it with type: xml",
                 "a JSON": "Read it with type: json", "a Parquet": "Read it with type: parquet"}  # fmt: skip
        hint = next((hint for start, hint in hints.items() if kind.startswith(start)), "Check what wrote it")
        return _refusal(f"this is {kind}", origin, hint)
    if not codec and b"\0" in head:
        return _refusal("this is no workbook", origin, "Check what wrote it")
    encoding = "encoding: utf-16" if codec else "its encoding"
    delimiter = "delimiter: tab" if "\t" in text else "its delimiter"
    return _refusal("this is text", origin, f"Read it with type: csv, {encoding} and {delimiter}")


def _refusal(what: str, origin: str, hint: str) -> SourceError:
    return SourceError(f"{what}, whatever its name says", where=origin, hint=hint)


def _is_visible(sheet: SheetMetadata) -> bool:
    from python_calamine import SheetVisibleEnum

    return sheet.visible == SheetVisibleEnum.Visible


def _has_cells(sheet: SheetMetadata) -> bool:
    from python_calamine import SheetTypeEnum

    return sheet.typ == SheetTypeEnum.WorkSheet


class _Told:
    """Turns what calamine raises into a SourceError."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        from python_calamine import CalamineError, PasswordError

        self._password, self._damage = PasswordError, (CalamineError, OSError, ValueError)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, self._password):
            raise _has_password(self._where) from None
        # Some damage makes it panic, by an exception that is no Exception and that no module exports.
        if isinstance(error, self._damage) or (kind is not None and kind.__name__ == "PanicException"):
            why = " ".join(str(error).split()) or "it cannot be read"
            hint = "Get the workbook again, or open it and save it anew"
            raise SourceError(f"the workbook is damaged: {why}", where=self._where, hint=hint) from None


def _has_password(where: str) -> SourceError:
    return SourceError("the workbook has a password", where=where, hint="Save it without a password")
