"""What is known of a file before it is read, and what a place of files can do."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol

from kpisync.places.copies import Copies


class Found(NamedTuple):
    """`path` can be opened here; `origin` is where the file comes from, as messages and the state store show it."""

    path: str
    origin: str


class Entry(NamedTuple):
    """A file at its place: `address` is what the place calls it; what the place does not tell is None."""

    address: str
    origin: str
    size: int | None = None
    changed: datetime | None = None  # aware
    tag: str = ""  # of its content, where the place keeps one
    folder: bool = False

    def is_as(self, other: Entry) -> bool:
        """Whether nothing shows that it changed between two looks at it; a tag tells more than a time."""
        told = (self.tag, other.tag) if self.tag and other.tag else (self.changed, other.changed)
        return self.size == other.size and told[0] == told[1]


class Place(Protocol):
    """Where files lie. Every method raises SourceError for what cannot be had."""

    @property
    def where(self) -> str:
        """The path or URL with its pattern, for messages; without a login."""

    def entries(self) -> list[Entry]:
        """What matches, sorted by name; a folder or bucket that is not there is an error, no file in it is none."""

    def look(self, entry: Entry) -> Entry:
        """The same file as it is now."""

    def copy(self, entry: Entry, copies: Copies) -> str:
        """A path on this machine that holds the file as the entry tells of it."""
