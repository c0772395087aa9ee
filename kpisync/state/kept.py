"""A state store that stays open between uses, for a process that has many of them at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from kpisync.state.store import Store


class KeptStore:
    """Hands out one store, to several threads at once; it is opened when it is first wanted.

    One that was replaced, or that `renew` was said of, is opened anew for the next user, and closed after its last one.
    """

    def __init__(self, opened: Callable[[], Store]) -> None:
        self._open = opened
        self._lock = Lock()
        self._store: Store | None = None
        self._users: dict[Store, int] = {}

    @contextmanager
    def use(self) -> Iterator[Store]:
        """Raises StateError, as opening does."""
        store = self._take()
        try:
            yield store
        finally:
            self._give_back(store)

    def renew(self) -> None:
        """Whoever comes next gets a store that was opened anew."""
        with self._lock:
            store, self._store = self._store, None
            if store and store not in self._users:
                store.close()

    def _take(self) -> Store:
        if self._store and not self._store.is_in_place:
            self.renew()
        with self._lock:
            self._store = self._store or self._open()
            self._users[self._store] = self._users.get(self._store, 0) + 1
            return self._store

    def _give_back(self, store: Store) -> None:
        with self._lock:
            self._users[store] -= 1
            if not self._users[store]:
                del self._users[store]
                if store is not self._store:
                    store.close()
