"""Files on this machine, and on shares that are mounted here."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from kpisync.places.copies import Copies
from kpisync.places.entries import Entry
from kpisync.support.files import find_files, origin_of


class Local:
    """A path or glob; its files are read where they lie."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    @property
    def where(self) -> str:
        return origin_of(self._pattern)

    def entries(self) -> list[Entry]:
        return [_seen(path) for path in find_files(self._pattern)]

    def look(self, entry: Entry) -> Entry:
        return _seen(entry.address)

    def copy(self, entry: Entry, copies: Copies) -> str:
        return entry.address


def _seen(path: str) -> Entry:
    """What cannot be looked at is an entry all the same: opening it says what is wrong."""
    try:
        found = os.stat(path)  # noqa: PTH116 - the path stays as the user wrote it
    except OSError:
        return Entry(path, origin_of(path))
    tag = f"{found.st_ino} {found.st_mtime_ns}"
    return Entry(path, origin_of(path), found.st_size, datetime.fromtimestamp(found.st_mtime, UTC), tag)
