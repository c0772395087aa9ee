"""The books of a run: intents before anything is sent, outcomes after, in the state store and in the report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kpisync.model import Change, Intent, Reply, Settled, Stands, Status, ValueKey
from kpisync.ports import State
from kpisync.sync.confirm import Judgement, refusal
from kpisync.sync.diff import RecordWork, Wanted
from kpisync.sync.reconcile import Verdict
from kpisync.sync.report import Report

# Outcomes are committed together, so many or so long after the last time at most. One that is lost in a crash is found
# again by reading.
_GROUP, _GROUP_SECONDS = 4096, 1.0


@dataclass
class Books:
    """Writes down what happens. With `dry` nothing reaches the state store."""

    state: State
    report: Report
    dry: bool
    progress: Callable[[int, int], None]
    monotonic: Callable[[], float] = lambda: 0.0
    total: int = 0
    done: int = 0
    outcomes: list[Settled] = field(default_factory=list)
    flushed: float = 0.0

    def expect(self, values: int) -> None:
        self.total += values

    # ------------------------------------------------------------ what reads show

    def verdicts(self, verdicts: Sequence[Verdict]) -> list[Change]:
        """Enter what a read showed; returns the changes that remain to be made."""
        stands: dict[ValueKey, Stands] = {}
        for verdict in verdicts:
            for wanted in verdict.agreed:
                self._agreed(wanted)
            stands.update(verdict.stands)
            self.outcomes.extend(verdict.outcomes)
            self.report.unchanged -= verdict.restored
            self.report.conflicts.extend(verdict.conflicts)
            self.report.rejections.extend(verdict.rejections)
            self._advance(len(verdict.agreed) + len(verdict.conflicts))
        if stands and not self.dry:
            self.flush()
            self.state.adopt(self._run, stands)
        changes = [change for verdict in verdicts for change in verdict.changes]
        if self.dry:
            self.report.changes.extend(changes)
            return []
        return changes

    def _agreed(self, wanted: Wanted) -> None:
        if wanted.tried is not None:
            self.report.succeeded(wanted.tried, 1)
            self.report.confirmed += 1
            return
        self.report.unchanged += wanted.number is not None and not wanted.ask_only
        self.report.confirmed += wanted.doubt is not None

    def unreadable(self, works: Iterable[RecordWork], reply: Reply) -> None:
        """These records cannot be read, so nothing is known of their values, and nothing is written."""
        for wanted in (wanted for work in works for wanted in work.wanted):
            if wanted.doubt:
                self.report.doubts.append(wanted.key)
            else:
                self.report.rejections.append(refusal("unreadable", wanted.source, reply, wanted.key, wanted.number))
            self._advance(1)

    # ------------------------------------------------------------ what becomes of changes

    def intend(self, changes: Collection[Change], settles: datetime) -> None:
        """On return, the values of these changes are in doubt on disk."""
        self.flush()
        intents = [
            Intent(ValueKey(change.key, value.value), value.old, value.new, value.source)
            for change in changes
            for value in change.values
        ]
        self.state.intend(self._run, intents, settles)

    def judged(self, change: Change, judgement: Judgement) -> None:
        """Enter what became of a change."""
        self.report.count(change, judgement)
        self._advance(len(change.values))
        self._add(judgement.settled)

    def not_sent(self, change: Change) -> None:
        """Surely nothing was sent: no longer in doubt."""
        self._each(change, Status.REFUSED, "not sent", None)

    def in_doubt(self, change: Change, reply: Reply, since: datetime) -> None:
        """Nobody knows; from `since` on a look at the platform can tell."""
        self._each(change, Status.IN_DOUBT, reply.words or str(reply.status or ""), since)

    def _each(self, change: Change, status: Status, answer: str, settles: datetime | None) -> None:
        self._add(
            [Settled(ValueKey(change.key, value.value), status, value.old, answer, settles) for value in change.values]
        )

    def _add(self, outcomes: Sequence[Settled]) -> None:
        self.outcomes.extend(outcomes)
        if len(self.outcomes) >= _GROUP or self.monotonic() - self.flushed > _GROUP_SECONDS:
            self.flush()

    # ------------------------------------------------------------ what is left at the end

    def stays_in_doubt(self, change: Change) -> None:
        self.report.doubts.extend(ValueKey(change.key, value.value) for value in change.values)
        self._advance(len(change.values))

    def waits(self, change: Change) -> None:
        """It was not sent, and is to be sent by the next run."""
        self.report.waiting += len(change.values)

    def not_reached(self, works: Iterable[RecordWork]) -> None:
        """The run ended before these records were looked at."""
        for wanted in (wanted for work in works for wanted in work.wanted):
            if wanted.doubt:
                self.report.doubts.append(wanted.key)
            else:
                self.report.waiting += 1

    def flush(self) -> None:
        if self.outcomes and not self.dry:
            self.state.settle(self._run, self.outcomes)
        self.outcomes = []
        self.flushed = self.monotonic()

    @property
    def _run(self) -> str:
        return self.report.run or ""

    def _advance(self, values: int) -> None:
        self.done += values
        self.progress(self.done, self.total)
