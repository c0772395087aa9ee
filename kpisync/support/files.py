"""Files of a source: found, opened without a risk, recognised, and the same from the first byte to the last."""

from __future__ import annotations

import glob
import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kpisync.errors import SourceError

_CHUNK = 1 << 16
_KINDS = (
    (b"PK\x03\x04", "an Excel workbook (.xlsx) or another ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls, or one with a password)"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PAR1", "a Parquet file"),
)
_PACKED = (b"PK\x03\x04", b"\x1f\x8b")
_TEXT_KINDS = (
    (
        re.compile(r"\s*<(!doctype\s+html|html|head|body|meta|script|!--)", re.IGNORECASE),
        "an HTML page (a login page?)",
    ),
    (re.compile(r"\s*<\?xml"), "an XML document"),
    (re.compile(r'\s*(\{\s*["}]|\[\s*\{)'), "a JSON document"),
)


def find_files(pattern: str) -> list[str]:
    """The files that a path or glob means, sorted by name.

    There may be none; a folder that is not there or cannot be listed is a SourceError.
    """
    if os.path.lexists(pattern):
        return [pattern]
    folder = next((parent for parent in Path(pattern).parents if parent.exists()), Path())
    wanted = Path(pattern).relative_to(folder)
    names = glob.glob(str(wanted), root_dir=folder, recursive=True)  # noqa: PTH207 - Path.glob finds hidden files too
    found = sorted(str(folder / name) for name in names)
    if not found:
        _check_folder(Path(pattern), folder)
    return found


def _check_folder(pattern: Path, there: Path) -> None:
    """glob takes a folder that is missing or closed for an empty one."""
    where = origin_of(str(pattern))
    missing = pattern.relative_to(there).parts[0]
    if len(pattern.relative_to(there).parts) > 1 and not glob.has_magic(missing):
        folder = origin_of(str(there / missing))
        hint = f"There is no folder {folder}: check the path, and that its share is mounted"
        raise SourceError("no file matches", where=where, hint=hint)
    with told(where), os.scandir(there):
        pass


def origin_of(path: str) -> str:
    """A path as messages show it: relative to the current directory where it lies inside."""
    whole, here = Path(os.path.abspath(path)), Path.cwd()  # noqa: PTH100 - resolve() would follow links
    return str(whole.relative_to(here) if whole.is_relative_to(here) else whole)


def recognise(head: bytes, text: str) -> str | None:
    """What a file is, if it is no table in text: by its first bytes, and by these decoded."""
    for magic, kind in _KINDS:
        if head.startswith(magic):
            return kind
    return next((kind for pattern, kind in _TEXT_KINDS if pattern.match(text)), None)


def what_next(head: bytes) -> str:
    """A hint for a file that is no table in text."""
    if head.startswith(_PACKED):
        return "To read the files packed in it, say archive: {member: '*.csv'}; or check the type of the source"
    return "Check what wrote it, or the type of the source"


class ObservedFile:
    """An open regular file that is hashed while it is read, and whose change meanwhile is noticed.

    `look` reads anywhere without being observed; `read` goes from the first byte to the last.
    """

    def __init__(self, raw: io.FileIO, origin: str) -> None:
        self._raw, self._origin = raw, origin
        self._before = os.fstat(raw.fileno())
        self._digest = hashlib.sha256()
        self.size = self._before.st_size
        self.position = 0

    def look(self, start: int, size: int) -> bytes:
        with told(self._origin):
            self._raw.seek(start)
            seen = self._raw.read(size)
            self._raw.seek(self.position)
        return seen or b""

    def read(self) -> bytes:
        """The next piece; empty at the end."""
        with told(self._origin):
            chunk = self._raw.read(_CHUNK) or b""
        self._digest.update(chunk)
        self.position += len(chunk)
        return chunk

    def finish(self) -> str:
        """`sha256:…` of all bytes, once they are read; a SourceError if the file changed since it was opened."""
        now = os.fstat(self._raw.fileno())
        if (now.st_size, now.st_mtime_ns) != (self.size, self._before.st_mtime_ns) or self.position != self.size:
            raise SourceError(
                "the file changed while it was read, so it is still being written",
                where=self._origin,
                hint="Run again when the export has ended, or let it write elsewhere and rename the file at its end",
            )
        return f"sha256:{self._digest.hexdigest()}"


@contextmanager
def open_regular(path: str, origin: str) -> Iterator[io.FileIO]:
    """Open a regular file; anything else, such as a pipe, a device or a folder, is a SourceError at once."""
    with told(origin):
        # Without O_NONBLOCK the opening of a pipe waits for its writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SourceError("not a regular file", where=origin, hint="Name a file, not a folder, pipe or device")
        with io.FileIO(descriptor, closefd=False) as raw:
            yield raw
    finally:
        os.close(descriptor)


@contextmanager
def open_observed(path: str, origin: str) -> Iterator[ObservedFile]:
    """Open a regular file, as `open_regular` does, for one reading."""
    with open_regular(path, origin) as raw:
        yield ObservedFile(raw, origin)


def hash_of(path: str, origin: str) -> str:
    """`sha256:…` of a file as it is now."""
    with open_observed(path, origin) as file:
        while file.read():
            pass
        return file.finish()


@contextmanager
def told(origin: str) -> Iterator[None]:
    """A failure of the operating system to read this file becomes a SourceError."""
    try:
        yield
    except OSError as error:
        raise SourceError(
            f"the file cannot be read: {error.strerror or error}",
            where=origin,
            hint="Check that it is there, that this user may read it, and that its share is mounted",
        ) from None
