"""The requests that the stand-ins were asked, the last ones in full and all of them as counts."""

from __future__ import annotations

from collections import Counter, deque
from datetime import UTC, datetime
from typing import NamedTuple

_KEPT = 10_000
_BODY = 10_000


class Entry(NamedTuple):
    """One request. `path` includes the query; `status` is None where no answer was sent; no header is ever kept."""

    number: int  # from 1, in the order in which they were looked at
    at: datetime
    method: str
    path: str
    status: int | None
    note: str  # what was out of the ordinary
    body: str  # as it was sent, cut after 10,000 characters


class Journal:
    """The last 10,000 entries, and exact counts for all time. Not thread-safe: its owner locks."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=_KEPT)
        self.methods: Counter[str] = Counter()
        self.answers: Counter[tuple[str, int | None]] = Counter()
        self._number = 0

    def add(self, method: str, path: str, status: int | None, note: str, body: bytes) -> None:
        self._number += 1
        self.methods[method] += 1
        self.answers[method, status] += 1
        text = body[: 4 * _BODY].decode("utf-8", "replace")[:_BODY]
        self.entries.append(Entry(self._number, datetime.now(UTC), method, path, status, note, text))

    def last(self, count: int) -> list[Entry]:
        """The newest entries, newest first."""
        newest = reversed(self.entries)
        return [entry for entry, _ in zip(newest, range(count), strict=False)]
