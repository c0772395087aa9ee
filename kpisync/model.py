"""The nouns of kpisync, frozen and free of I/O; the words are those of the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Interval(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


# ---------------------------------------------------------------- what is read


class Row(NamedTuple):
    """One row of a source: the number of its first line or row (from 1), and its cells in column order.

    A cell is text, or what a typed source holds (Decimal, int, float, date, datetime, time, bytes, bool, None).
    """

    line: int
    cells: Sequence[object]


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How numbers are written in text cells; see `tables.numbers`."""

    decimal: str = "."
    thousands: str | None = None
    signs: tuple[str, ...] = ("leading", "trailing")
    nulls: frozenset[str] = frozenset({""})


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

    `source` is where it stands (`exports/scrap_11.csv:14`), `code` a fixed word, `reason` a sentence.
    """

    source: str | None
    code: str
    reason: str


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


# ---------------------------------------------------------------- what is known


class RecordKey(NamedTuple):
    """What a platform stores under one key; ids, and the first day of the period. None: the platform has none."""

    destination: str
    kpi: str
    team: str | None
    sub_tile: str | None
    period: date


class ValueKey(NamedTuple):
    """One number's key: its record and the id of its value kind."""

    record: RecordKey
    value: str


@dataclass(frozen=True, slots=True)
class KpiValue:
    """A number that the source states for a key, and the cell or cells it came from."""

    key: ValueKey
    number: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class CatalogKpi:
    """A KPI of a platform: names → ids of its value kinds and sub-tiles; empty where nothing is known of them."""

    name: str
    id: str
    interval: Interval = Interval.DAY
    values: Mapping[str, str] = field(default_factory=dict)
    sub_tiles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a platform has: team names → ids, and its KPIs by name."""

    teams: Mapping[str, str] = field(default_factory=dict)
    kpis: Mapping[str, CatalogKpi] = field(default_factory=dict)

    def kpi(self, id: str) -> CatalogKpi | None:
        return next((kpi for kpi in self.kpis.values() if kpi.id == id), None)

    def interval(self, kpi_id: str) -> Interval:
        """A KPI that the catalog does not list is a daily one."""
        kpi = self.kpi(kpi_id)
        return kpi.interval if kpi else Interval.DAY


Values = Mapping[str, Decimal]  # value id -> number: the content of one record


class Status(StrEnum):
    """What is known of a value at the platform, weakest last."""

    CONFIRMED = "confirmed"  # read back and equal
    SENT = "sent"  # answered 2xx, not read back
    IN_DOUBT = "in_doubt"  # an attempt whose outcome is unknown
    REFUSED = "refused"  # surely not stored
    WITHDRAWN = "withdrawn"  # deleted by us


@dataclass(frozen=True, slots=True)
class Known:
    """What the state store holds for a value: the last number known to stand at the platform, and who owns it."""

    number: Decimal
    status: Status
    job: str


@dataclass(frozen=True, slots=True)
class Intent:
    """A value about to be sent; recorded before the request.

    `old` is what stood at the platform when it was read (None: nothing), `new` what shall stand (None: withdraw).
    """

    key: ValueKey
    old: Decimal | None
    new: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """An intent whose outcome is unknown; nothing different is sent, and nothing confirmed, before `settles`."""

    intent: Intent
    job: str
    run: str
    settles: datetime


class Partition(NamedTuple):
    """What a source said of one period when all of it was confirmed: a digest of its rows, and counts."""

    digest: bytes
    values: int
    rows: int = 0


# ---------------------------------------------------------------- what is done


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One value of a change: old → new. `old` is None where nothing stood, `new` where it is withdrawn."""

    value: str
    old: Decimal | None
    new: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class Change:
    """What shall happen to one record. `before` is the whole record as it was read (None: not there, or not read)."""

    action: Action
    key: RecordKey
    values: tuple[ValueChange, ...]
    before: Values | None = None

    @property
    def new(self) -> dict[str, Decimal]:
        """The numbers to write, by value id."""
        return {change.value: change.new for change in self.values if change.new is not None}


class ReplyKind(StrEnum):
    ACCEPTED = "accepted"  # the platform says it is stored
    REFUSED = "refused"  # surely not stored, and trying again will not help
    BUSY = "busy"  # surely not stored now; try again later (429, 503)
    FAILED = "failed"  # the platform is done with it, but whether it is stored is unknown (500)
    UNKNOWN = "unknown"  # no answer: it may be stored, or may still be (time-out, reset, 502, 504)
    NOT_SENT = "not_sent"  # surely not sent: no connection


@dataclass(frozen=True, slots=True)
class Reply:
    """A platform's answer to one write. `words` are its own, cut and free of secrets."""

    kind: ReplyKind
    status: int | None = None
    words: str = ""
    values: Values | None = None  # the record as the reply shows it, if it does
    retry_after: float | None = None  # seconds


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome of one intent, to be recorded.

    `number` is what stands at the platform now, as far as known; `answer` the platform's words. For IN_DOUBT,
    `settles` is the instant from which a look at the platform can tell; None keeps what `intend` said.
    """

    key: ValueKey
    status: Status
    number: Decimal | None
    answer: str = ""
    settles: datetime | None = None


class RunStatus(StrEnum):
    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"
    HELD = "held"
    SKIPPED = "skipped"
