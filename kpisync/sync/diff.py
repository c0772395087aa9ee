"""What the source states against what the state store knows: only what differs becomes an object."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from kpisync.model import Action, Catalog, Doubt, Intent, Known, KpiValue, RecordKey, Rejection, Scope, ValueKey
from kpisync.ports import State


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value to be looked at: `number` shall stand at the platform (None: withdraw it).

    `expected` are the numbers that we know to have put there or found there; anything else is another hand's.
    `remote` is the platform's id of the one that we know to have put there. With `ask_only` nothing is to be sent:
    the source no longer states it, but an attempt is in doubt.
    """

    key: ValueKey
    number: Decimal | None
    source: str
    expected: frozenset[Decimal]
    doubt: Intent | None = None  # an attempt whose outcome is unknown
    tried: Action | None = None  # this run's own attempt, that it may turn out to have done
    ask_only: bool = False
    remote: str | None = None


@dataclass(slots=True)
class RecordWork:
    """The wanted values of one record, and all that is known of the rest of it."""

    key: RecordKey
    wanted: list[Wanted] = field(default_factory=list)
    beside: dict[str, KpiValue] = field(default_factory=dict)  # stated too, and known to stand there
    known: dict[str, Decimal] = field(default_factory=dict)
    settles: datetime | None = None  # nothing is read or sent before: an earlier attempt may still land


@dataclass(slots=True)
class Diff:
    """What a run has to look at, and the numbers that the guard judges by.

    `undone` values are held back by an undo; of those that were, and are `restated`, the source states something else.
    """

    records: list[RecordWork] = field(default_factory=list)
    unchanged: int = 0
    undone: int = 0
    restated: list[ValueKey] = field(default_factory=list)
    known: int = 0  # known values that the run covers
    updates: int = 0  # of them, with another number now
    withdrawals: int = 0
    jumps: list[tuple[KpiValue, Decimal]] = field(default_factory=list)  # updated values with their known number
    rejections: list[Rejection] = field(default_factory=list)


@dataclass(frozen=True)
class Owner:
    """Who asks: a job, and the jobs beside it whose values it must not touch.

    `over_by` is when every attempt of earlier runs of this job is surely over: no two of them run at once. Other
    jobs may be running, so their attempts are over only when their intents say so.
    """

    job: str
    over_by: datetime
    others: frozenset[str] = frozenset()
    withdraw_in: Scope | None = None  # the scope whose absent values are withdrawn; None: they are kept
    may_withdraw: Callable[[RecordKey], bool] = lambda key: True  # whether the source should have stated it

    def yields_to(self, job: str) -> bool:
        return job != self.job and job in self.others


def diff(values: Sequence[KpiValue], state: State, destination: str, owner: Owner) -> Diff:
    """Compare what the source states with what is known and in doubt."""
    doubts = {doubt.intent.key: doubt for doubt in state.in_doubt(destination)}
    first, last = _span(values, doubts, owner.withdraw_in)
    known = state.known(destination, first, last) if first <= last else {}
    comparison = _Comparison(owner, known, doubts, state.undone(destination))
    for value in values:
        comparison.compare(value)
    if doubts or owner.withdraw_in:
        comparison.add_unstated({value.key for value in values})
    comparison.complete(values)
    comparison.found.records = list(comparison.works.values())
    return comparison.found


def supplies_all(work: RecordWork, catalog: Catalog) -> bool:
    """Whether the source states every value kind of the record's KPI, so that nothing needs preserving."""
    kpi = catalog.kpi(work.key.kpi)
    stated = {wanted.key.value for wanted in work.wanted if wanted.number is not None} | work.beside.keys()
    return kpi is not None and bool(kpi.values) and set(kpi.values.values()) <= stated


def _span(values: Sequence[KpiValue], doubts: Iterable[ValueKey], scope: Scope | None) -> tuple[date, date]:
    periods = {value.key.record.period for value in values} | {key.record.period for key in doubts}
    if scope is not None:
        periods |= {scope.first or date.min, scope.last or date.max}
    return min(periods, default=date.max), max(periods, default=date.min)


@dataclass
class _Comparison:
    owner: Owner
    known: Mapping[ValueKey, Known]
    doubts: Mapping[ValueKey, Doubt]
    undone: Mapping[ValueKey, Decimal | None] = field(default_factory=dict)
    found: Diff = field(default_factory=Diff)
    works: dict[RecordKey, RecordWork] = field(default_factory=dict)
    held_back: set[ValueKey] = field(default_factory=set)

    def compare(self, value: KpiValue) -> None:
        known, doubt = self._of(value.key)
        if rival := self._rival(known, doubt):
            reason = f"job {rival} already sends this value; one value has one job"
            self.found.rejections.append(Rejection(value.source, "other-job", reason, value.key, value.number))
            return
        if known:
            self.found.known += 1
        if self.undone and self._holds_back(value.key, value.number):
            self.found.unchanged += 1
            self._pass_over(value.key)
            return
        if known:
            if known.number == value.number and not doubt:
                self.found.unchanged += 1
                return
            if known.number != value.number and not (doubt and doubt.intent.new == value.number):
                self.found.updates += 1
                self.found.jumps.append((value, known.number))
        self._want(value.key, value.number, value.source)

    def _holds_back(self, key: ValueKey, number: Decimal | None) -> bool:
        """Whether an undo took just this back; if it was something else, that is over."""
        if key not in self.undone:
            return False
        if self.undone[key] != number:
            self.found.restated.append(key)
            return False
        return True

    def _pass_over(self, key: ValueKey) -> None:
        """Send nothing of it; but if an attempt is in doubt, ask what became of that."""
        self.found.undone += 1
        self.held_back.add(key)
        if key in self.doubts:
            intent = self.doubts[key].intent
            self._want(key, intent.new, intent.source, ask_only=True)

    def _of(self, key: ValueKey) -> tuple[Known | None, Doubt | None]:
        return self.known.get(key), self.doubts.get(key)

    def _rival(self, known: Known | None, doubt: Doubt | None) -> str | None:
        jobs = (found.job for found in (known, doubt) if found)
        return next((job for job in jobs if self.owner.yields_to(job)), None)

    def add_unstated(self, stated: Collection[ValueKey]) -> None:
        """Withdraw what the source no longer has, and ask what became of attempts that it states no more."""
        mine = {key: doubt.intent.source for key, doubt in self.doubts.items() if doubt.job == self.owner.job}
        if self.owner.withdraw_in is not None:
            mine |= {key: "" for key, known in self.known.items() if known.job == self.owner.job and key not in mine}
        for key, source in mine.items():
            if key in stated:
                continue
            if self._withdraws(key) and self._holds_back(key, None):
                self._pass_over(key)
            elif self._withdraws(key):
                self.found.known += key in self.known
                self.found.withdrawals += key in self.known
                self._want(key, None, "no longer in the source")
            elif key in self.doubts:
                self._want(key, self.doubts[key].intent.new, source, ask_only=True)

    def _withdraws(self, key: ValueKey) -> bool:
        scope = self.owner.withdraw_in
        return scope is not None and key.record.period in scope and self.owner.may_withdraw(key.record)

    def _want(self, key: ValueKey, number: Decimal | None, source: str, ask_only: bool = False) -> None:
        known, doubt = self._of(key)
        intent = doubt.intent if doubt else None
        candidates = (known.number if known else None, intent.old if intent else None, intent.new if intent else None)
        expected = frozenset(candidate for candidate in candidates if candidate is not None)
        work = self.works.setdefault(key.record, RecordWork(key.record))
        remote = known.remote if known else None
        work.wanted.append(Wanted(key, number, source, expected, intent, ask_only=ask_only, remote=remote))

    def complete(self, values: Sequence[KpiValue]) -> None:
        """Lay beside the wanted values of a record what else is stated and known of it."""
        if not self.works:
            return
        wanted = {wanted.key for work in self.works.values() for wanted in work.wanted} | self.held_back
        for value in values:
            work = self.works.get(value.key.record)
            if work and value.key not in wanted and not self._rival(*self._of(value.key)):
                work.beside[value.key.value] = value
        for key, what in self.known.items():
            if work := self.works.get(key.record):
                work.known[key.value] = what.number
        wait_for(self.doubts.values(), self.works, self.owner.job, self.owner.over_by)


def wait_for(doubts: Iterable[Doubt], works: Mapping[RecordKey, RecordWork], job: str, over_by: datetime) -> None:
    """Nothing of a record is read or sent before every attempt at it is over; see `Owner` for `over_by`."""
    for doubt in doubts:
        if work := works.get(doubt.intent.key.record):
            settles = min(doubt.settles, over_by) if doubt.job == job else doubt.settles
            work.settles = max(work.settles, settles) if work.settles else settles
