"""The gate to one destination, shared by all jobs of a process: turns, places, pauses, and when it is shut."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition

from kpisync.errors import DestinationError, Exit, Interrupted
from kpisync.model import Reply, ReplyKind
from kpisync.ports import Clock
from kpisync.sync.turns import Turns

_TROUBLES = 3  # in a row without a good answer between: there is no use in going on
_SPARE, _SPARE_EARNED = 10.0, 0.1  # repetitions at the start, and earned by each accepted write
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds
_SHUT = 60.0  # seconds; then one request finds out whether the platform is back
_NAP = 1.0  # seconds; how long a wait goes on before it is asked whether to stop


class NotNow(DestinationError):
    """Raised in place of a turn: the destination is to be left alone, and nothing was sent."""


def backoff(attempt: int, dice: random.Random) -> float:
    """Seconds before the next attempt: anything up to a bound that doubles, so that no two clients keep step."""
    return dice.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (attempt - 1)))


def _never() -> None:
    """Nobody asks for the end."""


@dataclass(frozen=True, slots=True)
class GateState:
    """What passes a gate now, for people to look at. Seconds are from now on; `why` only while it is shut."""

    in_flight: int
    in_trouble: bool  # one request at a time finds out whether the platform answers again
    paused: float  # seconds for which it is left alone
    shut: float | None  # seconds for which nothing passes, inf: until the configuration is read again; None: it is open
    why: str | None
    rate: float | None  # requests a second, as its answers have taught

    @property
    def word(self) -> str:
        """open, paused, trouble or shut."""
        if self.shut is not None:
            return "shut"
        return "trouble" if self.in_trouble else "paused" if self.paused else "open"


class Gate:
    """May be used from several threads.

    While a destination is in trouble, one request at a time finds out whether it still is. After three troubles in a
    row it is shut for a minute; after a refused login, for the life of this object.
    """

    def __init__(
        self,
        clock: Clock,
        turns: Turns | None = None,
        places: int = 16,
        dice: random.Random | None = None,
    ) -> None:
        self.turns = turns or Turns(None, clock)
        self.dice = dice or random.Random()  # noqa: S311 - jitter
        self.paused_until = 0.0  # monotonic
        self.in_trouble = False  # since the last good answer
        self.troubles: Counter[bool] = Counter()  # in a row, of reads (False) and writes (True)
        self.clock, self._places = clock, places
        self._spare = _SPARE  # repetitions of failed writes that may still be made
        self._troubled_at = -math.inf
        self._shut: tuple[float, DestinationError] | None = None  # until when, and why
        self._in_flight = 0
        self._changed = Condition()

    # ------------------------------------------------------------ passing

    @contextmanager
    def place(self) -> Iterator[float]:
        """A place among the requests in flight, as soon as there is one; yields the time, monotonic."""
        with self._changed:
            while self._in_flight >= (1 if self.in_trouble else self._places):
                self._changed.wait()
            self._in_flight += 1
        try:
            yield self.clock.monotonic()
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def wait_turn(self, stopped: Callable[[], Exit | None] = _never) -> None:
        """Return when the caller may send one request. Raises NotNow, or Interrupted once `stopped` says so."""
        turn = self.turns.take()
        while True:
            now = self.clock.monotonic()
            if (code := stopped()) is not None:
                raise Interrupted(code)
            if now < self.paused_until:
                self.turns.give_back()
                raise NotNow("the platform is left alone for now, as it asked, or because it did not answer")
            if now >= turn:
                return
            self.clock.sleep(min(turn - now, _NAP))

    def enter(self) -> None:
        """Raises DestinationError while the gate is shut."""
        if self._shut and self.clock.monotonic() < self._shut[0]:
            why = self._shut[1]
            raise type(why)(why.what, where=why.where, hint=why.hint)

    @property
    def state(self) -> GateState:
        with self._changed:
            now = self.clock.monotonic()
            shut, why = self._shut if self._shut and now < self._shut[0] else (None, None)
            return GateState(
                self._in_flight,
                self.in_trouble,
                max(0.0, self.paused_until - now),
                None if shut is None else shut - now,
                None if why is None else why.what,
                self.turns.found,
            )

    @property
    def is_shut_for_good(self) -> bool:
        return self._shut is not None and self._shut[0] == math.inf

    # ------------------------------------------------------------ answers

    def good(self, wrote: bool) -> None:
        with self._changed:
            self.in_trouble, self.troubles[wrote] = False, 0
            self._spare = min(_SPARE, self._spare + wrote * _SPARE_EARNED)
            self._changed.notify_all()

    def bad(self, reply: Reply, wrote: bool, begun: float) -> bool:
        """Take note of an answer that is none, of a request of that time; whether it is one trouble too many.

        The destination is left alone for as long as it asks, or a little longer each time. Requests that were in
        flight together are one trouble, and so is what was not sent for it.
        """
        with self._changed:
            now = self.clock.monotonic()
            if reply.status == 429:
                self.turns.give_back()
            kept_back = reply.kind is ReplyKind.NOT_SENT and now < self.paused_until
            if begun <= self._troubled_at or kept_back:
                self.pause(reply.retry_after or 0.0)
                return False
            self.in_trouble, self._troubled_at = True, now
            self.troubles[wrote] += 1
            pause = max(reply.retry_after or 0.0, backoff(self.troubles[wrote], self.dice))
            if reply.status == 429:
                self.turns.slow_down(pause)
            self.pause(pause)
            return self.troubles[wrote] >= _TROUBLES

    def shut(self, why: DestinationError, *, for_good: bool = False) -> None:
        """Let nothing pass: for a minute, or as long as this object lives."""
        with self._changed:
            seconds = math.inf if for_good else _SHUT
            self._shut = (self.clock.monotonic() + seconds, why)
            self.pause(seconds)

    def pause(self, seconds: float) -> None:
        self.paused_until = max(self.paused_until, self.clock.monotonic() + seconds)

    def may_repeat(self) -> bool:
        """Whether a failed write may be repeated now: an outage must not multiply the requests."""
        with self._changed:
            if self._spare < 1:
                return False
            self._spare -= 1
            return True
