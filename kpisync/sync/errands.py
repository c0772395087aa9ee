"""Errands: one window each on its way from read to confirmed, and the order in which they start."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kpisync.model import Change, RecordKey, Reply
from kpisync.ports import Destination, ReadBefore, Window
from kpisync.sync.diff import RecordWork


@dataclass(eq=False)
class Errand:
    """A window's records, then its changes, then what the platform answered."""

    window: Window
    records: dict[RecordKey, RecordWork]
    reads: bool = True
    not_before: datetime | None = None  # an earlier attempt may still land until then
    last_chance: bool = False  # the second look at what stayed unknown: it is not put off again
    read_at: float | None = None  # monotonic
    pending: deque[Change] = field(default_factory=deque)  # to be written
    out: int = 0  # on their way
    answered: list[tuple[Change, Reply]] = field(default_factory=list)  # to be confirmed
    tries: Counter[RecordKey | None] = field(default_factory=Counter)  # failures by record; None: of reads


@dataclass
class Queue:
    """The errands not yet started, soonest last."""

    destination: Destination
    read_before: ReadBefore
    complete: Callable[[RecordWork], bool]  # whether the source supplies every value of a record
    start: datetime
    settle: timedelta
    waits: bool = True  # a plan sends nothing, so it need not wait for what may still land
    errands: list[Errand] = field(default_factory=list)

    def add(self, records: Iterable[RecordWork], last_chance: bool = False) -> None:
        """Group records into errands; those that must wait for an earlier attempt go by themselves.

        An attempt of an earlier process ended before this one started, so it is over `settle` after that at the latest.
        """
        groups: dict[tuple[datetime | None, bool], list[RecordWork]] = defaultdict(list)
        records = list(records)
        latest = max((r.settles for r in records if r.settles), default=None)
        for record in records:
            wait = self.waits and record.settles is not None
            time = (latest if last_chance else min(record.settles, self.start + self.settle)) if wait else None
            groups[time, self._reads(record)].append(record)
        for (time, reads), group in groups.items():
            works = {work.key: work for work in group}
            for window in self.destination.windows(works.keys()):
                mine = {key: works[key] for key in sorted(window.keys, key=_order)}
                self.errands.append(Errand(window, mine, reads, time, last_chance))
        self.errands.sort(key=lambda errand: errand.not_before or self.start, reverse=True)

    def again(self, errand: Errand) -> None:
        """Put an errand back that could not be read, behind the others that may start."""
        self.errands.insert(sum(other.not_before is not None for other in self.errands), errand)

    def take(self, now: datetime) -> Errand | None:
        """The next errand whose time has come."""
        due = self.due()
        return self.errands.pop() if self.errands and (due is None or due <= now) else None

    def due(self) -> datetime | None:
        return self.errands[-1].not_before if self.errands else None

    def _reads(self, record: RecordWork) -> bool:
        if self.read_before is ReadBefore.PARTIAL:
            return not self.complete(record)
        return self.read_before is ReadBefore.ALWAYS


def _order(key: RecordKey) -> tuple[str, ...]:
    return (key.period.isoformat(), key.team or "", key.sub_tile or "")
