"""A plant on Friday the 20th of November 2026, noon in UTC, for the tests of what the pages show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from config_doubles import HEAD, load_text
from config_doubles import job as job_text

from kpisync.config.loaded import Loaded
from kpisync.model import Intent, RecordKey, Rejection, RunStatus, Scope, Settled, Status, ValueKey
from kpisync.state.open import open_store
from kpisync.state.rejects import Looked
from kpisync.state.store import Store
from kpisync.testing.clock import NOON, FakeClock
from kpisync.watch.model import JobHealth, Live
from kpisync.watch.tally import Tally
from kpisync.watch.watch import Watch

FRIDAY = NOON.date()
LINE = "8dca904d-9134-3bb0-95b7-3f72ae3dfacf"
SCRAP = "c3ba32c2-a13a-0000-0000-000000000000"
ACTUAL, TARGET = "79cf2f74-0e9c-45b5-bc4d-f437079dde7c", "fd2c7750-79e1-4514-89a2-e9c103db4d6b"
BY_COLUMN = "{date: {column: D}, team: {column: T}, values: [{kpi: scrap, value: actual, column: A}]}"
WEEKDAYS = 'schedule: "15 6 * * 1-5"'


def key(period: date, value: str = ACTUAL, *, team: str | None = LINE, kpi: str = SCRAP) -> ValueKey:
    return ValueKey(RecordKey("board", kpi, team, None, period), value)


def days_ago(count: int) -> date:
    return FRIDAY - timedelta(count)


def weekdays(count: int) -> list[date]:
    """The last so many days from Monday to Friday, up to yesterday."""
    found, until = list[date](), days_ago(1)
    while len(found) < count:
        if until.weekday() < 5:
            found.append(until)
        until -= timedelta(1)
    return found


def a_job(name: str = "scrap-daily", more: str = WEEKDAYS, map: str = BY_COLUMN) -> str:
    return job_text(name, more, map=map)


@dataclass
class Plant:
    """A configuration, its state store, and what watches them; time passes by `clock`."""

    folder: Path
    text: str
    clock: FakeClock = field(default_factory=FakeClock)
    live_now: Live = field(default_factory=lambda: Live(NOON))

    def __post_init__(self) -> None:
        self.loaded: Loaded = load_text(self.folder, self.text)
        self.watch = Watch(lambda: self.loaded, self.live, Tally(), self.clock)
        self._store: Store | None = None

    def live(self) -> Live:
        return replace(self.live_now, now=self.clock.now())

    @property
    def file(self) -> Path:
        return self.folder / "state" / "kpisync.db"

    @property
    def store(self) -> Store:
        if self._store is None:
            assert self.loaded.settings is not None
            self._store = open_store(self.loaded.settings.state, self.clock)
        return self._store

    def close(self) -> None:
        self.watch.close()
        if self._store is not None:
            self._store.close()

    def reload(self, text: str) -> None:
        self.loaded = load_text(self.folder, text)

    def begin(self, job: str = "scrap-daily", at: datetime | None = None, kind: str = "run") -> str:
        return self.store.begin_run(job, kind, at or self.clock.now())

    def ran(
        self,
        job: str = "scrap-daily",
        *sent: ValueKey,
        at: datetime | None = None,
        status: RunStatus = RunStatus.OK,
        number: str = "190",
        as_sent: bool = False,
        kind: str = "run",
        first: str | None = None,
        **report: Any,
    ) -> str:
        """A run that sent these values, which were confirmed, or only sent, and ended."""
        run = self.begin(job, at, kind)
        if sent:
            intents = [Intent(of, None, Decimal(number), "exports/a.csv:14") for of in sent]
            self.store.intend(run, intents, self.clock.now())
            known = Status.SENT if as_sent else Status.CONFIRMED
            self.store.settle(run, [Settled(of, known, Decimal(number)) for of in sent])
        shown = {"job": job, "from": first, "confirmed": len(sent), **report}
        self.store.finish_run(run, at or self.clock.now(), status, 0, shown)
        return run

    def doubts(self, of: ValueKey, job: str = "scrap-daily") -> str:
        """A run that does not know what became of a value."""
        run = self.begin(job)
        self.store.intend(run, [Intent(of, None, Decimal(7), "exports/a.csv:15")], self.clock.now())
        self.store.finish_run(run, self.clock.now(), RunStatus.PARTIAL, 1, {"in_doubt": 1})
        return run

    def rejects(self, *rejections: Rejection, job: str = "scrap-daily") -> str:
        run = self.begin(job)
        self.store.reject(run, rejections, Looked(None, None, Scope(FRIDAY), whole=True))
        self.store.finish_run(run, self.clock.now(), RunStatus.PARTIAL, 1, {"rejected": len(rejections)})
        return run

    def health(self, job: str = "scrap-daily") -> JobHealth:
        """As it is now, whatever was seen within the last second."""
        self.clock.sleep(2)
        return next(each for each in self.watch.overview().jobs if each.job == job)

    def marks(self, row: int = 0, grid: int = 0, **asked: Any) -> dict[date, str]:
        """By period, those of one row of a grid."""
        found = self.watch.board(**asked)[grid]
        return {
            period: each.mark.value for (period, _), each in zip(found.periods, found.rows[row].fields, strict=True)
        }


def rejected(of: ValueKey | None, reason: str = "too large") -> Rejection:
    return Rejection("exports/a.csv:14", "above-max", reason, of, None if of is None else Decimal(7))


def at(hour: int, minute: int = 0, day: date = FRIDAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def text(*jobs: str, head: str = HEAD) -> str:
    return head + "".join(jobs)


def words(plant: Plant, jobs: Sequence[str]) -> list[str]:
    return [plant.health(job).word.value for job in jobs]
