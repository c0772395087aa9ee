"""The daemon: looks each second what is due, has it run, and tells what goes on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import tzinfo

import structlog

from kpisync.config.loaded import Loaded
from kpisync.daemon.aside import Aside, Spawn, in_thread
from kpisync.daemon.chores import EachMinute, Nightly
from kpisync.daemon.generations import Generation
from kpisync.daemon.planner import Planner
from kpisync.daemon.reload import Reload
from kpisync.daemon.runner import Runner, Task
from kpisync.daemon.storage import Storage
from kpisync.daemon.timer import Timer
from kpisync.daemon.work import Work
from kpisync.errors import ConfigError, Exit, KpisyncError
from kpisync.gates import Gates
from kpisync.jobs import JobResult
from kpisync.model import RunStatus
from kpisync.ports import Clock, SystemClock
from kpisync.state.store import Store
from kpisync.watch.model import Live, Topic, Trouble

log = structlog.get_logger()

_STEP = 60.0  # seconds; a clock that goes otherwise than time does by more than that was set
_GRACE = 8.0  # seconds for runs to end in


def _nothing() -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Hooks:
    """What others do as the daemon goes: each in a thread of the daemon that may take its time.

    `ended` hears of each run, with the seconds that it took; `look_around` is called each minute and after each run,
    `daily` once a day. `troubles` must answer at once.
    """

    ended: Callable[[JobResult, float], None] = lambda result, seconds: None
    look_around: Callable[[], None] = _nothing
    daily: Callable[[], None] = _nothing
    troubles: Callable[[], tuple[Trouble, ...]] = tuple


@dataclass
class Service:
    """Implements `watch.ports.Actions`.

    `load` reads the configuration, and is called again when it changes; `at_start` is what it gave, from an instant on
    (nanoseconds). Raises ConfigError if that cannot be used as a whole.
    """

    load: Callable[[], Loaded]
    at_start: Loaded
    begun: int
    clock: Clock = field(default_factory=SystemClock)
    spawn: Spawn = in_thread
    hooks: Hooks = field(default_factory=Hooks)

    def __post_init__(self) -> None:
        clock, spawn = self.clock, self.spawn
        self.started = clock.now()
        self._gates = Gates(clock)
        self._planner = Planner(clock)
        self._state_aside = Aside("state", clock, spawn)
        self._reload = Reload(
            self.load, clock, Aside("configuration", clock, spawn), self._adopt, self.at_start, self.begun
        )
        self._storage = Storage(self._reload.now.settings.state, clock, self._state_aside)
        work = Work(clock, self._gates, self._storage, self._planner, lambda job: self._reload.now.of(job))
        freed = self._planner.look_again
        self._runner = Runner(clock, work.carry_out, self._ended, self._reload.deadline, freed, spawn)
        self._timer = Timer(clock, self.tick)
        around, daily = Aside("look around", clock, spawn), Aside("daily work", clock, spawn)
        self._around = EachMinute(clock, around, lambda: self.hooks.look_around())
        self._nightly = Nightly(clock, daily, lambda: self.hooks.daily())
        self._ahead = self._wall_ahead()
        self._not_begun: dict[str, tuple[RunStatus, str]] = {}
        self._adopt(self._reload.now)

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Begin to tick."""
        for trouble in self._reload.now.troubles:
            log.warning("configuration", problem=self.redact(trouble.said))
        log.info("daemon started", jobs=len(self.loaded().jobs), scheduled=len(self._planner.scheduled))
        self._timer.start()

    @property
    def store(self) -> Callable[[], AbstractContextManager[Store]]:
        """The state store, open, for any thread; using it raises StateError."""
        return self._storage.kept.use

    @property
    def is_stopping(self) -> bool:
        return self._runner.is_stopping

    def stop(self, seconds: float = _GRACE) -> tuple[str, ...]:
        """Begin nothing more, ask all runs to end, and wait for them; returns the jobs whose runs are still at it."""
        self._timer.stop()
        left = self._runner.stop(seconds)
        self._storage.kept.renew()
        log.info("daemon stopped", still_running=list(left))
        return left

    def tick(self) -> None:
        """One look at everything; returns at once, for what takes time is done beside."""
        self._mind_the_clock()
        self._runner.look()
        self._reload.tick()
        if self._storage.is_to_be_tried or (self._storage.trouble is None and self._planner.is_time()):
            self._state_aside.begin(self._attend)
        self._around.tick()
        self._nightly.tick(self._timezone)

    # ------------------------------------------------------------ pictures

    def loaded(self) -> Loaded:
        """The newest configuration, with the last good version of what is broken in it."""
        return self._reload.now.whole

    def redact(self, text: str) -> str:
        return self.loaded().secrets.redact(text)

    def live(self) -> Live:
        queued = self._runner.queued
        return Live(
            now=self.clock.now(),
            started=self.started,
            beat=self._timer.beat,
            running=self._runner.running,
            stuck=self._runner.stuck,
            queued=(*queued, *(job for job in self._planner.waiting if job not in queued)),
            next_due=self._planner.coming,
            kept=self._reload.now.kept,
            gates=self._gates.states(),
            troubles=tuple(replace(each, said=self.redact(each.said)) for each in self._troubles()),
            not_begun=dict(self._not_begun),
        )

    def _troubles(self) -> tuple[Trouble, ...]:
        state = self._storage.trouble
        found = [] if state is None else [state]
        for aside in (self._state_aside, self._around.aside, self._nightly.aside):
            if aside.failed:
                said, since = aside.failed
                stops = aside is self._state_aside  # nothing is found due then
                found.append(Trouble(Topic.SCHEDULER, f"{aside.name}: {said}", since, stops=stops))
        return (*found, *self._runner.troubles, *self._reload.troubles, *self.hooks.troubles())

    # ------------------------------------------------------------ actions

    def run_now(self, job: str) -> None:
        """As `kpisync run JOB`. Raises ConfigError for a job that is not there or is broken; StateError."""
        self._submit(Task(job, group=self._reload.group(job)))

    def retry(self, job: str) -> None:
        """As `kpisync rejects JOB --retry`. Raises as `run_now`."""
        self._submit(Task(job, retry=True, group=self._reload.group(job)))

    def reload(self) -> None:
        """Read the configuration again; a signal handler may call it."""
        self._reload.asked = True

    def _submit(self, task: Task) -> None:
        self._reload.now.of(task.job)
        self._storage.require()
        if task.job in self._runner.stuck:
            raise ConfigError(f"the run of job {task.job} was to end, and does not", hint="Restart kpisync")
        if self._runner.submit(task):
            log.info("asked for by a person", job=task.job, retry=task.retry)

    # ------------------------------------------------------------ beside the ticks

    def _attend(self) -> None:
        """Try the store, then see what is due."""
        was_lost = self._storage.trouble is not None
        try:
            if self._storage.is_to_be_tried:
                self._storage.try_out()
            if was_lost:
                self._planner.reconsider()
            if self._planner.is_time():
                self._plan()
        except KpisyncError:
            return  # the storage knows, and tells

    def _plan(self) -> None:
        stuck, running, queued = self._runner.stuck, self._runner.running, self._runner.queued
        busy = {*running, *queued}
        with self._storage.use() as store:
            dues = self._planner.plan(store, busy, busy - stuck.keys())
        for due in dues:
            if self._runner.submit(Task(due.job, due, group=self._reload.group(due.job))):
                log.info("due", job=due.job, at=due.at.isoformat(timespec="minutes"))

    def _ended(self, task: Task, results: list[JobResult], seconds: float) -> None:
        codes = {result.exit_code for result in results}
        if Exit.STATE in codes:
            self._storage.try_soon()
        skipped = any(result.skipped and result.exit_code is Exit.HELD for result in results)
        well = codes <= {Exit.OK}
        self._planner.ended(task.job, due=task.due is not None, well=well, skipped=skipped)
        for result in results:
            self._note(task.job, result)
            if result.report.error:
                told = {"run": result.report.run, "exit_code": int(result.exit_code)}
                log.error("run failed", job=task.job, **told, error=self.redact(result.report.error))
            self.hooks.ended(result, seconds)
        self._around.ask()

    # ------------------------------------------------------------ inside

    def _note(self, job: str, result: JobResult) -> None:
        """What left no run in the store, the page could not know otherwise; that another process runs it is no news."""
        if result.report.run is None and result.exit_code not in (Exit.LOCKED, Exit.SIGTERM):
            self._not_begun[job] = result.status, self.redact(result.report.error or "")
        else:
            self._not_begun.pop(job, None)

    def _adopt(self, generation: Generation) -> None:
        self._gates.reopen()
        self._planner.adopt(generation.whole.jobs, self._timezone)

    @property
    def _timezone(self) -> tzinfo:
        return self._reload.now.settings.timezone

    def _wall_ahead(self) -> float:
        return self.clock.now().timestamp() - self.clock.monotonic()

    def _mind_the_clock(self) -> None:
        ahead = self._wall_ahead()
        step, self._ahead = ahead - self._ahead, ahead
        if abs(step) > _STEP:
            log.warning(
                "the clock was set, or the machine slept",
                seconds=round(step),
                now=self.clock.now().isoformat(timespec="seconds"),
            )
            self._planner.reconsider()
