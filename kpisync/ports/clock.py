"""Time and progress, passed in so that no test waits."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time, passed in so that no test waits."""

    def now(self) -> datetime:
        """The instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Wait; an interruption ends it early by raising `errors.Interrupted`."""


class SystemClock:
    """`Clock` over the machine's time. Signals end no sleep early: whoever waits long does so in short naps."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)


class Progress(Protocol):
    """Told now and then how far a run is; `total` is None where nobody knows."""

    def __call__(self, stage: str, done: int, total: int | None) -> None: ...
