"""Errands: one window each on its way from read to confirmed, and the order in which they start."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from kpisync.model import Change, Intent, RecordKey, Reply, ValueChange, ValueKey, Values
from kpisync.ports import Destination, ReadBefore, Window
from kpisync.sync.diff import RecordWork, Wanted
from kpisync.sync.reconcile import must_be_read

_AT_ONCE = datetime.min.replace(tzinfo=UTC)


@dataclass(eq=False)
class Errand:
    """A window's records, then its changes, then what the platform answered."""

    window: Window
    records: dict[RecordKey, RecordWork]
    reads: bool = True
    not_before: datetime = _AT_ONCE  # an earlier attempt may still land until then
    last_chance: bool = False  # the second look at what stayed unknown: it is not put off again
    judged: bool = False  # it is known what is to be done
    found: dict[RecordKey, Values] = field(default_factory=dict)  # by its reads so far
    read: set[RecordKey] = field(default_factory=set)  # there or not
    read_at: float | None = None  # monotonic; when the first was
    pending: deque[Change] = field(default_factory=deque)  # to be written
    out: int = 0  # recorded as intents, and not answered yet
    answered: list[tuple[Change, Reply]] = field(default_factory=list)  # to be confirmed
    failed_reads: int = 0  # in a row
    looks: int = 0  # read-backs that did not show what was sent

    @property
    def finished(self) -> bool:
        return self.judged and not (self.pending or self.out or self.answered)

    def to_read(self, little: bool) -> Window:
        """What is not read yet; `little` of it is one team, so that the read is one request as a rule."""
        left = [key for key in self.records if key not in self.read]
        return replace(self.window, keys=frozenset(key for key in left if not little or key.team == left[0].team))

    def unread(self) -> None:
        self.found, self.read, self.read_at = {}, set(), None


@dataclass
class Queue:
    """The errands not yet started, soonest first."""

    destination: Destination
    read_before: ReadBefore
    complete: Callable[[RecordWork], bool]  # whether the source supplies every value of a record
    waits: bool = True  # a plan sends nothing, so it need not wait for what may still land
    errands: list[Errand] = field(default_factory=list)

    def add(self, records: Iterable[RecordWork], last_chance: bool = False) -> None:
        """Group records into errands; those that must wait for an earlier attempt go by themselves."""
        groups: dict[tuple[datetime, bool], list[RecordWork]] = defaultdict(list)
        for record in records:
            groups[(self.waits and record.settles) or _AT_ONCE, self._reads(record)].append(record)
        for (time, reads), group in groups.items():
            works = {work.key: work for work in group}
            for window in self.destination.windows(works.keys()):
                mine = {key: works[key] for key in sorted(window.keys, key=_order)}
                self.errands.append(Errand(window, mine, reads, time, last_chance))
        self._sort()

    def first(self, errand: Errand) -> None:
        """Put an errand back that is read in part, before the others."""
        self.errands.insert(0, errand)

    def again(self, errand: Errand) -> None:
        """Put an errand back that could not be read, behind the others that may start."""
        self.errands.append(errand)
        self._sort()

    def take(self, now: datetime) -> Errand | None:
        """The next errand whose time has come."""
        return self.errands.pop(0) if self.errands and self.errands[0].not_before <= now else None

    def due(self) -> datetime | None:
        return self.errands[0].not_before if self.errands else None

    def _sort(self) -> None:
        self.errands.sort(key=lambda errand: errand.not_before)

    def _reads(self, record: RecordWork) -> bool:
        if self.read_before is ReadBefore.ALWAYS or must_be_read(record):
            return True
        return self.read_before is ReadBefore.PARTIAL and not self.complete(record)


def left_of(work: RecordWork, change: Change) -> RecordWork:
    """The part of a record's work that a change which was not sent leaves to be done."""
    return replace(work, wanted=[_wanted(work, change, value) for value in change.values], beside={}, settles=None)


def left_in_doubt(work: RecordWork, change: Change, settles: datetime) -> RecordWork:
    """The part of a record's work that a change leaves open if nobody knows what became of it."""
    left = left_of(work, change)
    wanted = [
        replace(
            wanted,
            doubt=Intent(wanted.key, value.old, value.new, value.source),
            tried=change.action,
            expected=wanted.expected | {number for number in (value.old, value.new) if number is not None},
        )
        for wanted, value in zip(left.wanted, change.values, strict=True)
    ]
    return replace(left, wanted=wanted, settles=settles)


def _wanted(work: RecordWork, change: Change, value: ValueChange) -> Wanted:
    """What was wanted of a value; one that was restored with the others is wanted from now on."""
    key = ValueKey(change.key, value.value)
    for wanted in work.wanted:
        if wanted.key == key:
            return replace(wanted, doubt=None)
    return Wanted(key, value.new, value.source, frozenset(() if value.new is None else (value.new,)))


def _order(key: RecordKey) -> tuple[str, ...]:
    return (key.period.isoformat(), key.team or "", key.sub_tile or "")
