"""How fast a destination may be asked: a rate without bursts, pauses on request, and giving up in an outage."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock

from kpisync.errors import DestinationError
from kpisync.model import Reply, ReplyKind
from kpisync.ports import Clock

_TROUBLES = 3  # in a row without a good answer between: there is no use in going on
_SPARE, _SPARE_EARNED = 10.0, 0.1  # repetitions at the start, and earned by each accepted write
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0  # seconds


class Turns:
    """Hands out turns at a steady rate; one per destination, shared by all its threads."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._clock = clock
        self._next = 0.0
        self._lock = Lock()

    def wait(self) -> None:
        """Return when the caller may send one request."""
        if not self._gap:
            return
        with self._lock:
            now = self._clock.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._gap
        if turn > now:
            self._clock.sleep(turn - now)


@dataclass
class Weather:
    """What the answers of one run say about its destination.

    Reads and writes are counted apart: a platform whose reads go well may take no writes.
    """

    clock: Clock
    destination: str
    dice: random.Random = field(default_factory=random.Random)
    paused_until: float = 0.0  # monotonic
    proven: bool = False  # something was answered as it should be
    wrote: bool = False  # a write was accepted
    troubles: Counter[bool] = field(default_factory=Counter)  # in a row, of reads (False) and writes (True)
    forbidden: int = 0  # writes, while none was accepted yet
    spare: float = _SPARE  # repetitions of failed writes that may still be made

    def good(self, wrote: bool) -> None:
        self.proven, self.troubles[wrote] = True, 0
        self.wrote = self.wrote or wrote
        self.spare = min(_SPARE, self.spare + wrote * _SPARE_EARNED)

    def bad(self, reply: Reply, wrote: bool) -> None:
        """Take note of an answer that is none; raises DestinationError when it is time to stop.

        A destination that is not reached, busy or silent is left alone a little longer each time (with jitter), or
        as long as it asks. Answers that befall one record alone do not count, but for failures while nothing was
        answered well yet, and a second 403 to a write while none was accepted yet: then it is the account.
        """
        self._forbidden(reply, wrote)
        if reply.kind is ReplyKind.REFUSED or (reply.kind is ReplyKind.FAILED and self.proven):
            return
        if self.clock.monotonic() < self.paused_until:  # one of several that were in flight together
            self.pause(reply.retry_after or 0.0)
            return
        self.troubles[wrote] += 1
        if self.troubles[wrote] >= _TROUBLES:
            raise DestinationError(
                reply.words or f"the platform is not available (status {reply.status})",
                where=f"destination {self.destination}",
                hint="What was not sent stays to be sent; run again when it is reachable",
            )
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** self.troubles[wrote])
        self.pause(self.dice.uniform(longest / 2, longest) if reply.retry_after is None else reply.retry_after)

    def _forbidden(self, reply: Reply, wrote: bool) -> None:
        if reply.status != 403 or (self.wrote if wrote else self.proven):
            return
        self.forbidden += 1
        if self.forbidden > 1 or not wrote:
            raise DestinationError(
                f"the platform forbids it (status 403): {reply.words}",
                where=f"destination {self.destination}",
                hint="Check what the account may do",
            )

    def pause(self, seconds: float) -> None:
        self.paused_until = max(self.paused_until, self.clock.monotonic() + seconds)

    def may_repeat(self) -> bool:
        """Whether a failed write may be repeated now: an outage must not multiply the requests."""
        if self.spare < 1:
            return False
        self.spare -= 1
        return True
