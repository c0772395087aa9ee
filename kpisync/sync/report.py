"""What a run did, counted as it happens."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from kpisync.model import Action, Change, Rejection, RunStatus, Status, ValueKey
from kpisync.ports import Traffic
from kpisync.sync.confirm import Judgement
from kpisync.sync.reconcile import Conflict


@dataclass(slots=True)
class Report:
    """One run of one job. Counts are in values, requests in requests."""

    job: str
    run: str | None = None
    rows: int = 0
    values: int = 0
    unchanged: int = 0
    undone: int = 0  # held back by an undo, until the source states something else
    created: int = 0
    updated: int = 0
    withdrawn: int = 0
    confirmed: int = 0
    sent: int = 0
    conflicts: list[Conflict] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    traffic: Traffic = field(default_factory=Traffic)
    changes: list[Change] = field(default_factory=list)  # of a plan
    doubts: list[ValueKey] = field(default_factory=list)  # still in doubt at the end
    skipped: dict[str, int] = field(default_factory=dict)  # source lines by the rule that skipped them
    notes: list[str] = field(default_factory=list)  # what the platform did by itself
    reading: list[str] = field(default_factory=list)  # how the source was read: encoding, header line
    held: str | None = None
    error: str | None = None
    waiting: int = 0  # values not sent, because the run ended before

    @property
    def requests(self) -> Counter[str]:
        """By method, of destination and source together."""
        return sum(self.traffic.requests.values(), Counter())

    @property
    def answers(self) -> Counter[str]:
        """To those requests, by status; `none` for no answer that could be used."""
        return sum(self.traffic.answers.values(), Counter())

    @property
    def in_doubt(self) -> int:
        return len(self.doubts)

    @property
    def status(self) -> RunStatus:
        if self.error is not None:
            return RunStatus.FAILED
        if self.held is not None:
            return RunStatus.HELD
        if self.rejections or self.conflicts or self.in_doubt or self.waiting:
            return RunStatus.PARTIAL
        return RunStatus.OK

    def count(self, change: Change, judgement: Judgement) -> None:
        """Enter what became of a change."""
        self.rejections.extend(judgement.rejections)
        self.notes.extend(f"{change.key.period} {note}" for note in judgement.notes)
        done = Counter(outcome.status for outcome in judgement.settled)
        self.confirmed += done[Status.CONFIRMED] + done[Status.WITHDRAWN]
        self.sent += done[Status.SENT]
        self.succeeded(change.action, done[Status.CONFIRMED] + done[Status.SENT] + done[Status.WITHDRAWN])

    def succeeded(self, action: Action, values: int) -> None:
        match action:
            case Action.CREATE:
                self.created += values
            case Action.UPDATE:
                self.updated += values
            case Action.WITHDRAW:
                self.withdrawn += values
