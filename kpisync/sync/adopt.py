"""Adopt: what a platform holds of the values that a source states becomes known as it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from kpisync.model import Known, KpiValue, Rejection, Stands, ValueKey
from kpisync.sync.look import Shown

SOURCE = "adopted"  # in place of a source cell: the number is the platform's, not the source's


@dataclass(slots=True)
class Adoption:
    """`stands` becomes known. `changing` of it the next run would change, for the source states another number."""

    stands: dict[ValueKey, Stands] = field(default_factory=dict)
    changing: int = 0
    known: int = 0  # already, with just this number
    missing: int = 0  # the platform does not hold it
    doubts: list[ValueKey] = field(default_factory=list)  # an attempt must be answered first
    rejections: list[Rejection] = field(default_factory=list)


def adoption(
    values: Iterable[KpiValue],
    shown: Shown,
    known: Mapping[ValueKey, Known],
    doubts: Collection[ValueKey],
    job: str,
) -> Adoption:
    """Judge each value that the source states; one whose record could not be read is left out.

    A number that is adopted has no id of the platform, for we did not create it. What is known already stays as it is,
    with its cell and its id.
    """
    found = Adoption()
    for value in values:
        key, mine = value.key, known.get(value.key)
        if key in doubts:
            found.doubts.append(key)
        elif key not in shown:
            continue
        elif (holds := shown[key]) is None:
            found.missing += 1
        elif mine is not None and (mine.number, mine.job) == (holds, job):
            found.known += 1
        else:
            found.stands[key] = Stands(holds, SOURCE)
            found.changing += holds != value.number
    return found


def without_rivals(
    values: Iterable[KpiValue], owners: Mapping[ValueKey, str], job: str, others: Collection[str]
) -> tuple[list[KpiValue], list[Rejection]]:
    """The values that no other job of the configuration has, and a reject for each of the rest."""
    mine, rejections = [], []
    for value in values:
        owner = owners.get(value.key, job)
        if owner != job and owner in others:
            reason = f"job {owner} already sends this value; one value has one job"
            rejections.append(Rejection(value.source, "other-job", reason, value.key, value.number))
        else:
            mine.append(value)
    return mine, rejections
