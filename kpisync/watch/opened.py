"""The state store of the pages: open for reading between requests, shared by threads, opened anew where it must be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from kpisync.errors import StateError
from kpisync.ports import Clock
from kpisync.state.engine import explained, locate
from kpisync.state.kept import KeptStore
from kpisync.state.open import open_readonly
from kpisync.state.store import Store

_SERVER_SECONDS = 60.0  # a store on a server does not show that it was made or replaced

Identity = tuple[str, int, int] | tuple[str, int]


@dataclass
class Opened:
    """Over the URL that the configuration names now. What is not there is an empty store, until it is."""

    url: Callable[[], str]
    clock: Clock
    _lock: Lock = field(default_factory=Lock)
    _identity: Identity | None = None

    def __post_init__(self) -> None:
        self._kept = KeptStore(lambda: open_readonly(self.url()))

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """A store to read from; the same object as long as it is the same store. Raises StateError."""
        self._mind_another()
        with self._kept.use() as store:
            try:
                yield store
            except StateError:
                self._kept.renew()
                raise

    def is_there(self) -> bool:
        """Whether there is a store, or it lies where only asking it would tell. Raises StateError."""
        return self._identify(self.url())[1] != 0

    def close(self) -> None:
        self._kept.renew()

    def _mind_another(self) -> None:
        identity = self._identify(self.url())
        with self._lock:
            if identity != self._identity:
                self._identity = identity
                self._kept.renew()

    def _identify(self, url: str) -> Identity:
        """What changes when another store stands there."""
        location = locate(url)
        if location.is_server:
            return url, 1 + int(self.clock.monotonic() // _SERVER_SECONDS)
        if location.file is None:
            return url, 0
        with explained(location.shown):
            try:
                found = location.file.stat()
            except FileNotFoundError:
                return url, 0
        return url, found.st_dev, found.st_ino
