"""The files of a source, each as a file on this machine that can be read from its first byte to its last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kpisync.places.options import FileOptions
from kpisync.ports import Surroundings
from kpisync.support.files import find_files, hash_of, origin_of


class Found(NamedTuple):
    """`path` can be opened here; `origin` is where the file comes from, as messages and the state store show it."""

    path: str
    origin: str


class Files:
    """What the options mean at the moment. Raises SourceError where nothing can be read as they say."""

    def __init__(self, options: FileOptions, around: Surroundings) -> None:
        self._options, self._around = options, around

    def __iter__(self) -> Iterator[Found]:
        """In the order of their names, each made ready when its turn comes."""
        for path in find_files(self._options.path):
            yield Found(path, origin_of(path))

    def hashes(self) -> dict[str, str]:
        """Origin → `sha256:…` of the file as it is now."""
        return {found.origin: hash_of(found.path, found.origin) for found in self}
