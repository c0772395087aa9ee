"""What may go wrong in one run: faults of the platform, the death of the process, a full disk, a stop."""

from __future__ import annotations

from dataclasses import dataclass, field

from kpisync.errors import Exit, StateError
from kpisync.testing.destination import Fault, MemoryBoard, Script


class Killed(BaseException):
    """The process died here."""


@dataclass
class Disturbance:
    """What shall go wrong in one run."""

    gets: dict[int, Fault] = field(default_factory=dict)
    puts: dict[int, Fault] = field(default_factory=dict)
    deletes: dict[int, Fault] = field(default_factory=dict)
    die_at: int | None = None  # the call to state or platform at which the process dies
    state_fails_at: int | None = None  # the same, but only the state store fails
    stop_at: int | None = None  # the question at which a stop is asked for
    script: Script = lambda method, number: None  # asked where none of the faults above befalls a request


@dataclass
class Watch:
    """Counts the calls to state and platform, and lets one of them go wrong."""

    disturbed: Disturbance
    board: MemoryBoard
    calls: int = 0
    asked: int = 0
    requests_at_failure: int = -1

    def state_called(self, method: str) -> None:
        self._call()
        if self.disturbed.state_fails_at is not None and self.calls >= self.disturbed.state_fails_at:
            self.requests_at_failure = self.board.requests.total()
            raise StateError("the disk is full")

    def script(self, method: str, number: int) -> Fault | None:
        self._call()
        faults = {"GET": self.disturbed.gets, "PUT": self.disturbed.puts, "DELETE": self.disturbed.deletes}
        return faults[method].get(number) or self.disturbed.script(method, number)

    def stopped(self) -> Exit | None:
        self.asked += 1
        return Exit.SIGTERM if self.disturbed.stop_at == self.asked else None

    def _call(self) -> None:
        self.calls += 1
        if self.calls == self.disturbed.die_at:
            raise Killed
