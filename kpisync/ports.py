"""What a source, a destination and the state store must do: all that a plug-in imports.

The docstring of each method is the contract that the conformance suites test sentence by sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import Field

from kpisync.fields import Duration, Options, Rate
from kpisync.model import (
    Catalog,
    Change,
    Doubt,
    Intake,
    Intent,
    Interval,
    Known,
    Partition,
    RecordKey,
    Rejection,
    Reply,
    Scope,
    Settled,
    Table,
    ValueKey,
    Values,
)


class Clock(Protocol):
    """Time, passed in so that no test waits."""

    def now(self) -> datetime:
        """The instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Wait; an interruption ends it early by raising `errors.Interrupted`."""


class Progress(Protocol):
    """Told now and then how far a run is; `total` is None where nobody knows."""

    def __call__(self, stage: str, done: int, total: int | None) -> None: ...


# ---------------------------------------------------------------- sources


class Source(Protocol):
    """Where values come from."""

    @property
    def needs_range(self) -> bool:
        """True if it cannot be read without dates, such as a query that uses `:from`."""

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        """Yield tables whose rows are read lazily, in their own order, each once.

        Every line that is not a row is entered in `intake` by rule or as a rejection; every row counts in
        `intake.read`; every file's hash or query is in `intake.origins` once its rows are used up. What cannot be
        read as configured raises `SourceError`, and nothing of the extract may then be used, so a caller takes no
        irrevocable step before the last row. Nothing at the source is changed.
        """


@runtime_checkable
class Rereadable(Protocol):
    """A source that yields the same rows again as long as its files are the same.

    What was confirmed is then recognised, by its files or by the rows of a period, and not mapped again.
    """

    def hashes(self) -> Mapping[str, str]:
        """What `intake.origins` would hold after a reading; raises SourceError as reading would."""


# ---------------------------------------------------------------- destinations


class OnConflict(StrEnum):
    HOLD = "hold"
    OVERWRITE = "overwrite"


class ReadBefore(StrEnum):
    ALWAYS = "always"
    PARTIAL = "partial"
    NEVER = "never"


class Confirm(StrEnum):
    READ_BACK = "read-back"
    REPLY = "reply"
    NONE = "none"


class DestinationOptions(Options):
    """What every destination lets its user set."""

    rate_limit: Rate = Field(None, description="requests at most: 5/s, 100/m, 2000/h, or none")
    concurrency: int = Field(4, ge=1, le=16, description="requests in flight at most")
    timeout: Duration = Field(timedelta(seconds=30), description="one request, all in all")
    settle: Duration = Field(
        timedelta(seconds=120),
        description="how long the platform may still be working on a request that was given up",
    )
    on_conflict: OnConflict = Field(
        OnConflict.HOLD, description="a value that someone else wrote: hold it back or overwrite it"
    )
    read_before: ReadBefore = Field(
        ReadBefore.ALWAYS,
        description="read a record before writing it: always, partial (unless every value is supplied) or never",
    )
    max_read_age: Duration = Field(
        timedelta(seconds=60), description="a record is written at most this long after it was read"
    )
    confirm: Confirm = Field(
        Confirm.READ_BACK,
        description="what counts as confirmed: read-back, the platform's own reply, or none",
    )


@dataclass(frozen=True, slots=True)
class Window:
    """Records that are read together: one KPI and a span of periods that the platform answers in one request a team."""

    kpi: str
    first: date
    last: date
    keys: frozenset[RecordKey]


class Destination(Protocol):
    """Where values go. One instance serves one run; it may be called from several threads at once."""

    def windows(self, keys: Collection[RecordKey]) -> list[Window]:
        """Group records into windows, each small enough for the platform; every key is in exactly one."""

    def read(self, window: Window) -> Mapping[RecordKey, Values]:
        """The records of `window.keys` that the platform holds, whole; a key that is not there is absent.

        Records of other keys may be left out. Raises `Unreadable` if any of it could not be read, and
        `DestinationError` if there is no use in going on with this destination (401, redirect).
        """

    def write(self, change: Change) -> Reply:
        """Carry out one change with one request, so that values of the record that the change does not name survive.

        WITHDRAW deletes the whole record; it comes only when every value in it is ours, and is ACCEPTED where the
        record is gone already.

        `change.before` is the record as it was read. Never raises for what befalls this record alone; raises
        `DestinationError`, with surely nothing stored, if there is no use in going on (401, redirect, media type).
        """

    def close(self) -> None:
        """Give up connections; nothing is called afterwards."""


class Unreadable(Exception):
    """A read that failed: nothing of its window may be written. `reply` says how; only REFUSED is final."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(reply.words)


@dataclass(frozen=True, slots=True)
class MetaKpi:
    """A KPI as its platform shows it; `values`, `sub_tiles` and `teams` are ids → names.

    `interval` is None where what the platform says of it, `says`, is not understood. `teams` are those that record it;
    empty where the platform shows none.
    """

    id: str
    name: str
    interval: Interval | None = None
    says: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    sub_tiles: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)


class Meta(Protocol):
    """What a platform has. Reads only, in the platform's order; ids and names as `catalog:` has them.

    Each method raises `DestinationError` where the platform cannot be used (not reached, not authorised, redirected,
    busy, or an answer that is not understood).
    """

    def teams(self) -> Mapping[str, str]:
        """Ids → names; empty where the platform has no teams. Called first: it tells whether the login is good."""

    def kpis(self) -> Mapping[str, str]:
        """Ids → names."""

    def kpi(self, id: str) -> MetaKpi | None:
        """One KPI; None if the platform does not have it. Raises `Unreadable` if just this one cannot be read."""


@runtime_checkable
class HasMeta(Protocol):
    """What a destination may have besides, for `discover` and `check --online`."""

    def meta(self) -> Meta:
        """Good until the destination is closed."""


# ---------------------------------------------------------------- adapters

S = TypeVar("S")


@dataclass(frozen=True)
class Surroundings:
    """What an adapter is given when it is built, beside its options."""

    name: str = ""  # the destination's name in the configuration; empty for a source
    catalog: Catalog = field(default_factory=Catalog)
    requests: Counter[str] = field(default_factory=Counter)  # to be counted up by method, one a request
    wait_turn: Callable[[], None] = lambda: None  # to be called before each request: keeps the rate limit
    redact: Callable[[str], str] = lambda text: text  # strikes secrets out of words that are not our own


@dataclass(frozen=True)
class AdapterSpec(Generic[S]):
    """What an entry point of `kpisync.sources` or `kpisync.destinations` names.

    `options` is a pydantic model derived from `fields.Options` (destinations: `DestinationOptions`) without its
    `type` key; it is the documentation and the JSON Schema too.
    """

    summary: str
    options: type[Options]
    build: Callable[[Any, Surroundings], S]


# ---------------------------------------------------------------- state


class State(Protocol):
    """The state store as the engine sees it. What a method has returned from is on disk."""

    def known(self, destination: str, first: date, last: date) -> Mapping[ValueKey, Known]:
        """Every value known of a destination whose period lies in the range, both ends inclusive."""

    def in_doubt(self, destination: str) -> Sequence[Doubt]:
        """Every intent that is not settled, of all jobs, oldest first."""

    def intend(self, run: str, intents: Sequence[Intent], settles: datetime) -> None:
        """Record intents as in doubt until `settles`; an older unsettled intent of the same key is superseded."""

    def settle(self, run: str, outcomes: Sequence[Settled]) -> None:
        """Close the open intents of these keys.

        CONFIRMED and SENT make `number` the known one; WITHDRAWN forgets it; REFUSED leaves what was known; IN_DOUBT
        keeps the intent open and only notes the answer.
        """

    def adopt(self, run: str, values: Mapping[ValueKey, tuple[Decimal, str]]) -> None:
        """Take numbers that the platform holds as known and confirmed, with the source cell that states them.

        Open intents of these keys are closed as confirmed.
        """

    def reject(self, run: str, rejections: Sequence[Rejection]) -> None:
        """Keep what was rejected in a run."""

    def partitions(self, job: str) -> Mapping[date, Partition]:
        """The periods of a job's source that were confirmed whole, by their first day."""

    def keep_partitions(self, job: str, partitions: Mapping[date, Partition]) -> None:
        """Remember periods as confirmed whole, in place of what was remembered of them."""

    def forget_partitions(self, job: str, periods: Collection[date]) -> None:
        """Remember these periods no longer."""
