"""How fast a destination is asked: at the rate that is configured, or at one that its answers have taught."""

from __future__ import annotations

from collections import deque
from threading import Lock

from kpisync.ports import Clock

_SHARE = 0.98  # of what the platform took
_SLOWEST = 1.0  # a second; a platform that takes less says so by Retry-After, or in the configuration
_HOLD, _LONGEST_HOLD = 20.0, 320.0  # seconds at one rate, twice as long each time, before more is tried
_GROWTH = 0.01  # a second, with each turn that somebody waited for: 1 % a second
_IDLE = 2.0  # seconds without a turn; what was taken before says nothing of the limit any more

SLOWEST_FOUND = _SLOWEST


class Turns:
    """Hands out turns at a steady rate; one per destination, shared by all its threads.

    Where no rate is configured, nobody waits before the platform answers 429 for the first time: a slow start would
    cost every small run its time, and what is too much is only ever as much as may be in flight. From then on the rate
    is a little less than what the platform took, is held, and then grows while somebody waits, until the next 429.
    """

    def __init__(self, rate: float | None, clock: Clock, start: float | None = None) -> None:
        """`start` is what `found` was at the end of an earlier process."""
        self._clock = clock
        self._lock = Lock()
        self._finds = rate is None
        self._rate = rate or start
        self._next = 0.0
        self._taken = 0
        self._last_second: deque[float] = deque()
        self._busy_until = 0.0
        self._full: tuple[float, int] | None = None  # when the platform last had enough, and what was taken by then
        self._grown = False
        self._hold, self._held_until = _HOLD, clock.monotonic() + _HOLD

    @property
    def found(self) -> float | None:
        """Requests a second that the platform seems to take; None: its answers have not shown a limit, or need not."""
        return self._rate if self._finds else None

    def take(self) -> float:
        """The time, monotonic, at which the caller may send one request."""
        with self._lock:
            now = turn = self._clock.monotonic()
            if self._rate:
                turn = max(self._next, now)
                self._next = turn + 1 / self._rate
            if self._finds:
                self._note(now, turn)
            return turn

    def _note(self, now: float, turn: float) -> None:
        self._taken += 1
        self._last_second.append(turn)
        while self._last_second[0] <= turn - 1:
            self._last_second.popleft()
        if now > self._busy_until:
            self._full = None
        self._busy_until = max(self._busy_until, turn + _IDLE)
        if self._rate and turn > now >= self._held_until:
            self._rate += _GROWTH
            self._grown = True

    def give_back(self) -> None:
        """The platform did not take a request, or it was not sent."""
        with self._lock:
            self._taken -= 1

    def slow_down(self, pause: float) -> None:
        """The platform has had enough (429), and is left alone for so long."""
        if not self._finds:
            return
        with self._lock:
            now = self._clock.monotonic()
            self._rate = max(_SLOWEST, _SHARE * self._took(now))
            self._full, self._grown = (now, self._taken), False
            self._busy_until = now + pause + _IDLE
            self._held_until = now + pause + self._hold
            self._hold = min(2 * self._hold, _LONGEST_HOLD)

    def _took(self, now: float) -> float:
        """Requests a second that the platform takes.

        One that was kept to, then exceeded little by little, is the limit. Else the average between two times at which
        the platform had enough, for it may save up for a burst; where there is only one such time, the last second.
        """
        if self._rate and self._grown:
            return self._rate
        took = float(len(self._last_second))
        if self._full and now > self._full[0]:
            took = (self._taken - self._full[1]) / (now - self._full[0])
        return min(took, self._rate or took)
