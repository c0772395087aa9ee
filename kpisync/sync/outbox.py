"""The outbox: changes whose intents are on disk, and the rule how long they may wait there."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from kpisync.model import Change, Reply
from kpisync.ports import Clock, DestinationOptions
from kpisync.sync.desk import Desk
from kpisync.sync.errands import Errand
from kpisync.sync.turns import SLOWEST_FOUND

_WAIT = timedelta(seconds=30)  # an intent is sent at most this long after it was recorded
_MOST_REQUESTS = 3  # of one write to a platform that keeps values apart: look, delete, post
_FEW, _MANY = 8, 1024  # intents recorded at once
_SHARE = 8  # of what is recorded at once, one part is with the workers
_QUICK, _SLOW = 1.0, 3.0  # seconds that it took to send the last: in less, more are recorded; in more, fewer


@dataclass(frozen=True, slots=True)
class Sending:
    """A change on its way; `failed` is the last answer if the platform has failed on it already."""

    errand: Errand
    change: Change
    recorded: float  # monotonic
    failed: Reply | None = None


@dataclass
class Outbox:
    desk: Desk
    options: DestinationOptions
    clock: Clock
    ready: deque[Sending] = field(default_factory=deque)
    _batch: int = _FEW
    _recorded: float = -math.inf  # monotonic; when the last batch was

    def next(self) -> Sending | None:
        """The next change to be sent at once: its intent is on disk, and its record was read not long ago."""
        while self.ready or self._record_intents():
            sending = self.ready.popleft()
            if not self.is_stale(sending):
                return sending
            self.put_back(sending)
        return None

    def ahead(self) -> int:
        """How many to hand to the workers: they have enough to do while the next intents are recorded."""
        return max(2 * self.options.concurrency, self._batch // _SHARE)

    def repeat(self, sending: Sending, reply: Reply) -> None:
        self.ready.append(replace(sending, failed=reply))

    def put_back(self, sending: Sending) -> None:
        """It was surely not sent. If an earlier attempt failed, that one may be stored: then a look must tell."""
        errand, change = sending.errand, sending.change
        errand.out -= 1
        self._batch = max(_FEW, self._batch // 2)
        if sending.failed is None:
            self.desk.books.not_sent(change)
            errand.pending.append(change)
        else:
            self.desk.look_again(errand, change, sending.failed, self.clock.now())
        self.desk.move_on(errand)

    def clear(self) -> None:
        while self.ready:
            self.put_back(self.ready.popleft())

    def _record_intents(self) -> bool:
        """Take changes of the open errands, oldest first, and put them on disk as in doubt; False: there are none."""
        room = self._room()
        taken = list(self._take(room))
        if not taken:
            return False
        settles = self.clock.now() + self._longest_on_the_way() + self.options.settle
        self.desk.books.intend([change for _, change in taken], settles)
        self._batch, self._recorded = room, self.clock.monotonic()
        for errand, change in taken:
            errand.out += 1
            self.ready.append(Sending(errand, change, self._recorded))
        return True

    def _room(self) -> int:
        """How many to record, by how long it took to send the last."""
        lasted = self.clock.monotonic() - self._recorded
        if lasted < _QUICK:
            return min(_MANY, 2 * self._batch)
        return max(_FEW, self._batch // 2) if lasted > _SLOW else self._batch

    def _take(self, room: int) -> Iterator[tuple[Errand, Change]]:
        for errand in list(self.desk.open):
            if errand.pending and self._was_read_long_ago(errand):
                self.desk.read_again(errand)
            while errand.pending and room:
                room -= 1
                yield errand, errand.pending.popleft()

    def _longest_on_the_way(self) -> timedelta:
        """From the record of an intent to the last moment at which its last request is given up."""
        rate = self.options.rate_limit or SLOWEST_FOUND
        turns = timedelta(seconds=self.options.concurrency / rate)
        return _WAIT + (turns + self.options.timeout) * (_MOST_REQUESTS if self.desk.apart else 1)

    def is_stale(self, sending: Sending) -> bool:
        """Whether its intent or its read is too old to send by."""
        waited = self.clock.monotonic() - sending.recorded
        return waited > _WAIT.total_seconds() or self._was_read_long_ago(sending.errand)

    def _was_read_long_ago(self, errand: Errand) -> bool:
        age = max(1.0, self.options.max_read_age.total_seconds())
        return errand.read_at is not None and self.clock.monotonic() - errand.read_at > age
