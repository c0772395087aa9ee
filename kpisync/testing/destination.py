"""A platform in memory, as unreliable as you like: the double behind the tests of delivery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from threading import RLock

from kpisync.errors import LoginError
from kpisync.model import Action, Change, RecordKey, Reply, ReplyKind, Values
from kpisync.ports import Unreadable, Window
from kpisync.testing.clock import FakeClock


class PartialSets(StrEnum):
    """What becomes of values that a write leaves out; the public documents of ValueStreamer contradict one another."""

    MERGE_KEEP = "merge-keep"
    MERGE_TARGET_ZERO = "merge-target-zero"
    MERGE_TARGET_HISTORICAL = "merge-target-historical"
    REPLACE_ALL = "replace-all"


class Fault(StrEnum):
    """What may befall a request. Of a read, all that are not REFUSE, FORBID, BUSY or NOT_SENT are unreadable."""

    REFUSE = "refuse"  # 422
    FORBID = "forbid"  # 403
    LOGIN = "login"  # 401: DestinationError
    BUSY = "busy"  # 503, not stored
    FAIL_BEFORE = "fail-before"  # 500, not stored
    FAIL_AFTER = "fail-after"  # 500, stored
    DROP_BEFORE = "drop-before"  # no answer, not stored
    DROP_AFTER = "drop-after"  # no answer, stored
    LATE = "late"  # no answer, stored later
    NOT_SENT = "not-sent"  # no connection
    IGNORE = "ignore"  # 200, not stored


REPLIES = {
    Fault.REFUSE: Reply(ReplyKind.REFUSED, 422, "no such value"),
    Fault.FORBID: Reply(ReplyKind.REFUSED, 403, "not yours"),
    Fault.BUSY: Reply(ReplyKind.BUSY, 503, "come back later"),
    Fault.FAIL_BEFORE: Reply(ReplyKind.FAILED, 500, "sorry"),
    Fault.FAIL_AFTER: Reply(ReplyKind.FAILED, 500, "sorry"),
    Fault.DROP_BEFORE: Reply(ReplyKind.UNKNOWN, None, "no answer"),
    Fault.DROP_AFTER: Reply(ReplyKind.UNKNOWN, None, "no answer"),
    Fault.LATE: Reply(ReplyKind.UNKNOWN, None, "no answer"),
    Fault.NOT_SENT: Reply(ReplyKind.NOT_SENT, None, "connection refused"),
    Fault.IGNORE: Reply(ReplyKind.ACCEPTED, 200),
}
STORED = frozenset({None, Fault.FAIL_AFTER, Fault.DROP_AFTER})
SILENT = frozenset({Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.LATE})

Script = Callable[[str, int], Fault | None]


def script(**faults: Mapping[int, Fault]) -> Script:
    """Faults by method and number: `script(PUT={1: Fault.BUSY})` befalls the first write alone; None of the rest."""
    return lambda method, number: faults.get(method, {}).get(number)


@dataclass
class MemoryBoard:
    """Implements `ports.Destination`; may be shared by threads, and outlives the runs that use it.

    `script` is asked before each request, with its method (GET, PUT, DELETE) and its number among them, from 1. It may
    also edit the records, as another hand does between our read and our write, or raise, as a process dies.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    partial: PartialSets = PartialSets.MERGE_KEEP
    targets: frozenset[str] = frozenset()  # the value ids that the platform may reset
    script: Script = lambda method, number: None
    takes: float = 0.0  # seconds that a request takes
    timeout: float = 30.0  # and one without an answer
    late: float = 100.0  # seconds from then until it is stored after all
    window: int = 31  # days read together
    shows: bool = False  # whether a reply shows the record
    records: dict[RecordKey, dict[str, Decimal]] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    sent: list[tuple[RecordKey, dict[str, Decimal]]] = field(default_factory=list)  # the whole set of each write
    at_once: int = 0
    most_at_once: int = 0
    lock: RLock = field(default_factory=RLock)

    # ------------------------------------------------------------ another hand

    def edit(self, key: RecordKey, value: str, number: Decimal | None) -> None:
        """As a person does: set one value, or clear it."""
        with self.lock:
            record = self.records.setdefault(key, {})
            if number is None:
                record.pop(value, None)
            else:
                record[value] = number
            if not record:
                del self.records[key]

    def holds(self, key: RecordKey, value: str) -> Decimal | None:
        with self.lock:
            return self.records.get(key, {}).get(value)

    # ------------------------------------------------------------ the port

    def windows(self, keys: Collection[RecordKey]) -> list[Window]:
        chunks: list[list[RecordKey]] = []
        for key in sorted(keys, key=lambda key: (key.kpi, key.period)):
            first = chunks[-1][0] if chunks else None
            if first is None or first.kpi != key.kpi or (key.period - first.period).days >= self.window:
                chunks.append([])
            chunks[-1].append(key)
        return [Window(keys[0].kpi, keys[0].period, keys[-1].period, frozenset(keys)) for keys in chunks]

    def read(self, window: Window) -> Mapping[RecordKey, Values]:
        fault = self._begin("GET")
        try:
            self.clock.sleep(self.takes)
            if fault is not None:
                raise Unreadable(REPLIES[fault])
            with self.lock:
                return {key: dict(self.records[key]) for key in window.keys if key in self.records}
        finally:
            self._end()

    def write(self, change: Change) -> Reply:
        fault = self._begin("DELETE" if change.action is Action.WITHDRAW else "PUT")
        try:
            with self.lock:
                self.sent.append((change.key, {**(change.before or {}), **change.new}))
                if fault in STORED:
                    self._store(change)
            if fault is Fault.LATE:
                self.clock.at(self.timeout + self.late, lambda: self._store(change))
            self.clock.sleep(self.timeout if fault in SILENT else self.takes)
            return self._accepted(change) if fault is None else REPLIES[fault]
        finally:
            self._end()

    def close(self) -> None:
        """Nothing is held open; what the platform holds stays."""

    # ------------------------------------------------------------ inside

    def _begin(self, method: str) -> Fault | None:
        with self.lock:
            self.requests[method] += 1
            fault = self.script(method, self.requests[method])
            if fault is Fault.LOGIN:
                raise LoginError("the platform refuses the login (status 401)")
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            return fault

    def _end(self) -> None:
        with self.lock:
            self.at_once -= 1

    def _accepted(self, change: Change) -> Reply:
        return Reply(ReplyKind.ACCEPTED, 200, values=dict(self.records.get(change.key, {})) if self.shows else None)

    def _store(self, change: Change) -> None:
        with self.lock:
            if change.action is Action.WITHDRAW:
                self.records.pop(change.key, None)
            else:
                self.records[change.key] = self._after(change.key, {**(change.before or {}), **change.new})

    def _after(self, key: RecordKey, sent: dict[str, Decimal]) -> dict[str, Decimal]:
        if self.partial is PartialSets.REPLACE_ALL:
            return sent
        merged = {**self.records.get(key, {}), **sent}
        if self.partial is not PartialSets.MERGE_KEEP:
            for target in self.targets - sent.keys():
                merged[target] = self._reset(key, target)
        return merged

    def _reset(self, key: RecordKey, target: str) -> Decimal:
        """0, or the value of the latest earlier period, by the platform's way."""
        if self.partial is PartialSets.MERGE_TARGET_ZERO:
            return Decimal(0)
        earlier = [
            other
            for other, values in self.records.items()
            if other[:4] == key[:4] and other.period < key.period and target in values
        ]
        return self.records[max(earlier, key=lambda other: other.period)][target] if earlier else Decimal(0)
