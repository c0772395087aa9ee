"""Deliver: window by window read, reconcile, write, confirm; intents are on disk before anything is sent.

One thread decides and records; a few worker threads carry single requests. A window is opened only when there is
room for its writes, so that no record is written long after it was read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from kpisync.errors import DestinationError, Exit, Interrupted
from kpisync.model import Change, RecordKey, Reply, ReplyKind, ValueKey, Values
from kpisync.ports import Clock, Confirm, Destination, DestinationOptions, Unreadable, Window
from kpisync.sync.books import Books
from kpisync.sync.confirm import judge_read_back, judge_refused, judge_reply, refusal
from kpisync.sync.diff import RecordWork
from kpisync.sync.errands import Errand, Queue
from kpisync.sync.pace import Weather
from kpisync.sync.reconcile import reconcile, unread

_TRIES = 3  # of one record that the platform fails on, of one read, of one read-back
_BATCH = timedelta(seconds=30)  # an intent is sent at most this long after it was recorded
_MOST_INTENTS = 256

Task = tuple[Callable[[], Any], Callable[[Any], None]]  # what a worker does, what its result leads to


@dataclass
class Delivery:
    """Carries out the work of one run."""

    destination: Destination
    options: DestinationOptions
    queue: Queue
    books: Books
    clock: Clock
    weather: Weather
    stopped: Callable[[], Exit | None] = lambda: None
    _open: list[Errand] = field(default_factory=list)
    _ready: deque[tuple[Errand, Change, float]] = field(default_factory=deque)  # on disk, to be sent
    _unconfirmed: deque[Errand] = field(default_factory=deque)
    _doubtful: list[RecordWork] = field(default_factory=list)  # unanswered, to be looked at once more at the end
    _flying: dict[Future[Any], Callable[[Any], None]] = field(default_factory=dict)
    _batch: int = 8

    def carry_out(self, records: Sequence[RecordWork]) -> None:
        """Do it all, or as far as it goes.

        Raises DestinationError or Interrupted once what was in flight is recorded; what was not sent is then counted
        as waiting. Raises StateError at once, with nothing more sent.
        """
        self.books.expect(sum(len(record.wanted) for record in records))
        self.queue.add(records)
        trouble: DestinationError | Interrupted | None = None
        with ThreadPoolExecutor(self.options.concurrency, thread_name_prefix="deliver") as pool:
            while self._flying or (trouble is None and self._has_work()):
                try:
                    if trouble is None:
                        self._stop_if_asked()
                        self._launch(pool)
                    self._land()
                except (DestinationError, Interrupted) as reason:
                    trouble = trouble or reason
        self._abandon()
        if trouble is not None:
            raise trouble

    def _has_work(self) -> bool:
        if not self._open and not self.queue.errands and self._doubtful:
            self.queue.add(self._doubtful, last_chance=True)
            self._doubtful = []
        return bool(self._open or self.queue.errands)

    def _stop_if_asked(self) -> None:
        if (code := self.stopped()) is not None:
            raise Interrupted(code)

    # ------------------------------------------------------------ what to do next

    def _launch(self, pool: ThreadPoolExecutor) -> None:
        """Fill the workers; until something was answered as it should be, one request goes alone."""
        most = self.options.concurrency if self.weather.proven else 1
        while len(self._flying) < most and self.clock.monotonic() >= self.weather.paused_until:
            task = self._next_write() or self._next_confirm() or self._next_read()
            if task is None:
                return
            self._flying[pool.submit(task[0])] = task[1]

    def _next_write(self) -> Task | None:
        if self._flying and not self.weather.wrote:
            return None  # the first write goes alone: a wrong account fails once, not many times
        if not self._ready:
            self._record_intents()
        if not self._ready:
            return None
        errand, change, recorded = self._ready.popleft()
        if self.clock.monotonic() - recorded > _BATCH.total_seconds():
            self._unsend(errand, change)
            return self._next_write()
        return lambda: self.destination.write(change), lambda reply: self._replied(errand, change, reply)

    def _next_confirm(self) -> Task | None:
        if not self._unconfirmed:
            return None
        errand = self._unconfirmed.popleft()
        changed = frozenset(change.key for change, _ in errand.answered)
        window = replace(errand.window, keys=changed)
        return lambda: self._read(window), lambda found: self._have_read_back(errand, found)

    def _next_read(self) -> Task | None:
        while len(self._open) < 2 * self.options.concurrency:
            errand = self.queue.take(self.clock.now())
            if errand is None:
                return None
            self._open.append(errand)
            if errand.reads:
                return self._reading(errand)
            self._take_up(errand, None)
            if errand.pending:
                return self._next_write()
        return None

    def _reading(self, errand: Errand) -> Task:
        return lambda: self._read(errand.window), lambda found: self._have_read(errand, found)

    def _read(self, window: Window) -> Mapping[RecordKey, Values] | Unreadable:
        try:
            return self.destination.read(window)
        except Unreadable as failure:
            return failure

    def _land(self) -> None:
        """Wait for an answer, or for the time when something may be asked again."""
        if self._flying:
            done, _ = wait(self._flying, return_when=FIRST_COMPLETED)
            for future in done:
                self._flying.pop(future)(future.result())
            return
        self.books.flush()
        seconds = self.weather.paused_until - self.clock.monotonic()
        due = self.queue.due()
        if due is not None and not self._open:
            seconds = max(seconds, (due - self.clock.now()).total_seconds())
        if seconds > 0:
            self.clock.sleep(min(seconds, 1.0))

    # ------------------------------------------------------------ intents

    def _record_intents(self) -> None:
        """Take changes of the open windows, oldest first, and put them on disk as in doubt."""
        taken = list(self._take())
        if not taken:
            return
        settles = self.clock.now() + _BATCH + self.options.timeout + self.options.settle
        self.books.intend([change for _, change in taken], settles)
        recorded = self.clock.monotonic()
        for errand, change in taken:
            errand.out += 1
            self._ready.append((errand, change, recorded))
        self._batch = min(_MOST_INTENTS, 2 * self._batch)

    def _take(self) -> Iterator[tuple[Errand, Change]]:
        room = self._batch
        oldest = self.clock.monotonic() - max(1.0, self.options.max_read_age.total_seconds())
        for errand in list(self._open):
            if errand.pending and errand.read_at is not None and errand.read_at < oldest:
                self._read_again(errand)
            while errand.pending and room:
                room -= 1
                yield errand, errand.pending.popleft()

    def _read_again(self, errand: Errand) -> None:
        """Its read is too old to write by: what is left of the window goes back to the queue."""
        left = [errand.records[change.key] for change in errand.pending]
        errand.pending.clear()
        self.queue.add(left, errand.last_chance)
        self._close_if_written(errand)

    def _unsend(self, errand: Errand, change: Change) -> None:
        errand.out -= 1
        self.books.not_sent(change)
        errand.pending.append(change)
        self._batch = max(8, self._batch // 2)

    # ------------------------------------------------------------ what an answer leads to

    def _have_read(self, errand: Errand, found: Mapping[RecordKey, Values] | Unreadable) -> None:
        if not isinstance(found, Unreadable):
            self.weather.good(wrote=False)
            errand.read_at = self.clock.monotonic()
            self._take_up(errand, found)
        elif self._read_is_final(errand, found.reply):
            self._open.remove(errand)
            for work in errand.records.values():
                self.books.report.rejections.extend(
                    refusal("unreadable", wanted.source, found.reply) for wanted in work.wanted
                )
                self.books.stays_in_doubt(wanted.key for wanted in work.wanted if wanted.in_doubt)
        else:
            self._open.remove(errand)
            self.queue.again(errand)

    def _read_is_final(self, errand: Errand, reply: Reply) -> bool:
        """Whether a failed read is not to be tried again. Raises DestinationError if nothing is."""
        errand.tries[None] += 1
        self.weather.bad(reply, wrote=False)
        self.weather.pause(0.2 * errand.tries[None])
        patient = reply.kind in (ReplyKind.BUSY, ReplyKind.NOT_SENT)
        return reply.kind is ReplyKind.REFUSED or (errand.tries[None] >= _TRIES and not patient)

    def _take_up(self, errand: Errand, found: Mapping[RecordKey, Values] | None) -> None:
        """Decide what to do about each record of a window; without a read, by what is known."""
        verdicts = [
            unread(work) if found is None else reconcile(work, found.get(key), self.options.on_conflict)
            for key, work in errand.records.items()
        ]
        errand.pending.extend(self.books.judged_records(verdicts))
        self._close_if_written(errand)

    def _replied(self, errand: Errand, change: Change, reply: Reply) -> None:
        match reply.kind:
            case ReplyKind.BUSY | ReplyKind.NOT_SENT:
                self._unsend(errand, change)
            case ReplyKind.FAILED if errand.tries[change.key] < _TRIES - 1:
                errand.tries[change.key] += 1
                self._ready.append((errand, change, self.clock.monotonic()))
                self.weather.pause(0.2 * errand.tries[change.key])
            case _:
                errand.out -= 1
                self._answered(errand, change, reply)
        self._close_if_written(errand)
        if reply.kind is ReplyKind.ACCEPTED:
            self.weather.good(wrote=True)
        else:
            self.weather.bad(reply, wrote=True)

    def _answered(self, errand: Errand, change: Change, reply: Reply) -> None:
        if reply.kind is ReplyKind.REFUSED:
            self.books.judged(change, judge_refused(change, reply))
        elif reply.kind is ReplyKind.UNKNOWN:
            self._unknown(errand, change, reply)
        elif reply.kind is ReplyKind.FAILED or self.options.confirm is Confirm.READ_BACK:
            errand.answered.append((change, reply))
        else:
            self.books.judged(change, judge_reply(change, reply, self.options.confirm is Confirm.REPLY))

    def _unknown(self, errand: Errand, change: Change, reply: Reply) -> None:
        """No answer: the record is looked at again once the platform can no longer be working on it."""
        since = self.clock.now() + self.options.settle
        self.books.in_doubt(change, reply, since)
        if errand.last_chance:
            self.books.stays_in_doubt(ValueKey(change.key, value.value) for value in change.values)
        else:
            self._doubtful.append(_left_open(errand.records[change.key], change, since))

    def _close_if_written(self, errand: Errand) -> None:
        if errand.pending or errand.out or errand not in self._open:
            return
        if errand.answered:
            if errand not in self._unconfirmed:
                self._unconfirmed.append(errand)
        else:
            self._open.remove(errand)

    def _have_read_back(self, errand: Errand, found: Mapping[RecordKey, Values] | Unreadable) -> None:
        if isinstance(found, Unreadable):
            if self._read_is_final(errand, found.reply):
                self._unverified(errand)
            else:
                self._unconfirmed.append(errand)
            return
        self.weather.good(wrote=False)
        errand.tries[None] += 1
        later = []
        for change, reply in errand.answered:
            judgement = judge_read_back(change, reply, found.get(change.key))
            if judgement.rejections and errand.tries[None] < _TRIES:
                later.append((change, reply))  # the platform may show it a little later
            else:
                self.books.judged(change, judgement)
        errand.answered = later
        if later:
            self.weather.pause(0.3 * errand.tries[None])
        self._close_if_written(errand)

    def _unverified(self, errand: Errand) -> None:
        """Answered, but not to be read back now: the next run looks."""
        for change, reply in errand.answered:
            self.books.in_doubt(change, reply, self.clock.now())
            self.books.stays_in_doubt(ValueKey(change.key, value.value) for value in change.values)
        self._open.remove(errand)

    def _abandon(self) -> None:
        """Record how far it went."""
        report = self.books.report
        for errand, change, _ in self._ready:
            self._unsend(errand, change)
        for errand in list(self._open):
            report.waiting += sum(len(change.values) for change in errand.pending)
            self._unverified(errand)
        for work in [*self._doubtful, *(work for errand in self.queue.errands for work in errand.records.values())]:
            self.books.stays_in_doubt(wanted.key for wanted in work.wanted if wanted.in_doubt)
            report.waiting += sum(not wanted.in_doubt for wanted in work.wanted)
        self.books.flush()


def _left_open(work: RecordWork, change: Change, since: datetime) -> RecordWork:
    """The part of a record's work that an unanswered change leaves open."""
    numbers = {v.value: frozenset(n for n in (v.old, v.new) if n is not None) for v in change.values}
    wanted = [
        replace(w, expected=w.expected | numbers[w.key.value], in_doubt=True)
        for w in work.wanted
        if w.key.value in numbers
    ]
    return replace(work, wanted=wanted, settles=since)
