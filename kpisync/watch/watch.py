"""Pictures of now for the pages, the metrics and the alerts, over the state store and what the daemon knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from kpisync.config.loaded import Loaded
from kpisync.errors import StateError
from kpisync.ports import Clock
from kpisync.watch.board import read_board, read_board_of
from kpisync.watch.configured import Configured
from kpisync.watch.fitness import Fitness, destinations, is_alive
from kpisync.watch.metrics import Kept, exposition
from kpisync.watch.model import DestinationHealth, Grid, Live, Overview, RejectRow, RunPage, ValuePage
from kpisync.watch.opened import Opened
from kpisync.watch.overview import Look, Looks
from kpisync.watch.pages import Pages
from kpisync.watch.past import Span
from kpisync.watch.ports import Readiness
from kpisync.watch.refreshed import Refreshed, Spawn
from kpisync.watch.tally import Tally


@dataclass
class Watch:
    """Implements `ports.Views`; threads share it.

    `loaded` gives the same object for as long as the configuration is the same, with the last good version of a job
    that is broken now among its `jobs`.
    """

    loaded: Callable[[], Loaded]
    live: Callable[[], Live]
    tally: Tally
    clock: Clock
    spawn: Spawn | None = None  # with it pages get what is some seconds old, while it is made anew beside
    _lock: Lock = field(default_factory=Lock)
    _configured: Configured | None = None
    _lines: Kept = field(default_factory=Kept)
    _writing: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._opened = Opened(lambda: self._now_configured().state, self.clock)
        self._looks = Looks(self._opened, self.clock, self.spawn)
        self._boards: Refreshed[tuple[Configured, Span, str | None], tuple[Grid, ...]] = Refreshed(
            self.clock, self.spawn
        )
        self._fitness = Fitness(self._opened)

    def close(self) -> None:
        """Give up the store; what is asked afterwards opens it anew."""
        self._opened.close()

    def alive(self) -> bool:
        return is_alive(self.live())

    def readiness(self) -> Readiness:
        return self._fitness.readiness(self._now_configured(), self.live())

    def timezone(self) -> ZoneInfo:
        settings = self.loaded().settings
        return settings.timezone if settings else ZoneInfo("UTC")

    def overview(self) -> Overview:
        return self._look(self._now_configured()).overview

    def overview_now(self) -> Overview:
        """For who acts upon it: two seconds old at most. Raises StateError."""
        return self._look(self._now_configured(), now=True).overview

    def board(
        self, destination: str | None = None, until: date | None = None, periods: int = 14, job: str | None = None
    ) -> tuple[Grid, ...]:
        configured = self._now_configured()
        look = self._look(configured)
        last = until or look.overview.now.astimezone(configured.zone).date()
        span = Span(last, periods, periods)
        if job is not None:
            with self._opened.reading() as store:
                return read_board_of(store, configured, span, look, job).grids(destination, job)
        return self._boards.get((configured, span, destination), lambda: self._board(configured, span, destination))

    def _board(self, configured: Configured, span: Span, destination: str | None) -> tuple[Grid, ...]:
        look = self._look(configured)
        with self._opened.reading() as store:
            return read_board(store, configured, span, look).grids(destination, None)

    def runs(self, job: str | None = None, limit: int = 50, before: str | None = None) -> Sequence[Mapping[str, Any]]:
        with self._pages() as pages:
            return pages.runs(job, limit, before)

    def run(self, run_id: str) -> RunPage:
        with self._pages() as pages:
            return pages.run(run_id)

    def value(self, path: str) -> ValuePage:
        with self._pages() as pages:
            return pages.value(path, self.live().now)

    def rejects(self, job: str | None = None) -> tuple[RejectRow, ...]:
        with self._pages() as pages:
            return pages.rejects(job)

    def destinations(self) -> tuple[DestinationHealth, ...]:
        with self._opened.reading() as store:
            return destinations(store, self._now_configured(), self.live())

    def metrics(self) -> bytes:
        configured, overview = self._now_configured(), None
        live = self._live(configured)
        try:
            overview, platforms = self.overview(), self.destinations()
        except StateError:
            platforms = destinations(None, configured, live)
        with self._writing:
            return exposition(overview, platforms, live, self.tally, self._lines)

    # ------------------------------------------------------------ inside

    @contextmanager
    def _pages(self) -> Iterator[Pages]:
        configured = self._now_configured()
        with self._opened.reading() as store:
            yield Pages(store, configured)

    def _now_configured(self) -> Configured:
        loaded = self.loaded()
        with self._lock:
            if self._configured is None or self._configured.loaded is not loaded:
                self._configured = Configured(loaded)
            return self._configured

    def _look(self, configured: Configured, *, now: bool = False) -> Look:
        return self._looks.look(configured, lambda: self._live(configured), now=now)

    def _live(self, configured: Configured) -> Live:
        """Without secrets, and with what readiness finds wrong besides."""
        live = self.live()
        return replace(live, troubles=self._fitness.readiness(configured, live).troubles)
