"""What a destination must do, and what its user can set."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

from pydantic import Field

from kpisync.fields import Duration, Options, Rate
from kpisync.model import Change, Interval, RecordKey, Reply, ValueKey, Values


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

    @property
    def identity(self) -> str:
        """Which platform and account this is: what is known of one says nothing of another."""
        return str(getattr(self, "url", "")).rstrip("/").lower()

    @property
    def guarantee(self) -> str:
        """What holds for a value that is sent there with these settings, as a sentence for people."""
        return "; ".join((self.stored, _KNOWN_BY[self.confirm], *_of_others(self)))

    @property
    def stored(self) -> str:
        """The beginning of `guarantee`: how often a value is stored. Another one where a write twice counts twice."""
        return "each value is stored once"

    rate_limit: Rate = Field(None, description="requests at most: 5/s, 100/m, 2000/h; none: found from the answers")
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


_KNOWN_BY = {
    Confirm.READ_BACK: "it is confirmed by reading it back",
    Confirm.REPLY: "it is confirmed by the platform's own reply, without a look at what it holds",
    Confirm.NONE: "it is not looked at afterwards, so it is reported as sent, never as confirmed",
}


def _of_others(options: DestinationOptions) -> Iterator[str]:
    """What becomes of numbers that are not ours, where a write carries a whole record."""
    if options.read_before is ReadBefore.NEVER:
        yield "nothing is read before a write, so what others put into the same record can be overwritten unseen"
        return
    yield "what others keep in the same record is kept"
    if options.on_conflict is OnConflict.HOLD:
        yield "a value that someone else wrote is held back and reported"
    else:
        yield "a value that someone else wrote is overwritten where that can be done, its number is in the history"
    if options.read_before is ReadBefore.PARTIAL:
        yield "a record of which a row supplies every value is written unread, whatever stands there"
    age = f"{options.max_read_age.total_seconds():g} s"
    yield (
        f"an edit by hand in the up to {age} between our read and our write can be overwritten, "
        "the number from before it is in the history"
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


@runtime_checkable
class KeepsApart(Protocol):
    """What a destination has besides that stores each value of a record by itself, under an id of its own.

    Each change that it is given has one value, and WITHDRAW deletes that value alone. A write may then take several
    requests, if carrying it out again finishes what was begun.
    """

    def remote_id(self, key: ValueKey) -> str | None:
        """The id of a value as it was last read; None if none was shown, or several stand there."""

    def may_replace(self, key: ValueKey, remote: str | None) -> bool:
        """Whether a number that stands there may be replaced or withdrawn; `remote` is the id of the one we created.

        What a person entered is never deleted.
        """

    def copies(self, key: ValueKey) -> int:
        """How many numbers stood under a key when it was last read; 0 if it was not."""


@runtime_checkable
class Summarises(Protocol):
    """A destination that aggregates what it holds by itself."""

    def statistics(self, kpi: str, span: Interval) -> tuple[Decimal | None, Decimal | None]:
        """Its own number for the period of that length that is going on, and for the one before; None: it has none.

        Raises as `Destination.read`.
        """


class Unreadable(Exception):
    """A read that failed: nothing of its window may be written. `reply` says how; only REFUSED is final."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(reply.words)
