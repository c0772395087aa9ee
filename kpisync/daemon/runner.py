"""Runs beside one another: a few at once, a job never twice, and none that hangs keeps the others waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import Condition

import structlog

from kpisync.daemon.aside import Spawn, in_thread
from kpisync.daemon.edge import Edge
from kpisync.daemon.planner import Due
from kpisync.errors import Exit
from kpisync.jobs import JobResult
from kpisync.model import Catalog
from kpisync.names import Names
from kpisync.ports import Clock
from kpisync.sync.report import Report
from kpisync.watch.model import Topic, Trouble

log = structlog.get_logger()

WORKERS = 20
_PATIENCE = 60.0  # seconds from its deadline until a run that does not end is called stuck
_TOO_MANY = 8  # stuck runs, beyond which nobody should rely on this process

Stopped = Callable[[], Exit | None]


@dataclass(frozen=True)
class Task:
    """What to do for a job: meet a due time, or (None) run it because a person says so, `retry` what is rejected only.

    No two tasks of one `group` run at once: they would wait for each other, each in a worker's place.
    """

    job: str
    due: Due | None = None
    retry: bool = False
    group: str | None = None


@dataclass
class _Run:
    task: Task
    since: datetime
    begun: float  # monotonic
    deadline: timedelta
    is_stuck: bool = False

    @property
    def until(self) -> float:
        return self.begun + self.deadline.total_seconds()


def failed(job: str, why: str, code: Exit, *, skipped: bool = False) -> JobResult:
    """The result of a run that never came to say how it ended."""
    report = Report(job)
    report.error = why
    return JobResult(report, code, Names(Catalog()), skipped=skipped)


@dataclass
class Runner:
    """May be used from several threads.

    `ended` hears of each task, with its results and the seconds that it took, while its job still counts as running;
    `freed` is called afterwards.
    """

    clock: Clock
    carry_out: Callable[[Task, Stopped], Iterable[JobResult]]
    ended: Callable[[Task, list[JobResult], float], None]
    deadline: Callable[[str], timedelta]
    freed: Callable[[], None]
    spawn: Spawn = in_thread
    workers: int = WORKERS
    _queue: list[Task] = field(default_factory=list)
    _running: dict[str, _Run] = field(default_factory=dict)
    _stopping: bool = False
    _changed: Condition = field(default_factory=Condition)

    def submit(self, task: Task) -> bool:
        """Queue it: what a person asked for before what is due. False if the job is queued already.

        A job that runs is run again after it has ended. Nothing is taken after `stop`.
        """
        with self._changed:
            if self._stopping or any(each.job == task.job for each in self._queue):
                return False
            place = sum(each.due is None for each in self._queue) if task.due is None else len(self._queue)
            self._queue.insert(place, task)
        self._begin_some()
        return True

    def look(self) -> None:
        """Now and then: see what should have ended long ago, and begin what can be begun."""
        with self._changed:
            for run in self._running.values():
                if not run.is_stuck and self.clock.monotonic() >= run.until + _PATIENCE:
                    run.is_stuck = True
                    log.error("a run does not end", job=run.task.job, since=run.since.isoformat(timespec="seconds"))
        self._begin_some()

    def stop(self, seconds: float) -> tuple[str, ...]:
        """Begin nothing more, ask all runs to end, and wait; returns the jobs whose runs are still at it."""
        with self._changed:
            self._stopping = True
            self._queue.clear()
            self._changed.wait_for(lambda: all(run.is_stuck for run in self._running.values()), seconds)
            return tuple(self._running)

    # ------------------------------------------------------------ pictures

    @property
    def is_stopping(self) -> bool:
        return self._stopping

    @property
    def running(self) -> Mapping[str, datetime]:
        with self._changed:
            return {job: run.since for job, run in self._running.items()}

    @property
    def stuck(self) -> Mapping[str, datetime]:
        """When they were to end, by job."""
        with self._changed:
            return {job: run.since + run.deadline for job, run in self._running.items() if run.is_stuck}

    @property
    def queued(self) -> tuple[str, ...]:
        with self._changed:
            return tuple(task.job for task in self._queue)

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        stuck = self.stuck
        found = [
            Trouble(
                Topic.RUNNER,
                f"the run of job {job} was to end, and does not; it is not begun again while it lasts. Look at its "
                "source and its platform; a restart of kpisync ends it",
                until,
                job,
            )
            for job, until in stuck.items()
        ]
        if len(stuck) > _TOO_MANY:
            said = f"{len(stuck)} runs do not end. Restart kpisync, and look at what they read from and write to"
            found.append(Trouble(Topic.RUNNER, said, max(stuck.values()), stops=True))
        return tuple(found)

    # ------------------------------------------------------------ inside

    def _begin_some(self) -> None:
        while (run := self._next()) is not None:
            begun = False
            try:
                self.spawn(f"run {run.task.job}", partial(self._work, run))
                begun = True
            finally:
                if not begun:  # the machine gives no more threads
                    self._forget(run)

    def _next(self) -> _Run | None:
        with self._changed:
            if self._stopping or sum(not run.is_stuck for run in self._running.values()) >= self.workers:
                return None
            groups = {run.task.group for run in self._running.values()} - {None}
            for place, task in enumerate(self._queue):
                if task.job not in self._running and task.group not in groups:
                    del self._queue[place]
                    run = _Run(task, self.clock.now(), self.clock.monotonic(), self.deadline(task.job))
                    self._running[task.job] = run
                    return run
            return None

    def _work(self, run: _Run) -> None:
        job, results = run.task.job, list[JobResult]()
        with Edge() as edge:
            for result in self.carry_out(run.task, partial(self._asked_to_end, run)):
                results.append(result)
        if edge.bug:
            log.error("run broken off", job=job, error=edge.bug)
            results.append(failed(job, edge.bug, Exit.BUG))
        if run.is_stuck:
            log.info("the run that did not end has ended", job=job)
        with Edge() as edge:
            self.ended(run.task, results, self.clock.monotonic() - run.begun)
        if edge.bug:
            log.error("the end of a run was not told", job=job, error=edge.bug)
        self._forget(run)
        self._begin_some()

    def _asked_to_end(self, run: _Run) -> Exit | None:
        if self._stopping:
            return Exit.SIGTERM
        return Exit.UNUSABLE if self.clock.monotonic() >= run.until else None

    def _forget(self, run: _Run) -> None:
        with self._changed:
            del self._running[run.task.job]
            self._changed.notify_all()
        self.freed()
