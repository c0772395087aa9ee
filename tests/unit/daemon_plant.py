"""A plant that a daemon runs for: a real configuration and state store, sources to steer, a board in memory."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Condition
from typing import Any

from kpisync.app import App
from kpisync.config.load import load
from kpisync.config.loaded import Loaded
from kpisync.daemon.aside import Spawn, Work
from kpisync.daemon.service import Hooks, Service
from kpisync.errors import SourceError
from kpisync.fields import Options
from kpisync.jobs import JobResult, Request
from kpisync.model import Intake, Row, Scope, Table
from kpisync.ports import AdapterSpec, DestinationOptions, Surroundings
from kpisync.registry import Registry, of_specs
from kpisync.state.open import open_readonly
from kpisync.state.runs import RunRow, runs
from kpisync.testing.clock import FakeClock
from kpisync.testing.destination import MemoryBoard

HEAD = """\
version: 1
timezone: Europe/Berlin
destinations: {board: {type: memory}}
catalog:
  board:
    teams: {line-1: team-1}
    kpis:
"""
MAP = "{{date: {{column: day}}, team: line-1, values: [{{kpi: {0}, value: actual, column: number}}]}}"
FRIDAY = datetime(2026, 11, 20, 11, tzinfo=UTC)  # noon in Berlin


def berlin(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    """A time on the plant's clock in winter."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC) - timedelta(hours=1)


class PlantOptions(Options):
    name: str


@dataclass
class SteeredSource:
    """What happens when it is read is the plant's to say."""

    name: str
    plant: Plant
    needs_range: bool = False

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        with self.plant.news:
            self.plant.reads.append((self.name, scope.first))
            self.plant.news.notify_all()
        self.plant.on_read.get(self.name, lambda: None)()
        yield Table(self.name, ("day", "number"), self._rows(scope, intake))

    def _rows(self, scope: Scope, intake: Intake) -> Iterator[Row]:
        intake.read += 1
        yield Row(2, [scope.today - timedelta(1), str(len(self.plant.reads))])


@dataclass
class AdapterToBoard:
    """Implements `ports.Destination`; the board outlives it."""

    board: MemoryBoard
    around: Surroundings

    def windows(self, keys: Any) -> Any:
        return self.board.windows(keys)

    def read(self, window: Any) -> Any:
        self.around.wait_turn()
        return self.board.read(window)

    def write(self, change: Any) -> Any:
        self.around.wait_turn()
        return self.board.write(change)

    def close(self) -> None:
        """Nothing is held open."""


class SetClock(FakeClock):
    """One that can be set, as an administrator does."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


def here(name: str, work: Work) -> None:
    """In place of a thread: done before anything else goes on."""
    work()


@dataclass
class Plant:
    """`jobs` are YAML by name, without source, map and destination; each has a KPI and a source of its own name."""

    folder: Path
    clock: SetClock = field(default_factory=lambda: SetClock(FRIDAY))
    jobs: dict[str, str] = field(default_factory=dict)
    reads: list[tuple[str, date | None]] = field(default_factory=list)  # job, and the first day asked for
    on_read: dict[str, Callable[[], object]] = field(default_factory=dict)
    ended: list[tuple[str, int]] = field(default_factory=list)  # job, and exit code
    more: str = ""  # of the main file
    head: str = HEAD

    def __post_init__(self) -> None:
        self.board = MemoryBoard(self.clock)
        self.news = Condition()
        self.services: list[Service] = []

    # ------------------------------------------------------------ what people do

    def job(self, name: str, schedule: str | None = None, more: str = "", catch_up: str = "once") -> None:
        """Write a job into the configuration, or another version of it."""
        lines = [] if schedule is None else [f'schedule: {{cron: "{schedule}", catch_up: {catch_up}}}']
        self.jobs[name] = "".join(f"    {line}\n" for line in [*lines, *more.splitlines()])
        self.write()

    def write(self) -> None:
        kpis = "".join(f"      {name}: {{id: id-{name}, values: {{actual: v-{name}}}}}\n" for name in self.jobs)
        jobs = "".join(
            f"  {name}:\n    source: {{type: plant, name: {name}}}\n    map: {MAP.format(name)}\n"
            f"    destination: board\n    guard: {{max_changed: none}}\n{text}"
            for name, text in self.jobs.items()
        )
        text = f"{self.head}{kpis}{self.more}jobs: {'' if jobs else '{}'}\n{jobs}"
        self.file.write_text(text, encoding="utf-8")

    @property
    def file(self) -> Path:
        return self.folder / "kpisync.yaml"

    @property
    def store_file(self) -> Path:
        return self.folder / "state" / "kpisync.db"

    def fails(self, name: str) -> None:
        self.on_read[name] = self._refuse

    def works(self, name: str) -> None:
        self.on_read.pop(name, None)

    def _refuse(self) -> None:
        raise SourceError("the machine does not answer", hint="Switch it on")

    # ------------------------------------------------------------ programs

    def load(self, environ: dict[str, str] | None = None) -> Loaded:
        return load(self.file, environ or {}, self.registry)

    @property
    def registry(self) -> Registry:
        return of_specs(
            sources={
                "plant": AdapterSpec("a machine", PlantOptions, lambda given, around: SteeredSource(given.name, self))
            },
            destinations={
                "memory": AdapterSpec(
                    "a board", DestinationOptions, lambda given, around: AdapterToBoard(self.board, around)
                )
            },
        )

    def service(self, spawn: Spawn = here, hooks: Hooks | None = None) -> Service:
        """A daemon that has just been started; it looks when it is told to tick."""
        listening = hooks or Hooks(ended=self.hear)
        begun = time.time_ns()
        self.services.append(Service(self.load, self.load(), begun, self.clock, spawn, listening))
        return self.services[-1]

    def hear(self, result: JobResult, seconds: float) -> None:
        """That a run ended."""
        with self.news:
            self.ended.append((result.report.job, int(result.exit_code)))
            self.news.notify_all()

    def wait(self, happened: Callable[[], bool]) -> None:
        """Until sources were read, or runs ended, so that this is true."""
        with self.news:
            assert self.news.wait_for(happened, 60), f"read: {self.reads}, ended: {self.ended}"

    def cron(self, name: str) -> None:
        """What `kpisync run JOB` does."""
        list(App(self.load(), self.clock).run(Request((name,))))

    def close(self) -> None:
        """Switch all daemons off."""
        for service in self.services:
            service.stop(0)

    # ------------------------------------------------------------ what happened

    def runs(self, name: str | None = None) -> list[RunRow]:
        """Oldest first."""
        with closing(open_readonly(f"sqlite:///{self.store_file}")) as store:
            return runs(store, 1000, name)[::-1]

    def read(self, name: str) -> int:
        """How often a job's source was read."""
        return Counter(each for each, _ in self.reads)[name]

    def go_to(self, at: datetime) -> None:
        """Let the time come, whatever the clock was set to."""
        self.clock.sleep((at - self.clock.now()).total_seconds())

    def pass_time(self, service: Service, until: datetime) -> None:
        """Let the daemon look whenever it has something to look at, until then."""
        service.tick()
        while self.clock.now() < until:
            soon = self.clock.now() + timedelta(seconds=1)
            self.go_to(min(until, max(soon, min(service.live().next_due.values(), default=until))))
            service.tick()
            service.tick()  # what ended in the first look may have made room for others
