"""Copies of files that lie elsewhere or in an archive: private, limited in size, and removed after use."""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from kpisync.errors import SourceError

MOST_BYTES = 4 << 30  # of one file; a table of this size has some hundred million cells
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")


class Copy:
    """A copy that is being written; `path` can be opened once that is over."""

    def __init__(self, path: Path, stream: BinaryIO, origin: str) -> None:
        self.path, self._stream, self._origin = str(path), stream, origin
        self.size = 0

    def write(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > MOST_BYTES:
            what = f"it has more than {MOST_BYTES >> 30} GiB"
            raise SourceError(what, where=self._origin, hint="This is no export of KPIs; check it")
        try:
            self._stream.write(piece)
        except OSError as error:
            raise _no_room(error, self._origin) from None


class Copies:
    """A folder that only this user can enter, made when it is needed.

    It is removed when this object is forgotten, and at the end of the process.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._count = 0

    @contextmanager
    def new(self, origin: str) -> Iterator[Copy]:
        """A copy to be filled. Its name has nothing of the origin but the suffix, and so leads nowhere else."""
        suffix = PurePosixPath(origin).suffix
        self._count += 1
        try:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="kpisync-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            path = self._folder / f"{self._count}{suffix if _SUFFIX.fullmatch(suffix) else ''}"
            stream = path.open("xb", buffering=0)
        except OSError as error:
            raise _no_room(error, origin) from None
        with stream:
            yield Copy(path, stream, origin)


def _no_room(error: OSError, origin: str) -> SourceError:
    return SourceError(
        f"it cannot be copied to this machine: {error.strerror or error}",
        where=origin,
        hint="Make room for temporary files, or name another folder for them in the environment variable TMPDIR",
    )
