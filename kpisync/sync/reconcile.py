"""Three-way: what we put there, what the platform holds, what shall stand; another hand's number is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from kpisync.model import Action, Change, RecordKey, Rejection, ValueChange, ValueKey, Values
from kpisync.ports import OnConflict
from kpisync.sync.diff import RecordWork, Wanted


@dataclass(frozen=True, slots=True)
class Conflict:
    """A value that someone else wrote, and that we leave alone."""

    key: ValueKey
    holds: Decimal
    wanted: Decimal | None
    source: str
    expected: frozenset[Decimal]


@dataclass(slots=True)
class Verdict:
    """What is to be done about one record."""

    change: Change | None = None
    agreed: list[Wanted] = field(default_factory=list)  # the platform holds just that already
    cleared: dict[ValueKey, tuple[Decimal, str]] = field(default_factory=dict)  # doubts solved: what stands is ours
    gone: list[Wanted] = field(default_factory=list)  # to be withdrawn, and not there any more
    conflicts: list[Conflict] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


def reconcile(work: RecordWork, holds: Values | None, on_conflict: OnConflict) -> Verdict:
    """Judge a record that was read; `holds` is None if the platform has no such record."""
    verdict = Verdict()
    writes: list[ValueChange] = []
    withdrawals: list[ValueChange] = []
    for wanted in work.wanted:
        stands = (holds or {}).get(wanted.key.value)
        if stands == wanted.number:
            (verdict.gone if stands is None else verdict.agreed).append(wanted)
        elif stands is not None and stands not in wanted.expected and on_conflict is OnConflict.HOLD:
            verdict.conflicts.append(Conflict(wanted.key, stands, wanted.number, wanted.source, wanted.expected))
        else:
            change = ValueChange(wanted.key.value, stands, wanted.number, wanted.source)
            (withdrawals if wanted.number is None else writes).append(change)
            if wanted.in_doubt and stands is not None and stands in wanted.expected:
                verdict.cleared[wanted.key] = (stands, wanted.source)
    _decide(work.key, holds, writes, withdrawals, verdict)
    return verdict


def unread(work: RecordWork) -> Verdict:
    """Judge a record that was not read: what we know to stand there is sent along."""
    known = work.known
    writes = [
        ValueChange(w.key.value, known.get(w.key.value), w.number, w.source)
        for w in work.wanted
        if w.number is not None
    ]
    withdrawals = [
        ValueChange(w.key.value, known.get(w.key.value), None, w.source) for w in work.wanted if w.number is None
    ]
    verdict = Verdict()
    _decide(work.key, known or None, writes, withdrawals, verdict)
    return verdict


def _decide(
    key: RecordKey,
    holds: Values | None,
    writes: Sequence[ValueChange],
    withdrawals: Sequence[ValueChange],
    verdict: Verdict,
) -> None:
    if writes:
        action = Action.CREATE if holds is None else Action.UPDATE
        verdict.change = Change(action, key, tuple(writes), holds)
    elif withdrawals and set(holds or {}) == {change.value for change in withdrawals}:
        verdict.change = Change(Action.WITHDRAW, key, tuple(withdrawals), holds)
        return
    for change in withdrawals:
        reason = "it is no longer in the source, but the platform can only delete its whole record, which holds others"
        verdict.rejections.append(Rejection(change.source, "cannot-withdraw", reason))
