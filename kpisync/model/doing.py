"""What is done: changes, answers and outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from kpisync.model.knowing import RecordKey, Status, ValueKey, Values


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One value of a change: old → new. `old` is None where nothing stood, `new` where it is withdrawn.

    `remote` is the platform's own id of the old one, if it is ours and the platform gives ids to values.
    """

    value: str
    old: Decimal | None
    new: Decimal | None
    source: str
    remote: str | None = None


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
    """A platform's answer to one write. `words` are its own, cut and free of secrets.

    A write that took away what stood there and was then refused says so by `values`.
    """

    kind: ReplyKind
    status: int | None = None
    words: str = ""
    values: Values | None = None  # the record as the reply shows it, if it does
    retry_after: float | None = None  # seconds
    remote: str | None = None  # the platform's id of what it stored, if it gives ids to values and says it


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
    remote: str | None = None  # the platform's id of the number, if it is ours and has one


class RunStatus(StrEnum):
    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"
    HELD = "held"
    SKIPPED = "skipped"
