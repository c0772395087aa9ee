"""What is read: tables, their rows, and the account of a reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from kpisync.model.knowing import ValueKey


class Row(NamedTuple):
    """One row of a source: the number of its first line or row (from 1), and its cells in column order.

    A cell is text, or what a typed source holds (Decimal, int, float, date, datetime, time, bytes, bool, None).
    """

    line: int
    cells: Sequence[object]


class Run(NamedTuple):
    """Some rows in their order that say the same in one column, as bytes that no other rows are written as.

    `cell` is None for what is written there and is told apart by nothing; `layout` is what gives the bytes their
    meaning, such as the names of the columns.
    """

    cell: object
    layout: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How numbers are written in text cells; see `tables.numbers`."""

    decimal: str = "."
    thousands: str | None = None
    signs: tuple[str, ...] = ("leading", "trailing")
    nulls: frozenset[str] = frozenset({""})
    apostrophe: bool = False  # one before a number is no part of it


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with named columns, from one place (a file, a query).

    `columns` are the names as the source has them; the second of one name is addressed as `name#2`, a
    position as `@14` (from 1): `tables.columns` does that. `rows` can be iterated once.
    """

    origin: str
    columns: tuple[str, ...]
    rows: Iterator[Row]
    numbers: NumberFormat = NumberFormat()
    column_numbers: Mapping[str, NumberFormat] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row or value that could not be mapped or was refused.

    `source` is where it stands (`exports/scrap_11.csv:14`), `code` a fixed word, `reason` a sentence. `key` and
    `number` are what was to be sent, if it got that far.
    """

    source: str | None
    code: str
    reason: str
    key: ValueKey | None = None
    number: Decimal | None = None


@dataclass(slots=True)
class Intake:
    """The account of one reading: every line is read, skipped by a named rule, or rejected with its reason."""

    read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    rejections: list[Rejection] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)  # origin -> "sha256:…" of a file, or the query
    notes: list[str] = field(default_factory=list)  # encoding, header line, …: for the log
    examples: dict[str, list[str]] = field(default_factory=dict)  # rule -> the first few places it skipped

    def skip(self, rule: str, place: str) -> None:
        self.skipped[rule] += 1
        seen = self.examples.setdefault(rule, [])
        if len(seen) < 3:
            seen.append(place)

    def reject(self, place: str, code: str, reason: str) -> None:
        self.rejections.append(Rejection(place, code, reason))


@dataclass(frozen=True, slots=True)
class Scope:
    """The dates a run looks at, both inclusive; None is open. `today` is the plant's."""

    today: date
    first: date | None = None
    last: date | None = None

    def __contains__(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)
