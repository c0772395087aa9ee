"""The gates of a process, one for each destination, whatever jobs and configurations use it."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from kpisync.ports import Clock, DestinationOptions
from kpisync.sync.gate import Gate, GateState
from kpisync.sync.turns import Turns


@dataclass
class Gates:
    """May be used from several threads. A destination has another gate where its options are others."""

    clock: Clock
    _gates: dict[str, list[tuple[DestinationOptions, Gate]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, name: str, options: DestinationOptions) -> Gate:
        with self._lock:
            known = self._gates.setdefault(name, [])
            for before, gate in known:
                if before == options:
                    return gate
            known.append((options, Gate(self.clock, Turns(options.rate_limit, self.clock), options.concurrency)))
            return known[-1][1]

    def reopen(self) -> None:
        """Forget the gates that a refused login has shut: somebody may have put it right."""
        with self._lock:
            for known in self._gates.values():
                known[:] = [each for each in known if not each[1].is_shut_for_good]

    def states(self) -> dict[str, GateState]:
        """What passes now, by destination, as it is configured by now; one that no job has used yet has none."""
        with self._lock:
            newest = {name: known[-1][1] for name, known in self._gates.items() if known}
        return {name: gate.state for name, gate in newest.items()}
