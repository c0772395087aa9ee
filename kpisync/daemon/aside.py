"""Work beside the scheduler: one piece at a time in a thread of its own, so that nothing slow holds up a tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock, Thread

import structlog

from kpisync.daemon.edge import Edge
from kpisync.errors import KpisyncError
from kpisync.ports import Clock

log = structlog.get_logger()

Work = Callable[[], None]
Spawn = Callable[[str, Work], None]


def in_thread(name: str, work: Work) -> None:
    """Do it in a thread that keeps no process alive."""
    Thread(target=work, name=name, daemon=True).start()


@dataclass
class Aside:
    """One kind of work. `failed` is why the last piece did not succeed, and since when none does."""

    name: str
    clock: Clock
    spawn: Spawn = in_thread
    failed: tuple[str, datetime] | None = None
    _since: float | None = None
    _lock: Lock = field(default_factory=Lock)

    def begin(self, work: Work) -> bool:
        """Have it done, and return at once; False, and nothing done, while the last piece is still at work."""
        with self._lock:
            if self._since is not None:
                return False
            self._since = self.clock.monotonic()
        begun = False
        try:
            self.spawn(self.name, lambda: self._carry_out(work))
            begun = True
        finally:
            if not begun:  # the machine gives no more threads
                self._since = None
        return True

    @property
    def busy_for(self) -> float:
        """Seconds that the piece at work has taken so far; 0 if there is none."""
        since = self._since
        return 0.0 if since is None else self.clock.monotonic() - since

    def _carry_out(self, work: Work) -> None:
        why: str | None = None
        with Edge() as edge:
            try:
                work()
            except KpisyncError as error:
                why = str(error)
        self._note(edge.bug or why)
        self._since = None

    def _note(self, why: str | None) -> None:
        before = self.failed
        if why is None:
            self.failed = None
        elif before is None or before[0] != why:
            log.error("work broken off", work=self.name, error=why)
            self.failed = (why, before[1] if before else self.clock.now())
