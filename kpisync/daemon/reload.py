"""The configuration of a running daemon: read again when its files change or somebody asks, and never made worse."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from kpisync.config.loaded import Loaded
from kpisync.daemon.aside import Aside
from kpisync.daemon.changes import Changes, Picture
from kpisync.daemon.generations import Generation, after, first
from kpisync.ports import Clock
from kpisync.watch.model import Topic, Trouble

log = structlog.get_logger()

_EVERY = 2.0  # seconds
_OF_NONE = timedelta(minutes=1)  # of a job that has left the files since it was queued


@dataclass
class Reload:
    """`load` reads the configuration; `adopted` hears of each one that can be used.

    `at_start` is what was read first, from an instant on (nanoseconds). Raises ConfigError if it cannot be used.
    """

    load: Callable[[], Loaded]
    clock: Clock
    aside: Aside
    adopted: Callable[[Generation], None]
    at_start: Loaded
    begun: int
    asked: bool = False  # to read again, changed or not; may be set by a signal handler
    _next_look: float = 0.0

    def __post_init__(self) -> None:
        self.now: Generation = first(self.at_start, self.clock.now())
        self._changes = Changes.since(self.begun, self.at_start.read)
        self._next_look = self.clock.monotonic() + _EVERY

    def tick(self) -> None:
        """Have the files looked at, beside."""
        if self.asked or self.clock.monotonic() >= self._next_look:
            self._next_look = self.clock.monotonic() + _EVERY
            self.aside.begin(self._look)

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        if self.aside.failed is None:
            return self.now.troubles
        why, since = self.aside.failed
        return (Trouble(Topic.CONFIG, f"the configuration could not be read again: {why}", since), *self.now.troubles)

    def group(self, job: str) -> str | None:
        """What a job shares with those that may write the same records."""
        own = self.now.own.get(job)
        return own.groups[job] if own else None

    def deadline(self, job: str) -> timedelta:
        """How long a run of a job may take."""
        own = self.now.own.get(job)
        return own.jobs[job].deadline if own else _OF_NONE

    def _look(self) -> None:
        asked, self.asked = self.asked, False
        found = self._changes.now() if asked else self._changes.are_there()
        if found is not None:
            self._read(found)

    def _read(self, before: Picture) -> None:
        begun = time.time_ns()
        loaded = self.load()
        self._changes = Changes.since(begun, loaded.read, before)
        generation = after(self.now, loaded, self.clock.now())
        self.now = generation
        redact = generation.whole.secrets.redact
        for trouble in generation.troubles:
            log.warning("configuration", problem=redact(trouble.said))
        if loaded.settings is not None:
            count = {"jobs": len(loaded.jobs), "broken": len(loaded.unsound), "kept": len(generation.kept)}
            log.info("configuration read again", **count)
            self.adopted(generation)
