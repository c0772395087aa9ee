"""What the page, the metrics and the alerts show: pictures of a moment, frozen; instants are aware, in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from kpisync.model import Interval, RunStatus
from kpisync.sync.gate import GateState


class Word(StrEnum):
    """How a job is, the worst first: of several that apply, the first one is shown."""

    BROKEN = "broken"  # its configuration has problems, and no last good version of it is there
    STUCK = "stuck"  # it was to end long ago, and does not
    FAILED = "failed"  # its last run could not be carried out
    HELD = "held"  # by the guard; a person decides
    IN_DOUBT = "in_doubt"
    PARTIAL = "partial"  # values of it are rejected, refused or in conflict
    LATE = "late"  # a number is due and absent
    SKIPPED = "skipped"  # a job that it comes after did not end well
    NEVER = "never"  # it never ran
    OK = "ok"
    OFF = "off"  # enabled: false


class Mark(StrEnum):
    """One field of the completeness grid, the worst first: of several values in it, the first one is shown."""

    MISSING = "missing"  # due, and absent
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    SENT = "sent"
    CONFIRMED = "confirmed"
    NOT_DUE = "not_due"


class Topic(StrEnum):
    """What a trouble of the whole daemon is about."""

    CONFIG = "config"
    STATE = "state"
    SCHEDULER = "scheduler"
    ALERTS = "alerts"
    RUNNER = "runner"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that a person should look at, for as long as it lasts; `job` None: it is about the whole daemon.

    `stops` if nothing can run, or be recorded, while it lasts: then the daemon is not ready.
    """

    topic: Topic
    said: str
    since: datetime
    job: str | None = None
    stops: bool = False


@dataclass(frozen=True)
class Live:
    """What only the running daemon knows. Without a daemon everything of it is empty."""

    now: datetime
    started: datetime | None = None
    beat: float | None = None  # seconds since the scheduler last looked; None: it does not run
    running: Mapping[str, datetime] = field(default_factory=dict)  # job → since
    stuck: Mapping[str, datetime] = field(default_factory=dict)  # those of them that were to end by then
    queued: tuple[str, ...] = ()
    next_due: Mapping[str, datetime] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()  # jobs that go on with their last good version
    gates: Mapping[str, GateState] = field(default_factory=dict)  # by destination
    troubles: tuple[Trouble, ...] = ()
    not_begun: Mapping[str, tuple[RunStatus, str]] = field(
        default_factory=dict
    )  # job → how its last run failed to begin


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a job, in short. `status` is None while it runs, and for ever if it was killed."""

    id: str
    kind: str
    started: datetime
    ended: datetime | None
    status: str | None
    exit_code: int | None
    confirmed: int
    unchanged: int
    rejected: int
    in_doubt: int
    conflicts: int
    held: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class JobHealth:
    """One job as its owner asks for it. `confirmed_at`: when a value of it was last confirmed by its platform."""

    job: str
    word: Word
    destination: str | None  # None: the job is broken, or not in the configuration
    schedule: str | None  # `15 6 * * 1-5 Europe/Berlin`
    next_due: datetime | None
    running_since: datetime | None
    queued: bool
    last_run: LastRun | None
    confirmed_at: datetime | None
    rejected: int  # open rejects
    in_doubt: int
    missing: int  # fields of the grid that are due and absent
    trouble: str | None  # what is wrong, in words
    kept: bool = False  # it goes on with its last good version, for the newest one is broken


@dataclass(frozen=True, slots=True)
class Freshness:
    """How new the numbers of one KPI are. Periods are named by their first day."""

    destination: str
    kpi: str
    interval: Interval
    newest: date | None  # the newest period of which anything is confirmed or sent
    due: date | None  # the newest period that should be there; None: none is
    missing: int  # of `due`
    of: int


@dataclass(frozen=True, slots=True)
class Field:
    """A KPI and team at one period. `values` are the paths of its values with what stands there."""

    mark: Mark
    values: tuple[tuple[str, Decimal | None, Mark], ...] = ()


@dataclass(frozen=True, slots=True)
class GridRow:
    """A KPI of a team (None: the platform has none), with a field for each period of its grid."""

    kpi: str
    team: str | None
    sub_tile: str | None
    jobs: tuple[str, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """What stands at one destination, of KPIs of one rhythm; `periods` oldest first, named as `explain` names them."""

    destination: str
    interval: Interval
    periods: tuple[tuple[date, str], ...]
    rows: tuple[GridRow, ...]


@dataclass(frozen=True, slots=True)
class Complete:
    """Whether a destination's board of one day is complete. `of` are the fields that are due."""

    destination: str
    day: date
    missing: int
    rejected: int
    in_doubt: int
    of: int

    @property
    def whole(self) -> bool:
        return not (self.missing or self.rejected or self.in_doubt)


@dataclass(frozen=True)
class Overview:
    """The first page. `answers` are about the newest day that is due, one for each destination."""

    now: datetime
    jobs: tuple[JobHealth, ...]
    answers: tuple[Complete, ...]
    freshness: tuple[Freshness, ...]
    troubles: tuple[Trouble, ...]
    started: datetime | None
    beat: float | None


@dataclass(frozen=True)
class RunPage:
    """One run; dictionaries as `kpisync history RUN --json` shows them, of the changes and rejects the first ones."""

    run: Mapping[str, Any]
    changes: tuple[Mapping[str, Any], ...]
    rejects: tuple[Mapping[str, Any], ...]
    changes_total: int
    rejects_total: int


@dataclass(frozen=True, slots=True)
class Point:
    """A number that stands at a platform. `path` is the value's."""

    period: date
    label: str
    number: Decimal
    mark: Mark
    path: str
    source: str
    run: str
    job: str


@dataclass(frozen=True)
class ValuePage:
    """One value, its life as `kpisync explain --json` shows it, and its series over time, oldest first."""

    path: str
    life: Mapping[str, Any]
    series: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class RejectRow:
    """An open reject; `kpisync rejects --json` shows the same. `retried` if its job can be run again."""

    job: str
    run: str
    source: str | None
    code: str
    reason: str
    path: str | None
    number: Decimal | None
    since: datetime
    runs: int
    retried: bool


@dataclass(frozen=True, slots=True)
class DestinationHealth:
    """One platform: its limits as configured and as found, and whether requests pass."""

    name: str
    type: str
    address: str  # of the platform and account, without secrets
    rate_limit: float | None  # requests a second, as configured
    rate_found: float | None  # as its answers have taught
    concurrency: int
    gate: GateState | None  # None: no run of this daemon used it yet
    jobs: int
    in_doubt: int
    rejected: int
