"""Verify: what is known to stand at a platform, against what it shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from kpisync.model import Known, Status, ValueKey
from kpisync.sync.diff import Wanted
from kpisync.sync.look import Shown


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept of a value: the numbers that we sent for it, what stood there before the last, and its cell."""

    sent: frozenset[Decimal] = frozenset()
    before: Decimal | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Drifted:
    """A value that is known as `number`, and of which the platform holds `found` (None: nothing)."""

    key: ValueKey
    number: Decimal
    found: Decimal | None
    copies: int = 1


@dataclass(slots=True)
class Drift:
    """What was compared, and what differs. `different` is an older number of ours, `edited` another hand's."""

    checked: int = 0
    missing: list[Drifted] = field(default_factory=list)
    different: list[Drifted] = field(default_factory=list)
    edited: list[Drifted] = field(default_factory=list)
    duplicates: list[Drifted] = field(default_factory=list)

    def __iter__(self) -> Iterator[Drifted]:
        yield from (*self.missing, *self.different, *self.edited, *self.duplicates)

    @property
    def repairable(self) -> list[Drifted]:
        return [*self.missing, *self.different]


def drifted(known: Mapping[ValueKey, Known], shown: Shown) -> list[Drifted]:
    """The values that do not stand there as they are known, or more than once; what was not read is left out."""
    return [
        Drifted(key, what.number, shown[key], shown.copies.get(key, 1))
        for key, what in known.items()
        if key in shown and (shown[key] != what.number or key in shown.copies)
    ]


def sorted_out(
    found: Collection[Drifted], known: Mapping[ValueKey, Known], past: Mapping[ValueKey, Past], checked: int
) -> Drift:
    """Whose doing each difference is, as far as the history of our own numbers tells."""
    drift = Drift(checked)
    for each in found:
        if each.copies > 1:
            drift.duplicates.append(each)
        elif each.found is None:
            drift.missing.append(each)
        elif each.found in _ours(known[each.key], past.get(each.key, Past())):
            drift.different.append(each)
        else:
            drift.edited.append(each)
    return drift


def repairs(drift: Drift, known: Mapping[ValueKey, Known], past: Mapping[ValueKey, Past]) -> list[Wanted]:
    """Our last numbers again, where nothing stands or an older one of ours."""
    return [
        Wanted(
            each.key,
            each.number,
            past.get(each.key, Past()).source,
            _ours(known[each.key], past.get(each.key, Past())),
            remote=known[each.key].remote,
        )
        for each in drift.repairable
    ]


def _ours(known: Known, past: Past) -> frozenset[Decimal]:
    """Numbers that may stand there without another hand; what was sent and never confirmed may not have landed."""
    before = {past.before} if known.status is Status.SENT and past.before is not None else frozenset[Decimal]()
    return past.sent | {known.number} | before
