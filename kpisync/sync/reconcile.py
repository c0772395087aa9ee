"""Three-way: what we put there, what the platform holds, what shall stand; another hand's number is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from kpisync.model import Action, Change, Rejection, Settled, Status, ValueChange, ValueKey, Values
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
    """What is to be done about one record, and what its read tells about earlier attempts."""

    change: Change | None = None
    agreed: list[Wanted] = field(default_factory=list)  # just as it shall be already: there, or gone
    stands: dict[ValueKey, tuple[Decimal, str]] = field(default_factory=dict)  # ours, with the cell that states it
    outcomes: list[Settled] = field(default_factory=list)
    restored: int = 0  # of the change: known to stand there, and found missing
    conflicts: list[Conflict] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


def reconcile(work: RecordWork, holds: Values | None, on_conflict: OnConflict) -> Verdict:
    """Judge a record that was read; `holds` is None if the platform has no such record.

    A doubt is answered by what stands, so it must be read after the doubt has settled.
    """
    verdict = Verdict()
    writes: list[ValueChange] = []
    withdrawals: list[ValueChange] = []
    for wanted in work.wanted:
        stands = (holds or {}).get(wanted.key.value)
        _answer_doubt(wanted, stands, verdict)
        if stands == wanted.number:
            verdict.agreed.append(wanted)
            _enter(verdict, wanted.key, stands, wanted.source)
        elif wanted.ask_only:
            continue
        elif stands is not None and stands not in wanted.expected and on_conflict is OnConflict.HOLD:
            verdict.conflicts.append(Conflict(wanted.key, stands, wanted.number, wanted.source, wanted.expected))
        else:
            change = ValueChange(wanted.key.value, stands, wanted.number, wanted.source)
            (withdrawals if wanted.number is None else writes).append(change)
    if writes:
        _restore(work, holds, writes, verdict)
    _decide(work, holds, writes, withdrawals, verdict)
    return verdict


def unread(work: RecordWork) -> Verdict:
    """Judge a record that was not read: what is known to stand there is sent along.

    Withdrawals and doubts cannot be judged without a read, so records with any are read whatever the settings say.
    """
    verdict = Verdict()
    writes = [ValueChange(w.key.value, work.known.get(w.key.value), w.number, w.source) for w in work.wanted]
    _decide(work, work.known or None, writes, [], verdict)
    return verdict


def must_be_read(work: RecordWork) -> bool:
    """Whether a record cannot be judged without a read."""
    return work.settles is not None or any(wanted.number is None or wanted.doubt for wanted in work.wanted)


def _enter(verdict: Verdict, key: ValueKey, stands: Decimal | None, source: str) -> None:
    if stands is None:
        verdict.outcomes.append(Settled(key, Status.WITHDRAWN, None))
    else:
        verdict.stands[key] = (stands, source)


def _answer_doubt(wanted: Wanted, stands: Decimal | None, verdict: Verdict) -> None:
    """It landed, or something else stands there: either way the attempt is no longer in doubt."""
    if wanted.doubt is None:
        return
    if stands == wanted.doubt.new:
        _enter(verdict, wanted.key, stands, wanted.doubt.source)
    else:
        verdict.outcomes.append(Settled(wanted.key, Status.REFUSED, stands))


def _restore(work: RecordWork, holds: Values | None, writes: list[ValueChange], verdict: Verdict) -> None:
    """A record that lost values of ours gets them again with the next change; what another hand wrote there stays."""
    for value, stated in work.beside.items():
        if value not in (holds or {}):
            writes.append(ValueChange(value, None, stated.number, stated.source))
            verdict.restored += 1


def _decide(
    work: RecordWork,
    holds: Values | None,
    writes: Sequence[ValueChange],
    withdrawals: Sequence[ValueChange],
    verdict: Verdict,
) -> None:
    if writes:
        action = Action.CREATE if holds is None else Action.UPDATE
        verdict.change = Change(action, work.key, tuple(writes), holds)
    elif withdrawals and set(holds or {}) == {change.value for change in withdrawals}:
        verdict.change = Change(Action.WITHDRAW, work.key, tuple(withdrawals), holds)
        return
    for change in withdrawals:
        reason = "it is no longer in the source, but the platform can only delete its whole record, which holds others"
        verdict.rejections.append(Rejection(change.source, "cannot-withdraw", reason))
