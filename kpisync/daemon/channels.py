"""One address that alerts go to: what it still has to be told, and when it is tried next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from kpisync.config.schema import AlertEvent
from kpisync.daemon.telling import Message
from kpisync.state.alerts import AlertKey, OpenAlert
from kpisync.watch.model import Topic, Trouble

_APART = 60.0  # seconds between two messages, more while there is much to tell: a storm is not a message a job
_LONGEST = 15 * 60.0


@dataclass
class Channel:
    """What is pending is never more than what is open: a dead address has nothing piling up behind it.

    Not for two threads at once, but for `trouble`.
    """

    name: str  # `the 2nd of alerts.urls (mailto)`
    url: str
    owed: set[str]  # subjects of which it was told a trouble, and no end yet
    pending: set[AlertKey] = field(default_factory=set)
    delivered: set[AlertKey] = field(default_factory=set)
    missed: int = 0  # what came and went while it could not be told
    failures: int = 0
    busy: bool = False
    not_before: float = -inf
    trouble: Trouble | None = None
    _gap: float = _APART

    def look(self, rows: Mapping[AlertKey, OpenAlert], recovered: Collection[str]) -> None:
        """Take over what is to be told now, and leave out what is over."""
        bad = {key for key in rows if key[1] != AlertEvent.RECOVERED}
        self.delivered &= bad
        wanted = {key for key in bad - self.delivered if rows[key].told is None or key in self.pending}
        wanted |= {(subject, AlertEvent.RECOVERED) for subject in recovered if subject in self.owed}
        if self.failures:
            self.missed += sum(key[1] != AlertEvent.RECOVERED for key in self.pending - wanted)
        self.pending = wanted

    def is_due(self, now: float) -> bool:
        return bool(self.pending or self.missed) and now >= self.not_before

    def arrived(self, message: Message, now: float) -> None:
        """It was told all of a message."""
        for subject, event in message.keys:
            if event == AlertEvent.RECOVERED:
                self.owed.discard(subject)
            else:
                self.owed.add(subject)
                self.delivered.add((subject, event))
        self.pending -= message.keys
        self.missed = self.failures = 0
        self.trouble = None
        calm = now - self.not_before > 2 * self._gap
        self._gap = _APART if calm else min(2 * self._gap, _LONGEST)
        self.not_before = now + self._gap

    def failed(self, why: str, now: float, at: datetime) -> None:
        self.failures += 1
        self.not_before = now + min(_APART * 2 ** min(self.failures - 1, 10), _LONGEST)
        since = self.trouble.since if self.trouble else at
        self.trouble = Trouble(Topic.ALERTS, f"{self.name}: {why}; it is tried again", since)
