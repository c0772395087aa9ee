"""What the source states against what the state store knows: only what differs becomes an object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from kpisync.model import Catalog, Doubt, Known, KpiValue, RecordKey, Rejection, Scope, ValueKey
from kpisync.ports import State


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value to be looked at: `number` shall stand at the platform (None: withdraw it).

    `expected` are the numbers that we know to have put there or found there; anything else is another hand's.
    """

    key: ValueKey
    number: Decimal | None
    source: str
    expected: frozenset[Decimal]
    in_doubt: bool = False


@dataclass(slots=True)
class RecordWork:
    """The wanted values of one record, and all that is known of the rest of it."""

    key: RecordKey
    wanted: list[Wanted] = field(default_factory=list)
    known: dict[str, Decimal] = field(default_factory=dict)
    supplied: set[str] = field(default_factory=set)
    settles: datetime | None = None  # nothing is sent before: an earlier attempt may still land


@dataclass(slots=True)
class Diff:
    """What a run has to look at, and the numbers that the guard judges by."""

    records: list[RecordWork] = field(default_factory=list)
    unchanged: int = 0
    known: int = 0  # known values that the run covers
    updates: int = 0  # of them, with another number now
    withdrawals: int = 0
    jumps: list[tuple[KpiValue, Decimal]] = field(default_factory=list)  # updated values with their known number
    rejections: list[Rejection] = field(default_factory=list)


@dataclass(frozen=True)
class Owner:
    """Who asks: a job, and the jobs beside it whose values it must not touch.

    `withdraw_in` is the scope whose absent values are withdrawn (None: they are kept), `may_withdraw` whether a
    period in it is one that the source should have stated.
    """

    job: str
    others: frozenset[str] = frozenset()
    withdraw_in: Scope | None = None
    may_withdraw: Callable[[RecordKey], bool] = lambda key: True


def diff(values: Sequence[KpiValue], state: State, destination: str, owner: Owner, withdraw_in: Scope | None) -> Diff:
    """Compare; `withdraw_in` is the scope in which absent values are withdrawn, None if they are kept."""
    doubts = {doubt.intent.key: doubt for doubt in state.in_doubt(destination)}
    first, last = _span(values, doubts, withdraw_in)
    known = state.known(destination, first, last) if first <= last else {}
    found = Diff()
    works: dict[RecordKey, RecordWork] = {}
    for value in values:
        _compare(value, known.get(value.key), doubts.get(value.key), owner, found, works)
    stated = {value.key for value in values}
    _add_open_doubts(doubts, stated, owner, works)
    _add_withdrawals(known, stated, owner, found, works)
    _complete(works, values, known, doubts)
    found.records = list(works.values())
    return found


def _span(values: Sequence[KpiValue], doubts: Iterable[ValueKey], scope: Scope | None) -> tuple[date, date]:
    if scope is not None:
        return scope.first or date.min, scope.last or date.max
    periods = {value.key.record.period for value in values} | {key.record.period for key in doubts}
    return min(periods, default=date.max), max(periods, default=date.min)


def _compare(
    value: KpiValue,
    known: Known | None,
    doubt: Doubt | None,
    owner: Owner,
    found: Diff,
    works: dict[RecordKey, RecordWork],
) -> None:
    if known and known.job != owner.job and known.job in owner.others:
        reason = f"job {known.job} already sends this value; one value has one job"
        found.rejections.append(Rejection(value.source, "other-job", reason))
        return
    if known:
        found.known += 1
        if known.number == value.number and not doubt:
            found.unchanged += 1
            return
        if known.number != value.number:
            found.updates += 1
            found.jumps.append((value, known.number))
    wanted = Wanted(value.key, value.number, value.source, _expected(known, doubt), doubt is not None)
    _work(works, value.key.record).wanted.append(wanted)


def _expected(known: Known | None, doubt: Doubt | None) -> frozenset[Decimal]:
    numbers = {known.number} if known else set()
    if doubt:
        numbers |= {number for number in (doubt.intent.old, doubt.intent.new) if number is not None}
    return frozenset(numbers)


def _work(works: dict[RecordKey, RecordWork], key: RecordKey) -> RecordWork:
    return works.setdefault(key, RecordWork(key))


def _add_open_doubts(
    doubts: Mapping[ValueKey, Doubt], stated: set[ValueKey], owner: Owner, works: dict[RecordKey, RecordWork]
) -> None:
    """An attempt of this job that nobody knows the end of is looked at, whatever the source says today."""
    for key, doubt in doubts.items():
        if doubt.job == owner.job and key not in stated:
            intent = doubt.intent
            wanted = Wanted(key, intent.new, intent.source, _expected(None, doubt), in_doubt=True)
            _work(works, key.record).wanted.append(wanted)


def _add_withdrawals(
    known: Mapping[ValueKey, Known],
    stated: set[ValueKey],
    owner: Owner,
    found: Diff,
    works: dict[RecordKey, RecordWork],
) -> None:
    if owner.withdraw_in is None:
        return
    for key, value in known.items():
        if value.job == owner.job and key not in stated and owner.may_withdraw(key.record):
            found.known += 1
            found.withdrawals += 1
            gone = Wanted(key, None, "no longer in the source", frozenset({value.number}))
            _work(works, key.record).wanted.append(gone)


def _complete(
    works: dict[RecordKey, RecordWork],
    values: Sequence[KpiValue],
    known: Mapping[ValueKey, Known],
    doubts: Mapping[ValueKey, Doubt],
) -> None:
    """Lay beside the wanted values of a record what else is known of it."""
    for value in values:
        if work := works.get(value.key.record):
            work.supplied.add(value.key.value)
    for key, what in known.items():
        if work := works.get(key.record):
            work.known[key.value] = what.number
    for key, doubt in doubts.items():
        if work := works.get(key.record):
            work.settles = max(work.settles, doubt.settles) if work.settles else doubt.settles


def supplies_all(work: RecordWork, catalog: Catalog) -> bool:
    """Whether the source states every value kind of the record's KPI, so that nothing needs preserving."""
    kpi = catalog.kpi(work.key.kpi)
    return kpi is not None and bool(kpi.values) and set(kpi.values.values()) <= work.supplied
