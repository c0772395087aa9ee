"""Which fault is due for a request, and which faults are still to come."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kpisync.sandbox.settings import Fault


@dataclass(slots=True)
class _Progress:
    fault: Fault
    path: re.Pattern[str]
    skipped: int = 0
    used: int = 0

    def matches(self, method: str, target: str) -> bool:
        return self.fault.method in (None, method) and self.path.search(target) is not None

    @property
    def spent(self) -> bool:
        return self.fault.times is not None and self.used >= self.fault.times


class FaultList:
    """Faults in their order, each with its progress. Not thread-safe: its owner locks."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._pending = [_Progress(fault, re.compile(fault.path or "")) for fault in faults]

    def due(self, method: str, target: str) -> Fault | None:
        """The first fault that is due for this request; it counts as used, and a later one does not see the request."""
        for progress in self._pending:
            if progress.matches(method, target):
                if progress.skipped < progress.fault.after:
                    progress.skipped += 1
                    continue
                progress.used += 1
                if progress.spent:
                    self._pending.remove(progress)
                return progress.fault
        return None

    def pending(self) -> tuple[Fault, ...]:
        """What is still to come, with `after` and `times` counted down."""
        return tuple(_rest(progress) for progress in self._pending)


def _rest(progress: _Progress) -> Fault:
    fault = progress.fault
    times = None if fault.times is None else fault.times - progress.used
    return fault.model_copy(update={"after": fault.after - progress.skipped, "times": times})
