"""What is done beside the runs: each minute and after each run, and once a day, at night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, tzinfo

from kpisync.daemon.aside import Aside
from kpisync.ports import Clock

_MINUTE = 60.0
_NIGHT = time(3)  # on the plant's clock
_TRY_AGAIN = 900.0  # seconds


@dataclass
class EachMinute:
    """Work that is due each minute, and sooner once somebody asks for it."""

    clock: Clock
    aside: Aside
    work: Callable[[], None]
    _next: float | None = None  # monotonic

    def ask(self) -> None:
        self._next = None

    def tick(self) -> None:
        now = self.clock.monotonic()
        if (self._next is None or now >= self._next) and self.aside.begin(self.work):
            self._next = now + _MINUTE


@dataclass
class Nightly:
    """Work that is due once a day at night, or as soon as the process runs; tried again when it fails."""

    clock: Clock
    aside: Aside
    work: Callable[[], None]
    _day: date | None = None
    _again: float = 0.0  # monotonic

    def tick(self, plant: tzinfo) -> None:
        local, now = self.clock.now().astimezone(plant), self.clock.monotonic()
        is_new = local.date() != self._day and local.time() >= _NIGHT
        if (is_new or (self.aside.failed and now >= self._again)) and self.aside.begin(self.work):
            self._day, self._again = local.date(), now + _TRY_AGAIN
