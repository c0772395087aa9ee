"""A first look at a sheet of an .xls workbook: errors, hidden rows, and how far it reaches, by its records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from struct import error as StructError
from struct import iter_unpack, unpack_from

from kpisync.errors import SourceError
from kpisync.sources.excel.errors import error_text
from kpisync.sources.excel.look import Look

# [MS-CFB]: the container is a file system of its own.
_HEADER = 512
_LAST_SECTOR = 0xFFFFFFFA  # what is larger ends a chain
_SMALL_SECTOR = 64
_STREAMS = ("Workbook", "Book")
# Records of [MS-XLS] 2.3 and 2.4
_BEGIN, _END, _SHEET, _PASSWORD = 0x0809, 0x000A, 0x0085, 0x002F
_ROW, _BOOL_OR_ERROR, _FORMULA, _MANY_NUMBERS = 0x0208, 0x0205, 0x0006, 0x00BD
_CELLS = frozenset([_BOOL_OR_ERROR, _FORMULA, 0x00FD, 0x0203, 0x027E, 0x0204, 0x00D6])
_HIDDEN = 0x20  # of a row's options


def check(content: bytes, origin: str) -> None:
    """All sheets are read when the workbook is opened: SourceError if it has a password, or one reaches too far."""
    with _told(origin):
        stream = _stream(content)
        begins = _begins(stream)
        if any(kind == _PASSWORD for kind, _ in _records(stream, 0)):
            raise SourceError("the workbook has a password", where=origin, hint="Save it without a password")
        for begin in begins:
            _look(stream, begin, origin)


def look_at(content: bytes, sheet: int, place: str) -> Look:
    """`sheet` counts from 0, as the workbook lists them."""
    with _told(place):
        stream = _stream(content)
        return _look(stream, _begins(stream)[sheet], place)


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except (StructError, IndexError, KeyError, StopIteration, ValueError):
        raise SourceError("the workbook is damaged", where=where, hint="Open the workbook and save it anew") from None


def _begins(stream: bytes) -> list[int]:
    """Where the sheets begin, in their order."""
    return [unpack_from("<I", body)[0] for kind, body in _records(stream, 0) if kind == _SHEET]


def _look(stream: bytes, begin: int, place: str) -> Look:
    look = Look(place)
    for kind, body in _records(stream, begin):
        _take(kind, body, look)
    return look


def _take(kind: int, body: bytes, look: Look) -> None:
    if kind == _ROW:
        if body[12] & _HIDDEN:
            look.hide(unpack_from("<H", body)[0] + 1)
    elif kind == _MANY_NUMBERS:
        look.reach(unpack_from("<H", body)[0] + 1, unpack_from("<H", body, len(body) - 2)[0])
    elif kind in _CELLS:
        row, column = unpack_from("<HH", body)
        look.reach(row + 1, column)
        if kind == _BOOL_OR_ERROR and body[7]:
            look.mark(row + 1, column, error_text(body[6]))
        elif kind == _FORMULA and body[12:14] == b"\xff\xff" and body[6] == 2:
            look.mark(row + 1, column, error_text(body[8]))


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Kind and content of each, from a BOF to its EOF; those of a chart that is embedded are left out."""
    depth = 0
    while True:
        kind, size = unpack_from("<HH", stream, at)
        at += 4 + size
        depth += (kind == _BEGIN) - (kind == _END)
        if depth == 0:
            return
        if depth == 1:
            yield kind, stream[at - size : at]


def _stream(content: bytes) -> bytes:
    """The stream that holds the workbook, put together from its sectors."""
    size = 1 << int(unpack_from("<H", content, 30)[0])
    (first_directory,) = unpack_from("<I", content, 48)
    cutoff, first_small_table = unpack_from("<II", content, 56)
    table = b"".join(_sector(content, size, number) for number in _table_sectors(content, size))
    entries = {name: rest for name, *rest in _entries(_chain(content, size, table, first_directory))}
    start, length = next(entries[name] for name in _STREAMS if name in entries)
    if length >= cutoff:
        return _chain(content, size, table, start)[:length]
    small_table = _chain(content, size, table, first_small_table)
    small = _chain(content, size, table, entries["Root Entry"][0])
    return _chain(b"\0" * _HEADER + small, _SMALL_SECTOR, small_table, start, first=_HEADER)[:length]


def _table_sectors(content: bytes, size: int) -> Iterator[int]:
    """Where the table of sectors lies: 109 places in the header, more in a chain of sectors."""
    yield from (number for (number,) in iter_unpack("<I", content[76:_HEADER]) if number < _LAST_SECTOR)
    (more,) = unpack_from("<I", content, 68)
    for _ in range(len(content) // size):
        if more >= _LAST_SECTOR:
            return
        *numbers, more = (number for (number,) in iter_unpack("<I", _sector(content, size, more)))
        yield from (number for number in numbers if number < _LAST_SECTOR)


def _sector(content: bytes, size: int, number: int, first: int | None = None) -> bytes:
    begin = (size if first is None else first) + number * size  # the header takes the place of one sector
    return content[begin : begin + size]


def _chain(content: bytes, size: int, table: bytes, start: int, first: int | None = None) -> bytes:
    parts: list[bytes] = []
    while start < _LAST_SECTOR:
        parts.append(_sector(content, size, start, first))
        if len(parts) * size > len(content):
            raise ValueError("the chain of sectors has no end")
        (start,) = unpack_from("<I", table, 4 * start)
    return b"".join(parts)


def _entries(directory: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, first sector and length of each stream; a name is UTF-16 with a zero at its end."""
    for at in range(0, len(directory) - 127, 128):
        (name_length,) = unpack_from("<H", directory, at + 64)
        start, length = unpack_from("<II", directory, at + 116)
        yield directory[at : at + max(name_length - 2, 0)].decode("utf-16-le", "replace"), start, length
