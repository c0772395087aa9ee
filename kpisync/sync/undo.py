"""Undo: what a run changed and still stands, and the changes that put it back as it was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from kpisync.model import Change, Known, RecordKey, ValueChange, ValueKey
from kpisync.ports import KeepsApart, OnConflict
from kpisync.sync.diff import RecordWork, Wanted
from kpisync.sync.look import Shown
from kpisync.sync.reconcile import reconcile


class Step(NamedTuple):
    """What a run did to a value: `old` stood there before (None: nothing), `new` after (None: it withdrew it)."""

    key: ValueKey
    old: Decimal | None
    new: Decimal | None


class Left(NamedTuple):
    """A value that is not put back, and why."""

    step: Step
    reason: str


@dataclass(slots=True)
class Undoing:
    """What an undo would do: changes, and what it leaves alone."""

    changes: list[Change] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


@dataclass(frozen=True)
class Circumstances:
    """What an undo is judged by, beside what the platform shows."""

    known: Mapping[ValueKey, Known]
    doubts: Collection[ValueKey]
    later: Mapping[ValueKey, str]  # values that another run changed since, and which
    source: str  # what stands in the history as the source of what is put back
    apart: KeepsApart | None = None


def values_of(changes: Iterable[Change]) -> dict[ValueKey, ValueChange]:
    """The single values of changes, in their order."""
    return {ValueKey(change.key, value.value): value for change in changes for value in change.values}


def undoing(steps: Iterable[Step], shown: Shown, now: Circumstances) -> Undoing:
    """Judge each step by what stands there; a record that could not be read is left out."""
    found = Undoing()
    works: dict[RecordKey, list[Step]] = {}
    for step in steps:
        reason = _reason(step, shown, now)
        if reason:
            found.left.append(Left(step, reason))
        elif step.key in shown:
            works.setdefault(step.key.record, []).append(step)
    for each in works.values():
        _plan(each, shown, now, found)
    return found


def _reason(step: Step, shown: Shown, now: Circumstances) -> str | None:
    """Why a step is not undone; None: it may be."""
    if step.key in now.later:
        return f"run {now.later[step.key]} changed it since; undo that one first"
    if step.key in now.doubts:
        return "an attempt at it is in doubt; `kpisync resolve` shows the evidence"
    if step.key not in shown or (shown[step.key] == step.new and step.key not in shown.copies):
        return None
    if step.key in shown.copies:
        return f"{shown.copies[step.key]} numbers stand there; `kpisync verify` tells more"
    holds = shown[step.key]
    return "nothing stands there any more" if holds is None else f"the platform holds {holds:f} now"


def _plan(steps: list[Step], shown: Shown, now: Circumstances, found: Undoing) -> None:
    """The changes of one record, as a run would make them."""
    record = steps[0].key.record
    wanted = [wanted_back(step.key, step.old, step.new, now.source, now.known.get(step.key)) for step in steps]
    verdict = reconcile(RecordWork(record, wanted), shown.records[record] or None, OnConflict.HOLD, now.apart)
    found.changes.extend(verdict.changes)
    made = {value.value for change in verdict.changes for value in change.values}
    for step in steps:
        if step.key.value not in made:
            found.left.append(Left(step, _why_not(step, now)))


def wanted_back(
    key: ValueKey, number: Decimal | None, instead_of: Decimal | None, source: str, known: Known | None
) -> Wanted:
    """A number that shall stand there again, in place of ours."""
    expected = frozenset(() if instead_of is None else (instead_of,))
    return Wanted(key, number, source, expected, remote=known.remote if known else None)


def _why_not(step: Step, now: Circumstances) -> str:
    if now.apart is not None:
        return "it is not known to be ours, so it is neither deleted nor replaced"
    return "the platform can only delete its whole record, which holds values that are not this run's"
