"""Text files: decoded as declared, by their byte order mark or as strict UTF-8, and otherwise not at all."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, TextIO, cast

from kpisync.errors import SourceError
from kpisync.support.files import ObservedFile, open_observed, recognise, what_next

_HEAD = 4096
_AROUND = 24  # bytes on either side of a bad one that a message shows
_LONGEST_LINE = 1 << 24
_BOMS = (  # the longer ones first: UTF-32 begins as UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ("utf-16", "utf-32")
_CANDIDATES = ("utf-8", "cp1252", "latin-1", "cp850")
_C1 = bytes(range(0x80, 0xA0))  # control characters in ISO 8859: no export has them, but cp1252 has letters there


@dataclass(frozen=True, slots=True)
class TextFile:
    """An open text file. `lines` keep their line breaks; `encoding` is the codec in use."""

    lines: TextIO
    encoding: str
    observed: ObservedFile


@contextmanager
def open_text(path: str, origin: str, encoding: str | None, *, accept_cut: bool = False) -> Iterator[TextFile]:
    """Open a text file for one reading from its first line to its last; memory stays constant.

    Raises SourceError, on opening or while its lines are read, for what is no text, is not of its encoding, or ends
    within a line (unless `accept_cut`).
    """
    with open_observed(path, origin) as observed:
        head = observed.look(0, _HEAD)
        bom, codec = _encoding(head, encoding, origin)
        _refuse_other_kinds(head, bom, codec, origin)
        if not accept_cut:
            _refuse_cut(observed, codec, origin)
        decodable = cast(BinaryIO, _Decodable(observed, len(bom), codec, origin))
        lines = io.TextIOWrapper(decodable, encoding=codec, newline="")
        try:
            yield TextFile(lines, codec, observed)
        except UnicodeDecodeError:
            raise _not_decodable(observed, len(bom), codec, encoding, origin) from None
        finally:
            lines.close()


def check_encoding(name: str) -> str:
    """The name, if it is one of a text encoding; otherwise a ValueError."""
    try:
        "".encode(name)
    except LookupError:
        raise ValueError(f"{name!r} is not a text encoding such as utf-8, cp1252 or utf-16") from None
    return name


def _encoding(head: bytes, declared: str | None, origin: str) -> tuple[bytes, str]:
    """The byte order mark, and the codec for what follows it."""
    bom, marked = next(((bom, name) for bom, name in _BOMS if head.startswith(bom)), (b"", None))
    if declared is None:
        return bom, marked or "utf-8"
    name = codecs.lookup(declared).name
    codec = "utf-8" if name == "utf-8-sig" else name
    if marked is None:
        if codec in _WIDE:
            raise SourceError(
                f"{declared} is declared, but there is no byte order mark to tell which",
                where=origin,
                hint=f"Declare encoding: {codec}-le or {codec}-be",
            )
        return b"", codec
    if codec not in (marked, marked[: -len("-le")]):
        raise SourceError(
            f"{declared} is declared, but the file begins with the byte order mark of {marked}",
            where=origin,
            hint="Leave encoding out, or correct it",
        )
    return bom, marked


def _refuse_other_kinds(head: bytes, bom: bytes, codec: str, origin: str) -> None:
    if head == bom:
        raise SourceError("the file is empty, without even a header", where=origin, hint="Check that the export ran")
    kind = recognise(head, head[len(bom) :].decode(codec, "replace"))
    if kind is not None:
        raise SourceError(f"this is {kind}, not a text table", where=origin, hint=what_next(head))


def _refuse_cut(observed: ObservedFile, codec: str, origin: str) -> None:
    breaks = tuple(end.encode(codec) for end in "\n\r")
    if not observed.look(max(0, observed.size - len(breaks[0])), len(breaks[0])).endswith(breaks):
        raise SourceError(
            "the last line has no line break, so the file may be cut or still being written",
            where=origin,
            hint="Run again when the export has ended, or set last_line: accept if it always ends so",
        )


class _Decodable(io.BufferedIOBase):
    """The bytes of a file for a decoder, without the mark at their start; checked for what no text holds."""

    def __init__(self, observed: ObservedFile, skip: int, codec: str, origin: str) -> None:
        self._observed, self._skip, self._codec, self._origin = observed, skip, codec, origin
        self._forbidden = b"" if codec.startswith(_WIDE) else b"\0" + (_C1 if codec.startswith("iso8859") else b"")
        self._unbroken = 0

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1, /) -> bytes:
        start = self._observed.position
        chunk = self._observed.read()
        for byte in self._forbidden:
            if (at := chunk.find(byte)) >= 0:
                raise self._control_character(start + at, byte)
        self._unbroken = 0 if b"\n" in chunk or b"\r" in chunk else self._unbroken + len(chunk)
        if self._unbroken > _LONGEST_LINE:
            where = f"{self._origin}:{_line_at(self._observed, start, self._codec)}"
            raise SourceError(
                f"a line longer than {_LONGEST_LINE} bytes", where=where, hint="This is no table; check it"
            )
        return chunk if start else chunk[self._skip :]

    def _control_character(self, offset: int, byte: int) -> SourceError:
        where = f"{self._origin}:{_line_at(self._observed, offset, self._codec)}"
        if byte:
            what = f"byte 0x{byte:02X} is a control character in {self._codec}, so that is not the encoding"
            return SourceError(what, where=where, hint="Declare encoding: cp1252, which has letters and dashes there")
        hint = "It may be damaged, or UTF-16 without a byte order mark: then declare encoding: utf-16-le"
        return SourceError("the file holds a NUL byte, which no text has", where=where, hint=hint)


def _not_decodable(observed: ObservedFile, skip: int, codec: str, declared: str | None, origin: str) -> SourceError:
    """Name the first bad byte, and what candidates would read in its place."""
    offset = _first_bad_byte(observed, skip, codec)
    bad = observed.look(offset, 1)
    what = (
        f"byte 0x{bad.hex().upper()} at offset {offset} is not {codec}"
        if bad
        else f"the text ends within a {codec} character"
    )
    what += ", the declared encoding" if declared else ", and no encoding is declared"
    return SourceError(what, where=f"{origin}:{_line_at(observed, offset, codec)}", hint=_readings(observed, offset))


def _readings(observed: ObservedFile, offset: int) -> str:
    first = max(0, offset - _AROUND)
    seen = observed.look(first, offset - first + _AROUND)
    before, after = seen[: offset - first], seen[offset - first :]
    near = before.splitlines()[-1:] if before and before[-1:] not in b"\r\n" else [b""]
    piece = near[0] + (after.splitlines() or [b""])[0]
    found = []
    for name in _CANDIDATES:
        try:
            found.append(f"{name} reads {piece.decode(name)!r}")
        except UnicodeDecodeError:
            continue
    return f"Declare the encoding of the export: {', '.join(found)}; or utf-16"


def _pieces(observed: ObservedFile, start: int, stop: int) -> Iterator[bytes]:
    while start < stop and (piece := observed.look(start, min(1 << 16, stop - start))):
        yield piece
        start += len(piece)


def _first_bad_byte(observed: ObservedFile, start: int, codec: str) -> int:
    decoder = codecs.getincrementaldecoder(codec)()
    for piece in chain(_pieces(observed, start, observed.size), [b""]):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            return start - pending + error.start
        start += len(piece)
    return start


def _line_at(observed: ObservedFile, offset: int, codec: str) -> int:
    """The number of the line, from 1, that holds the byte at an offset."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)("replace"), translate=True)
    return 1 + sum(decoder.decode(piece).count("\n") for piece in _pieces(observed, 0, offset))
