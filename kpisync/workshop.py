"""What every command that works on jobs has: a configuration, time, signals, and a turn to write."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from kpisync.claims import group_of
from kpisync.config.loaded import Loaded, Settings
from kpisync.errors import ConfigError, Exit, KpisyncError, LockedError
from kpisync.jobs import JobBuilder
from kpisync.names import Names
from kpisync.patience import WAITS, Patience
from kpisync.ports import Clock, Progress, SystemClock
from kpisync.state.lock import turn


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

    def __post_init__(self) -> None:
        self.builder = JobBuilder(self.loaded, self.clock, self.stopped)

    @property
    def settings(self) -> Settings:
        if self.loaded.settings is None:
            raise ConfigError("the configuration cannot be used", where=self.loaded.file)
        return self.loaded.settings

    def names(self, destination: str) -> Names:
        return Names(self.builder.catalog(destination))

    def turn(self, job: str) -> AbstractContextManager[None]:
        """The turn to write its records; those of a job that is configured no more are nobody else's."""
        if job not in self.loaded.jobs:
            return nullcontext()
        patience = Patience(self.clock, self.patience, self.stopped, partial(self.queued, job))
        return turn(self.settings.state, group_of(self.loaded, job), job, patience)

    def said(self, error: KpisyncError) -> str:
        return self.loaded.secrets.redact(str(error))
