"""The ZIP archive that a workbook is: its parts, unpacked within bounds and checked, and XML read without a risk."""

from __future__ import annotations

import io
import posixpath
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import IO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from kpisync.errors import SourceError

MOST_UNPACKED = 1 << 30  # bytes of all parts together
PIECE = 1 << 16
_ENCRYPTED = 1  # a flag of a member
_DAMAGED = "Get the workbook again: it may be cut, or still being written"


class Package:
    """Raises SourceError for an archive that is damaged, encrypted, or larger than it may be when unpacked."""

    def __init__(self, content: bytes, origin: str) -> None:
        self._origin = origin
        try:
            self._archive = ZipFile(io.BytesIO(content))
        except (BadZipFile, ValueError, NotImplementedError) as error:
            raise self._damaged(str(error)) from None
        members = self._archive.infolist()
        self._names = {member.filename.replace("\\", "/").lower(): member for member in members}
        if len(self._names) < len(members):
            raise self._damaged("it has two parts of one name")
        if any(member.flag_bits & _ENCRYPTED for member in members):
            raise SourceError("the workbook is encrypted", where=origin, hint="Save it without a password")
        unpacked = sum(member.file_size for member in members)
        if unpacked > MOST_UNPACKED:
            raise SourceError(
                f"the workbook would unpack to {unpacked:,} bytes, and {MOST_UNPACKED:,} are read at most",
                where=origin,
                hint="Check what wrote it; a large export is better read as csv or parquet",
            )

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._names

    def pieces(self, name: str) -> Iterator[bytes]:
        """A part's bytes, whose number is as declared: an archive that understates it has a wrong checksum then."""
        member = self._names.get(name.lower())
        if member is None:
            raise self._damaged(f"it has no part {name}")
        try:
            with self._archive.open(member) as part:
                yield from _pieces(part)
        except (BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
            raise self._damaged(f"{name}: {error}") from None

    def verify(self, folder: str) -> None:
        """Unpack the parts that lie in a folder itself, and forget them."""
        for name in self._names:
            if name.rpartition("/")[0] == folder:
                for _ in self.pieces(name):
                    pass

    def parse(
        self,
        name: str,
        start: Callable[[str, Mapping[str, str]], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        """Call the handlers for an XML part, by names without their prefixes. A DOCTYPE, which no workbook has, is
        refused: entities could grow without bounds, or stand for what the reader of workbooks would leave out."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = lambda tag, given: start(_local(tag), given)
        if end is not None:
            parser.EndElementHandler = lambda tag: end(_local(tag))
        if text is not None:
            parser.CharacterDataHandler = text

        def refuse(*_: object) -> None:
            raise self._damaged(f"{name} has a DOCTYPE, which no workbook has")

        parser.StartDoctypeDeclHandler = refuse
        try:
            for piece in self.pieces(name):
                parser.Parse(piece, False)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise self._damaged(f"{name}: {error}") from None

    def relations(self, name: str) -> dict[str, str]:
        """What a part of relationships says: id → part."""
        found: dict[str, str] = {}

        def start(tag: str, given: Mapping[str, str]) -> None:
            if tag == "Relationship":
                target = given.get("Target", "").replace("\\", "/")
                found[given.get("Id", "")] = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")

        self.parse(name, start)
        return found

    def _damaged(self, why: str) -> SourceError:
        return SourceError(f"the workbook is damaged: {why}", where=self._origin, hint=_DAMAGED)


def _pieces(part: IO[bytes]) -> Iterator[bytes]:
    while piece := part.read(PIECE):
        yield piece


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def attribute(given: Mapping[str, str], name: str) -> str | None:
    """By its name without a prefix."""
    return next((value for key, value in given.items() if _local(key) == name), None)
