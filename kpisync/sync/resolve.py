"""Resolve: a person says what became of an attempt that is in doubt, and the evidence may contradict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from kpisync.model import Settled, Status, ValueKey


class Answer(StrEnum):
    STORED = "stored"
    NOT_STORED = "not stored"


@dataclass(frozen=True, slots=True)
class Evidence:
    """An attempt in doubt, `old` → `new`, and what the platform shows now, if it was `asked`.

    `remote` is the platform's id of the number that it shows, if it gives ids to values.
    """

    key: ValueKey
    old: Decimal | None
    new: Decimal | None
    settles: datetime
    asked: bool = False
    shows: Decimal | None = None
    remote: str | None = None


def contradiction(evidence: Evidence, answer: Answer, now: datetime) -> str | None:
    """What speaks against an answer; None: nothing."""
    shows = "nothing there" if evidence.shows is None else f"{evidence.shows:f}"
    stands = evidence.asked and evidence.shows == evidence.new
    if answer is Answer.STORED:
        return f"the platform shows {shows}" if evidence.asked and not stands else None
    if stands:
        return f"the platform shows {shows}, as it was sent"
    if evidence.settles > now:
        until = evidence.settles.isoformat(timespec="seconds")
        return f"it may still land until {until}"
    return None


def settled(evidence: Evidence, answer: Answer) -> Settled:
    """What is recorded. Confirmed is only what was seen; somebody's word alone is as good as an answer 2xx."""
    words = f"{answer}, as somebody says by `kpisync resolve`"
    if answer is Answer.NOT_STORED:
        return Settled(evidence.key, Status.REFUSED, evidence.shows if evidence.asked else evidence.old, words)
    if evidence.new is None:
        return Settled(evidence.key, Status.WITHDRAWN, None, words)
    seen = evidence.asked and evidence.shows == evidence.new
    status = Status.CONFIRMED if seen else Status.SENT
    return Settled(evidence.key, status, evidence.new, words, remote=evidence.remote if seen else None)
