"""How long a run waits for another process, and what ends the wait before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kpisync.errors import Exit, Interrupted, LockedError
from kpisync.ports import Clock

WAITS = 30 * 60.0  # seconds, before the other process is taken for one that hangs
_MOMENT = 0.2  # seconds


@dataclass
class Patience:
    """Each call is one moment of a wait for `taken` to end; `told` hears of the first. Raises to give up."""

    clock: Clock
    seconds: float
    stopped: Callable[[], Exit | None]
    told: Callable[[LockedError], None]
    _until: float | None = None

    def __call__(self, taken: LockedError) -> None:
        """Raises Interrupted if a signal asked for the end, LockedError once the time is over."""
        if (code := self.stopped()) is not None:
            raise Interrupted(code)
        now = self.clock.monotonic()
        if self._until is None:
            self._until = now + self.seconds
            self.told(taken)
        if now >= self._until:
            hint = "Wait until it ends, or look for one that hangs; then run again."
            raise LockedError(f"{taken.what}, and did not end within {self.seconds / 60:.0f} minutes", hint=hint)
        self.clock.sleep(_MOMENT)
