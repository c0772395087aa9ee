"""A clock that stands still until somebody sleeps, and then is there at once."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import RLock

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class FakeClock:
    """Implements `ports.Clock`; may be shared by threads. What was booked with `at` happens while somebody sleeps."""

    def __init__(self, start: datetime = NOON) -> None:
        self._start = start
        self._elapsed = 0.0
        self._lock = RLock()
        self._order = count()
        self._booked: list[tuple[float, int, Callable[[], None]]] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        with self._lock:
            return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Be `seconds` later, without waiting; booked events happen on the way, each at its own time."""
        with self._lock:
            end = self._elapsed + max(0.0, seconds)
        while (event := self._next_until(end)) is not None:
            event()
        with self._lock:
            self._elapsed = max(self._elapsed, end)

    def _next_until(self, end: float) -> Callable[[], None] | None:
        with self._lock:
            if not self._booked or self._booked[0][0] > end:
                return None
            time, _, event = heapq.heappop(self._booked)
            self._elapsed = max(self._elapsed, time)
            return event

    def at(self, delay: float, event: Callable[[], None]) -> None:
        """Book something to happen `delay` seconds from now."""
        with self._lock:
            heapq.heappush(self._booked, (self._elapsed + delay, next(self._order), event))

    @property
    def booked(self) -> int:
        """How many events have not happened yet."""
        with self._lock:
            return len(self._booked)
