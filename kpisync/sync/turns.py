"""How fast a destination is asked: at the rate that is configured, or at one that its answers have taught."""

from __future__ import annotations

from collections import deque
from threading import Lock

from kpisync.ports import Clock

SLOWEST_FOUND = 1.0  # a second; a platform that takes less says so by Retry-After, or in the configuration
_CONFIGURED = 0.99  # of a configured rate: what is held up on its way arrives together with the requests after it
_FIRST = 0.95  # of what the platform took in the second before its first 429
_STEADY = 10.0  # seconds; a rate that was taken for so long was only a little too high
_LITTLE, _MUCH = 0.96, 0.9  # of a rate that was too high; the second, twice and four times, … if it still is
# Seconds at one rate before more is tried: where it was far too high, at first, and where it was nearly right. Under
# fixed windows each trial costs a second of Retry-After.
_SHORT_HOLD, _HOLD, _LONG_HOLD = 5.0, 20.0, 120.0
_GROWTH = 0.01  # with each turn that somebody waited for: 1 % a second
_IDLE = 2.0  # seconds without a turn; what was taken before says nothing of the limit any more


class Turns:
    """Hands out turns at a steady rate; one per destination, shared by all its threads.

    Where no rate is configured, nobody waits before the platform answers 429 for the first time: a slow start would
    cost every small run its time, and what is too much is only ever as much as may be in flight. From then on the rate
    is a little less than what the platform took, is held, and then grows while somebody waits, until the next 429.
    """

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._finds = rate is None
        self._rate = rate * _CONFIGURED if rate else None
        self._next = 0.0
        self._taken = 0  # by the platform
        self._last_second: deque[float] = deque()
        self._busy_since, self._busy_until = 0.0, 0.0
        self._full: tuple[float, int] | None = None  # when the platform last had enough, and what was taken by then
        self._held_until = clock.monotonic() + _HOLD
        self._steps = 1

    @property
    def found(self) -> float | None:
        """Requests a second that the platform seems to take; None if a rate is configured, or no limit was met."""
        return self._rate if self._finds else None

    def begin_at(self, found: float | None) -> None:
        """Go on with what was `found` by an earlier process, unless this one knows better."""
        if self._finds and self._rate is None:
            self._rate = found

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
        if now > self._busy_until:
            self._full, self._busy_since = None, now
        self._busy_until = max(self._busy_until, turn + _IDLE)
        self._taken += 1
        self._last_second.append(turn)
        while self._last_second[0] <= turn - 1:
            self._last_second.popleft()
        if self._rate and turn > now >= self._held_until:
            self._rate += _GROWTH

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
            rate, hold = self._lower(now)
            self._rate = max(SLOWEST_FOUND, rate)
            self._full = (now, self._taken)
            self._busy_since = now + pause
            self._busy_until = now + pause + _IDLE
            self._held_until = now + pause + hold

    def _lower(self, now: float) -> tuple[float, float]:
        """A rate that the platform may take, and how long to hold it.

        Where it saves up for a burst, the limit is the average between two times at which it had enough. Where it does
        not, that average is too low, for nothing was taken in the pause between: so it is approached in steps.
        """
        if self._rate is None:
            return _FIRST * len(self._last_second), _HOLD
        asked = min(self._rate, len(self._last_second) + 1)
        if now - self._busy_since >= _STEADY:
            self._steps = 1
            return _LITTLE * asked, _LONG_HOLD
        took = 0.0
        if self._full and now > self._full[0]:
            took = (self._taken - self._full[1]) / (now - self._full[0])
        step, self._steps = _MUCH**self._steps, 2 * self._steps
        return min(_LITTLE * asked, max(took, step * asked)), _SHORT_HOLD
