"""What a look at an export comes to, whatever its format: rows under named columns, and how a job declares them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kpisync.catalogs.scalars import quoted, scalar, value
from kpisync.places.entries import Found
from kpisync.support.files import open_observed, origin_of

HEAD = 4096
MOST_ROWS = 20_000  # that are looked at; text is looked at by its size

Record = tuple[int, Sequence[object]]  # the number of its first line or row, and its cells as its source gives them


@dataclass(frozen=True)
class ExportFile:
    """A file to look at: `found` is where it can be opened here, `given` what a source is told of it."""

    found: Found
    head: bytes
    given: Mapping[str, object]  # its path, and what is read of an archive

    @classmethod
    def at(cls, path: str) -> ExportFile:
        return cls.of(Found(path, origin_of(path)), {"path": path})

    @classmethod
    def of(cls, found: Found, given: Mapping[str, object]) -> ExportFile:
        """Raises SourceError for what cannot be opened."""
        with open_observed(found.path, found.origin) as observed:
            return cls(found, observed.look(0, HEAD), given)

    @property
    def beginning(self) -> str:
        """Its first characters, so far as they can be told before its encoding is known."""
        codec = "utf-16" if self.head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
        text = self.head.decode(codec, "ignore")
        return text.removeprefix("\ufeff").replace("\0", "")


@dataclass(frozen=True)
class Header:
    """The names of the columns. `at` is their place among the records that were looked through, None if there is none.

    Where other lines stand above it, as `below` says, `find` are the names that tell it from them, or `row` is its
    line if none do.
    """

    at: int | None
    names: tuple[str, ...]
    find: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    row: int | None = None
    below: str = ""

    @property
    def declared(self) -> dict[str, object]:
        """What a job has to say of it."""
        if self.at is None:
            return {"names": list(self.names)}
        if self.find:
            return {"find": list(self.find)}
        return {} if self.row is None else {"row": self.row}


@dataclass(frozen=True)
class Reading:
    """`options` are lines of YAML with their evidence above them: all that the format needs beside the file.

    Only where names stand in the file (`has_header`) the job may speak of a header.
    """

    type: str  # of the source
    options: tuple[str, ...]
    header: Header
    records: Sequence[Record]  # below the header
    has_header: bool = True
    whole: bool = True  # False if only the beginning was looked at
    word: str = "line"  # what the number of a record counts
    year: Mapping[str, str] = field(default_factory=dict)  # the column that tells the year of dates without one
    percent: frozenset[int] = frozenset()  # columns whose numbers are shown as per cent


def written(options: Mapping[str, object], indent: str = "") -> Iterator[str]:
    """Options as lines of YAML; texts and lists stay on one line."""
    for key, item in options.items():
        if isinstance(item, Mapping) and item:
            yield f"{indent}{scalar(key)}:"
            yield from written(item, f"{indent}  ")
        else:
            yield f"{indent}{scalar(key)}: {flow(item)}"


def flow(item: object) -> str:
    """An option's value on one line."""
    if isinstance(item, Mapping):
        return "{" + ", ".join(f"{scalar(str(key))}: {flow(each)}" for key, each in item.items()) + "}"
    if isinstance(item, list | tuple):
        return f"[{', '.join(map(flow, item))}]"
    if isinstance(item, bool):
        return "true" if item else "false"
    return value(item) if isinstance(item, str) else str(item)


def matching(text: str) -> str:
    """A regular expression as a value of YAML, in quotes."""
    return quoted(text.replace("${", "$${"))
