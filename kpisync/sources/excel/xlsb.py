"""A first look at a sheet of an .xlsb workbook: errors, hidden rows, and how far it reaches, by its records."""

from __future__ import annotations

from collections.abc import Iterator
from struct import error as StructError
from struct import unpack_from

from kpisync.errors import SourceError
from kpisync.sources.excel.errors import error_text
from kpisync.sources.excel.look import Look
from kpisync.sources.excel.package import Package

# Records of [MS-XLSB] 2.3
_ROW, _ERROR, _FORMULA_ERROR, _RICH_TEXT, _SHEET = 0, 3, 11, 62, 156
_CELLS = frozenset([*range(2, 12), _RICH_TEXT])
_HIDDEN = 0x10  # of the twelfth byte of a row


def look_at(package: Package, sheet: str, place: str) -> Look:
    look, row = Look(place), 0
    try:
        for kind, body in _records(package, _part(package, sheet)):
            if kind == _ROW:
                row = int(unpack_from("<I", body)[0]) + 1
                if body[11] & _HIDDEN:
                    look.hide(row)
            elif kind in (_ERROR, _FORMULA_ERROR):
                look.mark(row, unpack_from("<I", body)[0], error_text(body[8]))
            elif kind in _CELLS:
                look.reach(row, unpack_from("<I", body)[0])
    except (StructError, IndexError):
        raise SourceError("the sheet is damaged", where=place, hint="Open the workbook and save it anew") from None
    return look


def _part(package: Package, sheet: str) -> str:
    targets = package.relations("xl/_rels/workbook.bin.rels")
    for kind, body in _records(package, "xl/workbook.bin"):
        if kind == _SHEET:
            relation, end = _text(body, 8)
            if _text(body, end)[0] == sheet:
                return targets.get(relation, "")
    return ""


def _text(body: bytes, start: int) -> tuple[str, int]:
    """A text with its length before it, and where it ends."""
    end = start + 4 + 2 * int(unpack_from("<I", body, start)[0])
    return body[start + 4 : end].decode("utf-16-le", "replace"), end


def _records(package: Package, part: str) -> Iterator[tuple[int, bytes]]:
    """Kind and content of each: both numbers before it are written with seven bits a byte."""
    held = bytearray()
    for piece in package.pieces(part):
        held += piece
        at = 0
        while (record := _record(held, at)) is not None:
            kind, begin, at = record
            yield kind, bytes(held[begin:at])
        del held[:at]


def _record(held: bytearray, at: int) -> tuple[int, int, int] | None:
    """Kind, begin and end of the content; None if it is not there as a whole yet."""
    kind, at = _number(held, at, 2)
    size, at = _number(held, at, 4)
    return (kind, at, at + size) if at + size <= len(held) else None


def _number(held: bytearray, at: int, most: int) -> tuple[int, int]:
    number = 0
    for nth in range(most):
        if at >= len(held):
            return 0, len(held) + 1
        byte = held[at]
        number |= (byte & 0x7F) << (7 * nth)
        at += 1
        if byte < 0x80:
            break
    return number, at
