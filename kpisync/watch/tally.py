"""What the runs of a process did, counted up from its start."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from kpisync.errors import Exit
from kpisync.model import RunStatus
from kpisync.sync.report import Report

BOUNDS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0)  # seconds

_SIGNALS = (Exit.SIGINT, Exit.SIGTERM)


@dataclass(slots=True)
class Durations:
    """How many runs took at most so many seconds, by the bounds, the last one beyond them all; and all seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0


@dataclass(frozen=True)
class Counts:
    """A picture of a tally."""

    runs: Mapping[tuple[str, str], int]  # job, outcome
    values: Mapping[tuple[str, str], int]  # job, outcome
    requests: Mapping[tuple[str, str], int]  # destination, method
    answers: Mapping[tuple[str, str], int]  # destination, status
    durations: Mapping[str, Durations]  # by kind of run


class Tally:
    """May be used from several threads. What sources ask for is not counted: it goes to nobody's platform."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: Counter[tuple[str, str]] = Counter()
        self._values: Counter[tuple[str, str]] = Counter()
        self._requests: Counter[tuple[str, str]] = Counter()
        self._answers: Counter[tuple[str, str]] = Counter()
        self._durations: dict[str, Durations] = {}

    def ended(self, report: Report, status: RunStatus, exit_code: Exit, kind: str, seconds: float) -> None:
        """A run has ended, or was skipped; each of the chunks of a backfill is a run."""
        outcome = "interrupted" if exit_code in _SIGNALS else str(status)
        with self._lock:
            self._runs[report.job, outcome] += 1
            for what, count in _values(report).items():
                self._values[report.job, what] += count
            _enter(self._requests, report.traffic.requests)
            _enter(self._answers, report.traffic.answers)
            if status is not RunStatus.SKIPPED:
                durations = self._durations.setdefault(kind, Durations())
                durations.counts[bisect_left(BOUNDS, seconds)] += 1
                durations.seconds += seconds

    def counts(self) -> Counts:
        with self._lock:
            durations = {kind: Durations(list(each.counts), each.seconds) for kind, each in self._durations.items()}
            return Counts(dict(self._runs), dict(self._values), dict(self._requests), dict(self._answers), durations)


def _values(report: Report) -> dict[str, int]:
    """What became of the values of a run. One can be in two: created, and confirmed."""
    return {
        "created": report.created,
        "updated": report.updated,
        "withdrawn": report.withdrawn,
        "unchanged": report.unchanged,
        "confirmed": report.confirmed,
        "sent": report.sent,
        "in_doubt": report.in_doubt,
        "rejected": len(report.rejections),
        "conflict": len(report.conflicts),
    }


def _enter(counter: Counter[tuple[str, str]], found: Mapping[str, Counter[str]]) -> None:
    for name, counts in found.items():
        if name:
            for what, count in counts.items():
                counter[name, what] += count
