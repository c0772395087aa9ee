"""Files in archives: unpacked one by one into private copies, never by a name or a size that the archive claims."""

from __future__ import annotations

import fnmatch
import gzip
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from kpisync.errors import SourceError
from kpisync.places.copies import Copies
from kpisync.places.entries import Found
from kpisync.places.options import ArchiveOptions
from kpisync.support.files import open_regular, told

_ZIP, _GZIP = (b"PK\x03\x04", b"PK\x05\x06"), b"\x1f\x8b"
_PIECE = 1 << 16
_HARMLESS = 64 << 20  # bytes, up to which the ratio says nothing
_RATIO = 250  # times; an export of blanks and zeros comes to some 100, deflate could do 1032
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack more at a time than they are asked for
_SHOWN = 5  # names in a message
# What zipfile and gzip raise for bytes that were damaged, or made up to harm.
_BROKEN = (
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    ValueError,
    OverflowError,
    struct.error,
)


def unpacked(path: str, origin: str, options: ArchiveOptions, copies: Copies) -> Iterator[Found]:
    """The files in an archive that are asked for, each `origin/name`. Raises SourceError for all that is odd."""
    with open_regular(path, origin) as raw:
        before = os.fstat(raw.fileno())
        with told(origin), _unbroken(origin):
            head = raw.read(4)
            raw.seek(0)
            if head.startswith(_ZIP):
                yield from _zipped(raw, before.st_size, origin, options, copies)
            elif head.startswith(_GZIP):
                yield _gzipped(raw, before.st_size, origin, copies)
            else:
                hint = "Leave archive out if the export is not packed; else check what wrote it"
                raise SourceError("this is neither a ZIP archive nor packed with gzip", where=origin, hint=hint)
        now = os.fstat(raw.fileno())
        if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            hint = "Run again when the export has ended"
            raise SourceError("the archive changed while it was unpacked", where=origin, hint=hint)


@contextmanager
def _unbroken(origin: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN:
        raise SourceError(
            "the archive is damaged, cut off, or still being written",
            where=origin,
            hint="Let the export write it again; what is in it was not used",
        ) from None


# ---------------------------------------------------------------- ZIP


def _zipped(raw: io.FileIO, packed: int, origin: str, options: ArchiveOptions, copies: Copies) -> Iterator[Found]:
    with zipfile.ZipFile(raw) as archive:
        budget = _Budget(packed, origin)
        for member in _wanted(archive.infolist(), origin, options):
            inner = f"{origin}/{member.filename}"
            _check(member, inner)
            with copies.new(inner) as copy, archive.open(member) as stream:
                while piece := stream.read(_PIECE):
                    copy.write(piece)
                    budget.spend(len(piece))
            if copy.size != member.file_size:
                raise zipfile.BadZipFile
            yield Found(copy.path, inner)


def _wanted(members: list[zipfile.ZipInfo], origin: str, options: ArchiveOptions) -> list[zipfile.ZipInfo]:
    files = sorted((member for member in members if not member.is_dir()), key=lambda member: member.filename)
    wanted = [member for member in files if _matches(member.filename, options.member)]
    if not wanted:
        hint = f"It holds {_few(files)}; correct archive.member" if files else "It is empty: check what wrote it"
        raise SourceError(f"nothing in the archive matches {options.member}", where=origin, hint=hint)
    if len(wanted) > 1 and options.many == "error":
        raise SourceError(
            f"{len(wanted)} files in the archive match {options.member}",
            where=origin,
            hint=f"They are {_few(wanted)}: narrow archive.member, or say many: all",
        )
    names = {member.filename for member in wanted}
    if len(names) < len(wanted):
        what = "the archive holds two files of one name"
        raise SourceError(what, where=origin, hint="Nobody can say which of them counts; check what wrote it")
    return wanted


def _matches(name: str, pattern: str) -> bool:
    """A pattern is for the whole name, `*` for folders too; hidden files are left out, as they are in a folder."""
    hidden = any(part.startswith(".") and part != ".." for part in name.replace("\\", "/").split("/"))
    return fnmatch.fnmatchcase(name, pattern) and (not hidden or pattern.startswith(".") or "/." in pattern)


def _few(members: list[zipfile.ZipInfo]) -> str:
    names = [_shown(member.filename) for member in members[:_SHOWN]]
    return ", ".join(names) + (f" and {len(members) - _SHOWN} more" if len(members) > _SHOWN else "")


def _shown(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _check(member: zipfile.ZipInfo, inner: str) -> None:
    name = member.filename
    if not name.isprintable() or name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
        what = f"the name {name!r} of a file in the archive leads somewhere else"
        raise SourceError(
            what, where=inner.removesuffix(f"/{name}"), hint="Such a name is made up; check what wrote it"
        )
    if member.flag_bits & _ENCRYPTED:
        hint = "Let the export write it without; kpisync does not unpack it"
        raise SourceError("it is protected by a password", where=inner, hint=hint)
    if member.compress_type not in _METHODS:
        hint = "Pack it with the usual one (deflate), such as that of Windows or of zip"
        raise SourceError("it is packed by a method that is not read", where=inner, hint=hint)


# ---------------------------------------------------------------- gzip


def _gzipped(raw: io.FileIO, packed: int, origin: str, copies: Copies) -> Found:
    name = PurePosixPath(origin.replace("\\", "/")).name
    inner = f"{origin}/{name.removesuffix('.gz') if name != '.gz' else name}"
    budget = _Budget(packed, origin)
    with copies.new(inner) as copy, gzip.GzipFile(fileobj=raw, mode="rb") as stream:
        first = piece = stream.read(_PIECE)
        _refuse_tar(first, origin)
        while piece:
            copy.write(piece)
            budget.spend(len(piece))
            piece = stream.read(_PIECE)
    return Found(copy.path, inner)


def _refuse_tar(head: bytes, origin: str) -> None:
    if head[257:262] == b"ustar":
        hint = "Pack the files as a ZIP archive, or each with gzip"
        raise SourceError("there is a tar archive inside, which is not read", where=origin, hint=hint)


class _Budget:
    """How much may come out of an archive of this size."""

    def __init__(self, packed: int, origin: str) -> None:
        self._left = max(_HARMLESS, _RATIO * packed)
        self._origin = origin

    def spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            what = f"it unpacks to more than {_RATIO} times its size"
            raise SourceError(what, where=self._origin, hint="No export packs so well: this is a trap, or damaged")
