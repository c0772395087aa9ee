"""Files on another machine: listed as a glob here would be, and fetched whole, each step within its time."""

from __future__ import annotations

import fnmatch
import glob
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from multiprocessing.pool import ThreadPool
from typing import TypeVar

from kpisync.errors import SourceError
from kpisync.places import azure, s3, sftp, smb
from kpisync.places.address import Address
from kpisync.places.copies import Copies
from kpisync.places.drives import LATE, PIECE, SECONDS, Drive, Kind, general_trouble
from kpisync.places.entries import Entry
from kpisync.places.login import Login
from kpisync.ports import Surroundings
from kpisync.support.statuses import plain

T = TypeVar("T")
_KINDS: dict[str, tuple[Kind, str]] = {  # and the extra that its library comes with
    "sftp": (sftp, "sftp"),
    "s3": (s3, "s3"),
    "abfs": (azure, "azure"),
    "smb": (smb, "smb"),
}


class Steps:
    """Takes one step after the other, each in at most so many seconds; a failure becomes a SourceError.

    That is done in a thread of its own, for a library that waits for ever cannot be told to stop; it is left behind.
    """

    def __init__(self, kind: Kind, redact: Callable[[str], str], pool: ThreadPool, seconds: float) -> None:
        self._kind, self._redact, self._pool, self._seconds = kind, redact, pool, seconds
        self._failures: tuple[type[Exception], ...] = (OSError, *kind.failures())

    def take(self, where: str, step: Callable[[], T]) -> T:
        within: Callable[[Callable[[], T]], T] = copy_context().run  # what the library logs says which run it is of
        try:
            return self._pool.apply_async(within, (step,)).get(self._seconds)
        except multiprocessing.TimeoutError:
            trouble = LATE
        except self._failures as error:
            trouble = general_trouble(error, self._kind.trouble)
        raise SourceError(plain(trouble.what, self._redact), where=where, hint=trouble.hint)


class Remote:
    """The files that a URL means; `*` stands for a part of one name, `**` for any folders, as on this machine."""

    def __init__(self, drive: Drive, address: Address, steps: Steps) -> None:
        self._drive, self._address, self._steps = drive, address, steps

    @property
    def where(self) -> str:
        return self._address.shown

    def entries(self) -> list[Entry]:
        folder, *parts = _split(self._address.path)
        if not parts:
            return self._single(folder)
        return sorted(set(self._below(folder, parts)), key=lambda entry: entry.address)

    def look(self, entry: Entry) -> Entry:
        return self._steps.take(entry.origin, lambda: self._drive.look(entry.address))

    def copy(self, entry: Entry, copies: Copies) -> str:
        """Raises SourceError if the file changes meanwhile, or is not all there."""
        before = entry if entry.folder else self.look(entry)
        if before.folder:
            raise SourceError("not a regular file", where=entry.origin, hint="Name a file, not a folder")
        take = self._steps.take
        with copies.new(entry.origin) as copy:
            stream = take(entry.origin, lambda: self._drive.open(entry.address))
            while copy.size <= (before.size or 0) and (piece := take(entry.origin, lambda: stream.read(PIECE))):
                copy.write(piece)
            take(entry.origin, stream.close)
        if copy.size != before.size or not self.look(entry).is_as(before):
            raise SourceError(
                "the file changed while it was fetched, so it is still being written",
                where=entry.origin,
                hint="Run again when the export has ended, or say settle: 1m to wait for it",
            )
        return copy.path

    def _single(self, path: str) -> list[Entry]:
        """A file without a pattern; if it is missing, its folder must be there all the same."""

        def find() -> list[Entry]:
            try:
                return [self._drive.look(path)]
            except FileNotFoundError:
                self._drive.entries(path.rpartition("/")[0])
                return []

        return self._steps.take(self.where, find)

    def _below(self, folder: str, parts: list[str]) -> Iterator[Entry]:
        head, *rest = parts
        found = self._steps.take(self.where, lambda: self._drive.entries(folder))
        found = [entry for entry in found if entry.address != folder]  # a bucket may hold one by the name of a folder
        if head == "**":
            yield from self._below(folder, rest or ["*"])
        for entry in found:
            if head == "**":
                if entry.folder and not _name(entry).startswith("."):
                    yield from self._below(entry.address, parts)
            elif _matches(_name(entry), head):
                if not rest:
                    yield entry
                elif entry.folder:
                    yield from self._below(entry.address, rest)


@contextmanager
def remote(address: Address, login: Login, around: Surroundings, seconds: float = SECONDS) -> Iterator[Remote]:
    """Connected until it is left. Raises SourceError."""
    kind, extra = _KINDS[address.scheme]
    with ThreadPool(1) as pool:
        try:
            steps = Steps(kind, around.redact, pool, seconds)
        except ImportError:
            what = f"what reads {address.scheme}:// is not installed"
            raise SourceError(what, where=address.shown, hint=f"Install it: pip install 'kpisync[{extra}]'") from None
        drive = steps.take(address.shown, lambda: kind.connect(address, login))
        try:
            yield Remote(drive, address, steps)
        finally:
            drive.close()


def _split(path: str) -> list[str]:
    """The folder or file before the first pattern, and each part of the path from there."""
    parts = path.split("/")
    first = next((index for index, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return ["/".join(parts[:first]), *parts[first:]]


def _name(entry: Entry) -> str:
    return entry.address.rpartition("/")[2]


def _matches(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))
