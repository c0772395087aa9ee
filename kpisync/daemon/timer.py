"""Ticks each second, and a beat that tells whether they still come."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from kpisync.daemon.edge import Edge
from kpisync.ports import Clock

log = structlog.get_logger()

_SECOND = timedelta(seconds=1)


class _Scheduler(BackgroundScheduler):  # type: ignore[misc]
    """One that goes by time, not by the clock: set back by two hours, the clock would keep it waiting as long."""

    def _process_jobs(self) -> float:
        now = datetime.now(UTC)
        for job in self.get_jobs():
            if job.next_run_time and job.next_run_time > now + 2 * _SECOND:
                job.modify(next_run_time=now)
        wait: float | None = super()._process_jobs()
        longest = _SECOND.total_seconds()
        return longest if wait is None else min(wait, longest)


@dataclass
class Timer:
    """Calls `tick` in a thread, never twice at once. A tick that fails is none: the beat grows old."""

    clock: Clock
    tick: Callable[[], None]
    _scheduler: Any = None
    _last: float | None = None  # monotonic
    _bug: str | None = None

    def start(self) -> None:
        quiet = logging.getLogger("kpisync.timer")
        quiet.setLevel(logging.CRITICAL)  # whatever it could say of ticks that are late, the beat says
        self._last = self.clock.monotonic()
        self._scheduler = _Scheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1)},
            timezone=UTC,
            logger=quiet,
        )
        rules = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        now = datetime.now(UTC)
        self._scheduler.add_job(self.once, "interval", seconds=1, next_run_time=now, **rules)
        self._scheduler.start()

    def stop(self) -> None:
        """No tick begins any more."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
        self._scheduler = None

    @property
    def beat(self) -> float | None:
        """Seconds since the last tick ended; None before the start."""
        return None if self._last is None else self.clock.monotonic() - self._last

    def once(self) -> None:
        """One tick, now."""
        with Edge() as edge:
            self.tick()
        if edge.bug is None:
            self._last = self.clock.monotonic()
        elif edge.bug != self._bug:
            log.error("the scheduler cannot look", error=edge.bug)
        self._bug = edge.bug
