"""The books of a run: intents before anything is sent, outcomes after, in the state store and in the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kpisync.model import Change, Intent, Reply, Settled, Status, ValueKey
from kpisync.ports import State
from kpisync.sync.confirm import Judgement
from kpisync.sync.reconcile import Verdict
from kpisync.sync.report import Report

_GROUP = 64  # outcomes committed together; an outcome that is lost in a crash is found again by reading


@dataclass
class Books:
    """Writes down what happens. With `dry` nothing reaches the state store."""

    state: State
    report: Report
    dry: bool
    progress: Callable[[int, int], None]
    total: int = 0
    done: int = 0
    outcomes: list[Settled] = field(default_factory=list)

    def expect(self, values: int) -> None:
        self.total += values

    def judged_records(self, verdicts: Sequence[Verdict]) -> list[Change]:
        """Enter what a read showed; returns the changes that remain to be made."""
        stands = {}
        for verdict in verdicts:
            for wanted in verdict.agreed:
                if wanted.number is not None:
                    stands[wanted.key] = (wanted.number, wanted.source)
                self.report.unchanged += 1
                self.report.confirmed += wanted.in_doubt
            stands.update(verdict.cleared)
            self.outcomes.extend(Settled(gone.key, Status.WITHDRAWN, None) for gone in verdict.gone)
            self.report.conflicts.extend(verdict.conflicts)
            self.report.rejections.extend(verdict.rejections)
            self._advance(len(verdict.agreed) + len(verdict.gone) + len(verdict.conflicts))
        if stands and not self.dry:
            self.state.adopt(self.report.run or "", stands)
        changes = [verdict.change for verdict in verdicts if verdict.change]
        if self.dry:
            self.report.changes.extend(changes)
            return []
        return changes

    def intend(self, changes: Iterable[Change], settles: datetime) -> None:
        """On return, the values of these changes are in doubt on disk."""
        self.flush()
        intents = [
            Intent(ValueKey(change.key, value.value), value.old, value.new, value.source)
            for change in changes
            for value in change.values
        ]
        self.state.intend(self.report.run or "", intents, settles)

    def judged(self, change: Change, judgement: Judgement) -> None:
        """Enter what became of a change."""
        self.outcomes.extend(judgement.settled)
        self.report.count(change, judgement)
        self._advance(len(change.values))
        if len(self.outcomes) >= _GROUP:
            self.flush()

    def not_sent(self, change: Change) -> None:
        """Surely nothing was sent: no longer in doubt."""
        self._each(change, Status.REFUSED, "not sent", None)

    def in_doubt(self, change: Change, reply: Reply, since: datetime) -> None:
        """Nobody knows; from `since` on a look at the platform can tell."""
        self._each(change, Status.IN_DOUBT, reply.words or str(reply.status), since)

    def stays_in_doubt(self, keys: Iterable[ValueKey]) -> None:
        self.report.doubts.extend(keys)
        self.report.in_doubt = len(self.report.doubts)

    def _each(self, change: Change, status: Status, answer: str, settles: datetime | None) -> None:
        self.outcomes.extend(
            Settled(ValueKey(change.key, value.value), status, value.old, answer, settles) for value in change.values
        )

    def flush(self) -> None:
        if self.outcomes and not self.dry:
            self.state.settle(self.report.run or "", self.outcomes)
        self.outcomes = []

    def _advance(self, values: int) -> None:
        self.done += values
        self.progress(self.done, self.total)
