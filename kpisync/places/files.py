"""The files of a source, each as a file on this machine that can be read from its first byte to its last."""

from __future__ import annotations

from collections.abc import Iterator

from kpisync.places.address import is_remote
from kpisync.places.archives import unpacked
from kpisync.places.choice import chosen
from kpisync.places.copies import Copies
from kpisync.places.entries import Found
from kpisync.places.open import open_place
from kpisync.places.options import FileOptions
from kpisync.ports import Surroundings
from kpisync.support.files import hash_of


class Files:
    """What the options mean. Raises SourceError where nothing can be read as they say, NothingToRead as they say.

    Files on this machine are looked for anew each time and read where they lie. What had to be fetched or unpacked is
    copied once: all who iterate see the same bytes, until this object is forgotten.
    """

    def __init__(self, options: FileOptions, around: Surroundings) -> None:
        self._options, self._around = options, around
        self._copies = Copies()
        self._copied: tuple[Found, ...] | None = None

    def __iter__(self) -> Iterator[Found]:
        """In the order of their names."""
        if self._options.archive is None and not is_remote(self._options.path):
            return self._made_ready()
        if self._copied is None:
            self._copied = tuple(self._made_ready())
        return iter(self._copied)

    def hashes(self) -> dict[str, str]:
        """Origin → `sha256:…` of the file as it is now."""
        return {found.origin: hash_of(found.path, found.origin) for found in self}

    def _made_ready(self) -> Iterator[Found]:
        with open_place(self._options, self._around, self._copies) as place:
            for entry in chosen(place, self._options, self._around.clock):
                path = place.copy(entry, self._copies)
                if self._options.archive:
                    yield from unpacked(path, entry.origin, self._options.archive, self._copies)
                else:
                    yield Found(path, entry.origin)
