"""Deliver: window by window read, reconcile, write, confirm; intents are on disk before anything is sent.

One thread decides and records; a few worker threads carry single requests. A window is opened only when there is
room for its writes, so that no record is written long after it was read.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any

from kpisync.errors import DestinationError, Exit, Interrupted
from kpisync.model import Reply, ReplyKind
from kpisync.ports import Clock, Destination, DestinationOptions, KeepsApart, Unreadable, Window
from kpisync.sync.answers import Answers, Found
from kpisync.sync.books import Books
from kpisync.sync.desk import Desk
from kpisync.sync.diff import RecordWork
from kpisync.sync.errands import Errand, Queue
from kpisync.sync.gate import NotNow
from kpisync.sync.outbox import Outbox, Sending
from kpisync.sync.pace import Weather

_NAP = 1.0  # seconds; how long a wait goes on before it is asked whether to stop


@dataclass(slots=True)
class Task:
    """One request: what a worker does, and what takes its answer in."""

    work: Callable[[], Any]
    then: Callable[[Any], None]
    writes: bool
    begun: float = math.inf  # monotonic


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
    apart: KeepsApart | None = None  # if the destination keeps the values of a record apart
    waits: Callable[[datetime], None] = lambda until: None  # told once of each wait for an earlier attempt to end
    _told: datetime | None = None
    _flying: dict[Future[Any], Task] = field(default_factory=dict)
    _landed: deque[Future[Any]] = field(default_factory=deque)
    _enough: int = 1  # so many landed, and the deciding thread is woken
    _wake: SimpleQueue[None] = field(default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        self._desk = Desk(self.queue, self.books, self.options.on_conflict, self.apart)
        self._outbox = Outbox(self._desk, self.options, self.clock)
        self._answers = Answers(self._desk, self._outbox, self.options, self.weather, self.clock)

    def carry_out(self, records: Sequence[RecordWork]) -> None:
        """Do it all, or as far as it goes.

        Raises DestinationError or Interrupted once what was in flight is recorded; what was not sent is then counted
        as waiting. Raises StateError at once, with nothing more sent.
        """
        self._desk.accept(records)
        trouble: DestinationError | Interrupted | None = None
        with ThreadPoolExecutor(self.options.concurrency, thread_name_prefix="deliver") as pool:
            while self._flying or (trouble is None and self._desk.has_work()):
                try:
                    if trouble is None:
                        self._stop_if_asked()
                        self._launch(pool)
                    self._land()
                except (DestinationError, Interrupted) as reason:
                    trouble = trouble or reason
                    self.weather.end(reason)
        self._finish(trouble)

    def _finish(self, trouble: DestinationError | Interrupted | None) -> None:
        if trouble is None:
            self._desk.refuse_forbidden()
        self._outbox.clear()
        self._desk.clear(self.clock.now())
        if trouble is not None:
            raise trouble

    def _stop_if_asked(self) -> None:
        if (code := self.stopped()) is not None:
            raise Interrupted(code)

    # ------------------------------------------------------------ what to do next

    def _launch(self, pool: ThreadPoolExecutor) -> None:
        """Fill the workers; until something was answered as it should be, one request goes alone.

        Once a write was accepted, some more wait for a worker, so that none is idle while outcomes are recorded.
        """
        self.weather.gate.enter()
        most = 1 if self.weather.careful else self.options.concurrency
        if self.weather.wrote and most > 1:
            most = self._outbox.ahead()
        while len(self._flying) < most and self.clock.monotonic() >= self.weather.paused_until:
            task = self._next_confirm() or self._next_write() or self._next_read()
            if task is None:
                return
            future = pool.submit(copy_context().run, self._ask, task)  # its logs say which run they are of
            self._flying[future] = task
            future.add_done_callback(self._touch_down)

    def _next_write(self) -> Task | None:
        if not self.weather.wrote and any(task.writes for task in self._flying.values()):
            return None  # the first write goes alone: a wrong account fails once, not many times
        sending = self._outbox.next()
        return None if sending is None else self._writing(sending)

    def _writing(self, sending: Sending) -> Task:
        def landed(reply: Reply | DestinationError | Interrupted | None) -> None:
            if reply is None:
                self._outbox.put_back(sending)
            else:
                self._answers.write(sending, reply)

        return Task(lambda: self._write(sending), landed, True)

    def _next_confirm(self) -> Task | None:
        if not self._desk.unconfirmed:
            return None
        errand = self._desk.unconfirmed.popleft()
        changed = frozenset(change.key for change, _ in errand.answered)
        window = replace(errand.window, keys=changed)
        return Task(lambda: self._read(window), lambda found: self._answers.read_back(errand, found), False)

    def _next_read(self) -> Task | None:
        while len(self._desk.open) < 2 * self.options.concurrency:
            errand = self.queue.take(self.clock.now())
            if errand is None:
                return None
            self._desk.open.append(errand)
            if errand.reads:
                return self._reading(errand)
            self._desk.take_up(errand, None)
            if errand.pending:
                return self._next_write()
        return None

    def _reading(self, errand: Errand) -> Task:
        """Until something was answered, the read of one team alone: a wrong login shows by one request."""
        window = errand.to_read(little=not self.weather.proven)
        return Task(lambda: self._read(window), lambda found: self._answers.read(errand, window, found), False)

    # ------------------------------------------------------------ what workers do

    def _ask(self, task: Task) -> Any:
        with self.weather.gate.place() as task.begun:
            return task.work()

    def _write(self, sending: Sending) -> Reply | DestinationError | Interrupted | None:
        """None: it was not sent, because it waited too long for a worker, or the destination is to be left alone."""
        if self.clock.monotonic() < self.weather.paused_until or self._outbox.is_stale(sending):
            return None
        try:
            return self.destination.write(sending.change)
        except NotNow:
            return None
        except (DestinationError, Interrupted) as reason:
            return reason

    def _read(self, window: Window) -> Found:
        try:
            return self.destination.read(window)
        except Unreadable as failure:
            return failure
        except NotNow as reason:
            return Unreadable(Reply(ReplyKind.NOT_SENT, words=str(reason)))

    def _touch_down(self, future: Future[Any]) -> None:
        """To wake the deciding thread for each answer costs more than the answer; one that is not good is urgent."""
        reply = None if future.exception() else future.result()
        good = isinstance(reply, Reply) and reply.kind is ReplyKind.ACCEPTED
        self._landed.append(future)
        if len(self._landed) >= self._enough or not good:
            self._wake.put(None)

    # ------------------------------------------------------------ waiting

    def _land(self) -> None:
        """Take in answers, or wait for the time when something may be asked again."""
        if self._flying:
            self._wait()
            while self._landed:
                future = self._landed.popleft()
                task = self._flying.pop(future)
                self.weather.begun = task.begun
                task.then(future.result())
            return
        self.books.flush()
        seconds = self.weather.paused_until - self.clock.monotonic()
        due = self.queue.due()
        if due is not None and not self._desk.open:
            self._tell(due)
            seconds = max(seconds, (due - self.clock.now()).total_seconds())
        if seconds > 0:
            self.clock.sleep(min(seconds, _NAP))

    def _wait(self) -> None:
        """Until half of those that waited for a worker have landed, or it is time to ask whether to stop."""
        self._enough = max(1, (len(self._flying) - self.options.concurrency) // 2)
        woken = len(self._landed) >= self._enough
        with suppress(Empty):
            while not (woken and self._landed):  # it may be woken for what it found by itself
                self._wake.get(timeout=_NAP)
                woken = True

    def _tell(self, due: datetime) -> None:
        if due > self.clock.now() and due != self._told:
            self._told = due
            self.waits(due)
