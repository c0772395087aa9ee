"""What is dear to make and asked for often: made now and then, and shown a little longer while the next one is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from kpisync.ports import Clock

K = TypeVar("K")
T = TypeVar("T")
Spawn = Callable[[str, Callable[[], None]], None]  # do it in a thread of that name

_FRESH = 2.0  # seconds
_USABLE = 5.0  # seconds; who comes after a pause is to see a trouble that came in it


@dataclass(frozen=True)
class _Made(Generic[K, T]):
    at: float  # monotonic
    key: K
    value: T


@dataclass
class Refreshed(Generic[K, T]):
    """The last thing that was made; one at a time is made, and threads share it.

    One that is older than 2 s is made anew by who asks for it. With `spawn` a thread does that beside, and who asks
    gets the old one, unless that is older than 5 s.
    """

    clock: Clock
    spawn: Spawn | None = None
    _made: _Made[K, T] | None = None
    _making: Lock = field(default_factory=Lock)

    def get(self, key: K, make: Callable[[], T], *, now: bool = False) -> T:
        """With another key there is nothing to show yet; `now`: 2 s are old enough. Raises what making raises."""
        last = self._last(key, _USABLE)
        if last and (self._is_fresh(last) or (not now and self._is_made_beside(key, make))):
            return last.value
        with self._making:
            last = self._last(key, _FRESH)
            return last.value if last else self._make(key, make)

    def _last(self, key: K, seconds: float) -> _Made[K, T] | None:
        made = self._made
        return made if made and made.key == key and self.clock.monotonic() - made.at < seconds else None

    def _is_fresh(self, made: _Made[K, T]) -> bool:
        return self.clock.monotonic() - made.at < _FRESH

    def _is_made_beside(self, key: K, make: Callable[[], T]) -> bool:
        """Whether somebody makes the next one already, or does from now on."""
        if not self._making.acquire(blocking=False):
            return True
        begun = False
        try:
            if self.spawn:
                self.spawn("picture", lambda: self._make_and_release(key, make))
                begun = True
        finally:
            if not begun:
                self._making.release()
        return begun

    def _make_and_release(self, key: K, make: Callable[[], T]) -> None:
        try:
            self._make(key, make)
        finally:
            self._making.release()

    def _make(self, key: K, make: Callable[[], T]) -> T:
        value = make()
        self._made = _Made(self.clock.monotonic(), key, value)
        return value
