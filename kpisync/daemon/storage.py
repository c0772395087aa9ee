"""The daemon's hold on its state store: opened when it can be, tried with a small write, opened anew after a loss."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from kpisync.daemon.aside import Aside
from kpisync.errors import KpisyncError, LockedError, StateError
from kpisync.ports import Clock
from kpisync.state.beat import beat, instance
from kpisync.state.engine import locate
from kpisync.state.kept import KeptStore
from kpisync.state.open import open_store
from kpisync.state.store import Store
from kpisync.watch.model import Topic, Trouble

log = structlog.get_logger()

_WHILE_WELL, _WHILE_LOST = 15.0, 3.0  # seconds from one try to the next
_SILENT = 45.0  # seconds; a locked file is given up after 30, a server may never answer


@dataclass
class Storage:
    """`kept` is for every thread, `use` and `try_out` for the one that looks what is due.

    A file that was there and is gone is waited for: a store begun anew would know nothing of what was sent.
    """

    url: str
    clock: Clock
    aside: Aside  # the thread that looks
    _instance: str | None = None  # of the store, once it was open
    _lost: Trouble | None = None
    _next_try: float | None = None  # monotonic

    def __post_init__(self) -> None:
        self.kept = KeptStore(self._opened)

    @contextmanager
    def use(self) -> Iterator[Store]:
        """Raises StateError or LockedError; that is the trouble then, until a use succeeds."""
        try:
            with self.kept.use() as store:
                yield store
        except (StateError, LockedError) as error:
            self._lose(error)
            raise
        if lost := self._lost:
            self._lost = None
            log.info("the state store can be used again", since=lost.since.isoformat(timespec="seconds"))

    @property
    def is_to_be_tried(self) -> bool:
        return self._next_try is None or self.clock.monotonic() >= self._next_try

    def try_out(self) -> None:
        """Write a little. Raises as `use`."""
        with self.use() as store:
            beat(store, self.clock.now())
        self._next_try = self.clock.monotonic() + _WHILE_WELL

    def try_soon(self) -> None:
        """Somebody else found it wanting."""
        self._next_try = None

    def require(self) -> None:
        """Raises StateError where it is known that nothing can be recorded; asks nobody."""
        if trouble := self.trouble:
            raise StateError(trouble.said)

    @property
    def trouble(self) -> Trouble | None:
        silent = self.aside.busy_for
        if self._lost or silent < _SILENT:
            return self._lost
        said = f"{locate(self.url).shown}: the state store does not answer. Look at its disk, or its server"
        return Trouble(Topic.STATE, said, self.clock.now() - timedelta(seconds=silent), stops=True)

    def _opened(self) -> Store:
        location = locate(self.url)
        if self._instance is not None and location.file is not None and not location.file.exists():
            raise StateError(
                "the state store is gone",
                where=location.shown,
                hint="Mount its volume again, or bring back a copy with `kpisync state restore FILE`. To begin a new "
                "one, restart kpisync.",
            )
        store = open_store(self.url, self.clock)
        found = instance(store) or ""
        if self._instance not in (None, found):
            log.warning("the state store is another one than before", state=location.shown)
        elif self._instance is not None and self._lost is None:
            log.info("the state store is opened anew", state=location.shown)
        self._instance = found
        return store

    def _lose(self, error: KpisyncError) -> None:
        self.kept.renew()
        self._next_try = self.clock.monotonic() + _WHILE_LOST
        if self._lost is None or self._lost.said != str(error):
            log.error("the state store cannot be used", error=str(error))
        since = self._lost.since if self._lost else self.clock.now()
        self._lost = Trouble(Topic.STATE, str(error), since, stops=True)
