"""What every command that works on jobs has: a configuration, time, signals, and a turn to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog
from structlog.contextvars import bound_contextvars

from kpisync.config.loaded import Loaded, Settings
from kpisync.errors import ConfigError, Exit, KpisyncError, LockedError
from kpisync.gates import Gates
from kpisync.jobs import JobBuilder
from kpisync.names import Names
from kpisync.patience import WAITS, Patience
from kpisync.ports import Clock, Progress, SystemClock
from kpisync.state.kept import KeptStore
from kpisync.state.lock import turn
from kpisync.state.open import open_store
from kpisync.state.store import Store
from kpisync.support.tracing import Told, span
from kpisync.sync.report import Report

log = structlog.get_logger()


@dataclass
class Workshop:
    """Over one loaded configuration."""

    loaded: Loaded
    clock: Clock = field(default_factory=SystemClock)
    stopped: Callable[[], Exit | None] = lambda: None
    progress: Progress = lambda stage, done, total: None
    waiting: Callable[[str, datetime], None] = lambda job, until: None  # once for each wait for a request to settle
    queued: Callable[[str, LockedError], None] = lambda job, taken: None  # once for each wait for another process
    patience: float = WAITS  # seconds to wait for it at most
    gates: Gates | None = None  # None: its own
    store: KeptStore | None = None  # None: one is opened for each piece of work

    def __post_init__(self) -> None:
        self.builder = JobBuilder(self.loaded, self.clock, self.gates or Gates(self.clock), self.stopped)

    @property
    def settings(self) -> Settings:
        if self.loaded.settings is None:
            raise ConfigError("the configuration cannot be used", where=self.loaded.file)
        return self.loaded.settings

    def open_store(self) -> AbstractContextManager[Store]:
        """For writing. Raises StateError."""
        return self.store.use() if self.store else open_store(self.settings.state, self.clock)

    @contextmanager
    def begun(self, store: Store, report: Report, kind: str, digest: str) -> Iterator[Told]:
        """A run in the history; what is logged and traced within belongs to it. Tell it how the run ended."""
        report.run = store.begin_run(report.job, kind, self.clock.now(), digest)
        ids = {"job": report.job, "run": report.run}
        with bound_contextvars(**ids), span("kpisync.run", **ids, kind=kind) as told:
            log.info("run started", kind=kind)
            yield told

    def names(self, destination: str) -> Names:
        return Names(self.builder.catalog(destination))

    def turn(self, job: str) -> AbstractContextManager[None]:
        """The turn to write its records; those of a job that is configured no more are nobody else's."""
        if job not in self.loaded.jobs:
            return nullcontext()
        patience = Patience(self.clock, self.patience, self.stopped, partial(self.queued, job))
        return turn(self.settings.state, self.loaded.groups[job], job, patience)

    def said(self, error: KpisyncError) -> str:
        return self.loaded.secrets.redact(str(error))
