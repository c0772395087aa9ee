"""Three-way: what we put there, what the platform holds, what shall stand; another hand's number is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from kpisync.model import Action, Change, Rejection, Settled, Stands, Status, ValueChange, ValueKey, Values
from kpisync.ports import KeepsApart, OnConflict
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

    changes: list[Change] = field(default_factory=list)
    agreed: list[Wanted] = field(default_factory=list)  # just as it shall be already: there, or gone
    stands: dict[ValueKey, Stands] = field(default_factory=dict)  # ours, with the cell that states it
    outcomes: list[Settled] = field(default_factory=list)
    restored: int = 0  # of the change: known to stand there, and found missing
    conflicts: list[Conflict] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


def reconcile(
    work: RecordWork, holds: Values | None, on_conflict: OnConflict, apart: KeepsApart | None = None
) -> Verdict:
    """Judge a record that was read; `holds` is None if the platform has no such record.

    A doubt is answered by what stands, so it must be read after the doubt has settled. `apart` tells the values of a
    platform that keeps them apart from one another's: there, what we did not create is nobody's to replace.
    """
    verdict = Verdict()
    writes: list[ValueChange] = []
    withdrawals: list[ValueChange] = []
    for wanted in work.wanted:
        stands = (holds or {}).get(wanted.key.value)
        remote = _ours(wanted, stands, apart)
        _answer_doubt(wanted, stands, remote, verdict)
        if stands == wanted.number:
            verdict.agreed.append(wanted)
            _enter(verdict, wanted.key, stands, wanted.source, remote)
        elif wanted.ask_only:
            continue
        elif stands is not None and _is_foreign(wanted, stands, remote, on_conflict, apart):
            verdict.conflicts.append(Conflict(wanted.key, stands, wanted.number, wanted.source, wanted.expected))
        else:
            change = ValueChange(wanted.key.value, stands, wanted.number, wanted.source, remote)
            (withdrawals if wanted.number is None else writes).append(change)
    if writes:
        _restore(work, holds, writes, verdict)
    _decide(work, holds, writes, withdrawals, verdict, apart is not None)
    return verdict


def _ours(wanted: Wanted, stands: Decimal | None, apart: KeepsApart | None) -> str | None:
    """The platform's id of what stands there, if we created it."""
    if apart is None or stands is None:
        return None
    if wanted.doubt and stands == wanted.doubt.new:
        return apart.remote_id(wanted.key)
    return wanted.remote if apart.remote_id(wanted.key) in (None, wanted.remote) else None


def _is_foreign(
    wanted: Wanted, stands: Decimal, remote: str | None, on_conflict: OnConflict, apart: KeepsApart | None
) -> bool:
    if apart is not None and not apart.may_replace(wanted.key, remote):
        return True
    return stands not in wanted.expected and on_conflict is OnConflict.HOLD


def unread(work: RecordWork, apart: KeepsApart | None = None) -> Verdict:
    """Judge a record that was not read: what is known to stand there is sent along.

    Withdrawals and doubts cannot be judged without a read, so records with any are read whatever the settings say.
    """
    verdict = Verdict()
    writes = []
    for wanted in work.wanted:
        known = work.known.get(wanted.key.value)
        if known is not None and apart is not None and not apart.may_replace(wanted.key, wanted.remote):
            verdict.conflicts.append(Conflict(wanted.key, known, wanted.number, wanted.source, wanted.expected))
        else:
            writes.append(ValueChange(wanted.key.value, known, wanted.number, wanted.source, wanted.remote))
    _decide(work, work.known or None, writes, [], verdict, apart is not None)
    return verdict


def must_be_read(work: RecordWork) -> bool:
    """Whether a record cannot be judged without a read."""
    return work.settles is not None or any(wanted.number is None or wanted.doubt for wanted in work.wanted)


def _enter(verdict: Verdict, key: ValueKey, stands: Decimal | None, source: str, remote: str | None) -> None:
    if stands is None:
        verdict.outcomes.append(Settled(key, Status.WITHDRAWN, None))
    else:
        verdict.stands[key] = Stands(stands, source, remote)


def _answer_doubt(wanted: Wanted, stands: Decimal | None, remote: str | None, verdict: Verdict) -> None:
    """It landed, or something else stands there: either way the attempt is no longer in doubt."""
    if wanted.doubt is None:
        return
    if stands == wanted.doubt.new:
        _enter(verdict, wanted.key, stands, wanted.doubt.source, remote)
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
    apart: bool,
) -> None:
    if writes:
        action = Action.CREATE if holds is None else Action.UPDATE
        verdict.changes.extend(_changes(Change(action, work.key, tuple(writes), holds), apart))
    elif withdrawals and not apart and set(holds or {}) == {change.value for change in withdrawals}:
        verdict.changes.append(Change(Action.WITHDRAW, work.key, tuple(withdrawals), holds))
        return
    if apart:
        verdict.changes.extend(_changes(Change(Action.WITHDRAW, work.key, tuple(withdrawals), holds), apart))
        return
    for change in withdrawals:
        reason = "it is no longer in the source, but the platform can only delete its whole record, which holds others"
        key = ValueKey(work.key, change.value)
        verdict.rejections.append(Rejection(change.source, "cannot-withdraw", reason, key))


def _changes(change: Change, apart: bool) -> list[Change]:
    """One change of a record, or one for each of its values."""
    if not apart:
        return [change]
    found = []
    for value in change.values:
        action = Action.CREATE if change.action is Action.UPDATE and value.old is None else change.action
        found.append(replace(change, action=action, values=(value,)))
    return found
