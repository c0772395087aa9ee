"""The desk: every errand that is under way, and what could not be finished at once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from kpisync.model import Change, RecordKey, Reply, Values
from kpisync.ports import KeepsApart, OnConflict
from kpisync.sync.books import Books
from kpisync.sync.confirm import judge_refused
from kpisync.sync.diff import RecordWork
from kpisync.sync.errands import Errand, Queue, left_in_doubt, left_of
from kpisync.sync.reconcile import reconcile, unread


@dataclass
class Desk:
    """Knows where each errand stands, and keeps the books right when one is put off, given up or finished."""

    queue: Queue
    books: Books
    on_conflict: OnConflict
    apart: KeepsApart | None = None
    open: list[Errand] = field(default_factory=list)
    unconfirmed: deque[Errand] = field(default_factory=deque)
    doubtful: list[RecordWork] = field(default_factory=list)  # unanswered, to be looked at once more at the end
    forbidden: list[tuple[Change, Reply]] = field(default_factory=list)  # 403 while no write was accepted yet
    failures: Counter[RecordKey] = field(default_factory=Counter)  # writes that the platform failed on

    def accept(self, records: Sequence[RecordWork]) -> None:
        self.books.expect(sum(len(record.wanted) for record in records))
        self.queue.add(records)

    def has_work(self) -> bool:
        """Once all else is done, what stayed unknown is looked at again, all of it after the last has settled."""
        if not self.open and not self.queue.errands and self.doubtful:
            latest = max(work.settles for work in self.doubtful if work.settles)
            self.queue.add([replace(work, settles=latest) for work in self.doubtful], last_chance=True)
            self.doubtful = []
        return bool(self.open or self.queue.errands)

    def take_up(self, errand: Errand, found: Mapping[RecordKey, Values] | None) -> None:
        """Decide what to do about each record of a window; without a read, by what is known."""
        verdicts = [
            unread(work, self.apart) if found is None else reconcile(work, found.get(key), self.on_conflict, self.apart)
            for key, work in errand.records.items()
        ]
        errand.judged = True
        errand.pending.extend(self.books.verdicts(verdicts))
        self.move_on(errand)

    def move_on(self, errand: Errand) -> None:
        """Once all of an errand is written, have it confirmed; once that is done too, close it."""
        if errand not in self.open:
            return
        if errand.finished:
            self.open.remove(errand)
        elif errand.answered and not (errand.pending or errand.out or errand in self.unconfirmed):
            self.unconfirmed.append(errand)

    def read_on(self, errand: Errand) -> None:
        """A part of it was read: now the rest."""
        self.open.remove(errand)
        self.queue.first(errand)

    def put_off(self, errand: Errand) -> None:
        """It could not be read: later again."""
        errand.unread()
        self.open.remove(errand)
        self.queue.again(errand)

    def give_up(self, errand: Errand, reply: Reply) -> None:
        self.open.remove(errand)
        self.books.unreadable(errand.records.values(), reply)

    def read_again(self, errand: Errand) -> None:
        """Its read is too old to write by: what is left of the window goes back to the queue."""
        left = [left_of(errand.records[change.key], change) for change in errand.pending]
        errand.pending.clear()
        self.queue.add(left, errand.last_chance)
        self.move_on(errand)

    def look_again(self, errand: Errand, change: Change, reply: Reply, since: datetime) -> None:
        """The platform is done with it, so a look can tell."""
        self.books.in_doubt(change, reply, since)
        self.queue.add([left_in_doubt(errand.records[change.key], change, since)], errand.last_chance)

    def unknown(self, errand: Errand, change: Change, reply: Reply, since: datetime) -> None:
        """No answer: the record is looked at again once the platform can no longer be working on it."""
        self.books.in_doubt(change, reply, since)
        if errand.last_chance:
            self.books.stays_in_doubt(change)
        else:
            self.doubtful.append(left_in_doubt(errand.records[change.key], change, since))

    def unverified(self, errand: Errand, now: datetime) -> None:
        """Answered, but not to be read back now: the next run looks."""
        for change, reply in errand.answered:
            self.books.in_doubt(change, reply, now)
            self.books.stays_in_doubt(change)
        errand.answered = []

    def refuse_forbidden(self) -> None:
        """It was these records alone, not the account."""
        for change, reply in self.forbidden:
            self.books.judged(change, judge_refused(change, reply))
        self.forbidden = []

    def clear(self, now: datetime) -> None:
        """Record how far the run went; whatever is left waits for the next."""
        for change, _ in self.forbidden:
            self.books.not_sent(change)
            self.books.waits(change)
        for errand in self.open:
            if not errand.judged:
                self.books.not_reached(errand.records.values())
            for change in errand.pending:
                self.books.waits(change)
            self.unverified(errand, now)
        self.books.not_reached(self.doubtful)
        self.books.not_reached(work for errand in self.queue.errands for work in errand.records.values())
        self.books.flush()
