"""After a write: what the platform shows, against what was sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from kpisync.model import (
    Action,
    Change,
    Rejection,
    Reply,
    ReplyKind,
    Settled,
    Status,
    ValueChange,
    ValueKey,
    Values,
)


@dataclass(slots=True)
class Judgement:
    """What became of one change: outcomes to record, rejects to report, and what the platform did by itself."""

    settled: list[Settled] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def judge_read_back(
    change: Change,
    reply: Reply,
    holds: Values | None,
    was_read: bool = True,
    remote_id: Callable[[ValueKey], str | None] = lambda key: None,
) -> Judgement:
    """Compare the record as it was read back with what was sent; `was_read` says whether it was read before, too.

    What was accepted and is not to be seen stays in doubt beside its reject: it may still appear, and is then ours. So
    does a value that is gone: the next run looks again, whatever the source states then.
    """
    judgement = Judgement()
    shown = holds or {}
    answer = _answer(reply)
    for value in change.values:
        key, found = ValueKey(change.key, value.value), shown.get(value.value)
        if found == value.new:
            status = Status.WITHDRAWN if value.new is None else Status.CONFIRMED
            judgement.settled.append(Settled(key, status, value.new, answer, remote=reply.remote or remote_id(key)))
        else:
            unseen = reply.kind is ReplyKind.ACCEPTED and found == value.old
            is_open = unseen or (found is None and value.old is not None)
            judgement.settled.append(Settled(key, Status.IN_DOUBT if is_open else Status.REFUSED, found, answer))
            judgement.rejections.append(_not_stored(value, key, reply, found))
    if was_read:
        judgement.notes.extend(_by_itself(change, shown))
    return judgement


def judge_reply(change: Change, reply: Reply, trust: bool) -> Judgement:
    """Judge by the reply alone; with `trust`, a reply that shows the values confirms them."""
    shown = reply.values if trust and reply.values is not None else {}
    settled = []
    for value in change.values:
        status = Status.CONFIRMED if value.new is not None and shown.get(value.value) == value.new else Status.SENT
        status = Status.WITHDRAWN if change.action is Action.WITHDRAW else status
        key = ValueKey(change.key, value.value)
        settled.append(Settled(key, status, value.new, _answer(reply), remote=reply.remote))
    return Judgement(settled)


def judge_refused(change: Change, reply: Reply) -> Judgement:
    """The platform surely stored nothing; where the attempt took away what stood there, the next run looks again."""
    judgement = Judgement()
    for value in change.values:
        stands = value.old if reply.values is None else reply.values.get(value.value)
        status = Status.REFUSED if stands == value.old else Status.IN_DOUBT
        key = ValueKey(change.key, value.value)
        judgement.settled.append(Settled(key, status, stands, _answer(reply)))
        judgement.rejections.append(refusal("refused", value.source, reply, key, value.new))
    return judgement


def refusal(
    code: str, source: str, reply: Reply, key: ValueKey | None = None, number: Decimal | None = None
) -> Rejection:
    """A reject in the platform's own words; `code` is `refused` or, if the read before failed, `unreadable`."""
    status = f" (status {reply.status})" if reply.status else ""
    words = f": {reply.words}" if reply.words else ""
    what = "the platform refuses it" if code == "refused" else "its record could not be read, so it is not written"
    return Rejection(source, code, f"{what}{status}{words}", key, number)


def _not_stored(value: ValueChange, key: ValueKey, reply: Reply, found: Decimal | None) -> Rejection:
    if reply.kind is ReplyKind.REFUSED:
        return refusal("refused", value.source, reply, key, value.new)
    if reply.kind is ReplyKind.FAILED:
        words = f": {reply.words}" if reply.words else ""
        reason = f"the platform fails on it (status {reply.status}){words}; it is tried again in the next run"
        return Rejection(value.source, "platform-error", reason, key, value.new)
    holds = "does not hold it" if found is None else f"holds {found:f}"
    reason = (
        f"the platform answered {reply.status} but {holds} afterwards; "
        "if it rounds, set decimals for this value, otherwise look who else writes it"
    )
    return Rejection(value.source, "not-stored", reason, key, value.new)


def _answer(reply: Reply) -> str:
    """What is kept of an answer: of a good one, whose body only repeats the values, the status."""
    if reply.kind is ReplyKind.ACCEPTED:
        return str(reply.status or "accepted")
    return " ".join(str(part) for part in (reply.status, reply.words) if part)


def _by_itself(change: Change, shown: Values) -> list[str]:
    if change.action is Action.WITHDRAW:
        return []
    ours, before = change.new, change.before or {}
    notes = []
    for id, number in shown.items():
        if id not in ours and id not in before:
            notes.append(f"the platform added {id} = {number:f} by itself")
    for id, number in before.items():
        if id not in ours and shown.get(id) != number:
            now = "nothing" if shown.get(id) is None else f"{shown[id]:f}"
            notes.append(f"{id} was {number:f} and is {now} after our write, which sent it along")
    return notes
