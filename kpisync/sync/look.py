"""A look at the platform: what it holds under some keys, with the care of a run and nothing sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from kpisync.model import Change, Known, RecordKey, Reply, ValueKey, Values
from kpisync.ports import Destination, OnConflict, ReadBefore, State, Window
from kpisync.sync.diff import Diff, RecordWork, Wanted, wait_for
from kpisync.sync.job import Target, Tools, deliver
from kpisync.sync.report import Report


@dataclass
class Shown:
    """What the platform shows of the records that could be read."""

    records: dict[RecordKey, Values] = field(default_factory=dict)  # empty: it holds no such record
    copies: dict[ValueKey, int] = field(default_factory=dict)  # of the values that stand there more than once
    remotes: dict[ValueKey, str] = field(default_factory=dict)  # ids of single values, where the platform gives them

    def __contains__(self, key: ValueKey) -> bool:
        return key.record in self.records

    def __getitem__(self, key: ValueKey) -> Decimal | None:
        """Raises KeyError for what could not be read."""
        return self.records[key.record].get(key.value)


@dataclass(frozen=True)
class _Noted:
    """A destination whose reads are remembered."""

    inner: Destination
    shown: Shown

    def windows(self, keys: Collection[RecordKey]) -> list[Window]:
        return self.inner.windows(keys)

    def read(self, window: Window) -> Mapping[RecordKey, Values]:
        found = self.inner.read(window)
        self.shown.records.update({key: found.get(key, {}) for key in window.keys})
        return found

    def write(self, change: Change) -> Reply:
        raise AssertionError(f"a look sends nothing: {change}")

    def close(self) -> None:
        self.inner.close()


def look(
    target: Target, keys: Collection[ValueKey], tools: Tools, report: Report, path: Callable[[ValueKey], str]
) -> Shown:
    """Read the records of these values; one that cannot be read is a rejection in the report, under its `path`.

    Changes nothing, in the state store either. Raises DestinationError and Interrupted as a run does.
    """
    shown, works = Shown(), dict[RecordKey, RecordWork]()
    for key in keys:
        asked = Wanted(key, None, path(key), frozenset(), ask_only=True)
        works.setdefault(key.record, RecordWork(key.record)).wanted.append(asked)
    noted = replace(target, destination=_Noted(target.destination, shown))
    deliver(noted, Diff(list(works.values())), tools, report, dry=True)
    if target.apart is not None:
        for key in keys:
            if (copies := target.apart.copies(key)) > 1:
                shown.copies[key] = copies
            if (remote := target.apart.remote_id(key)) is not None:
                shown.remotes[key] = remote
    return shown


def carefully(target: Target) -> Target:
    """The same target, where everything is read before it is written, and another hand's numbers are left alone."""
    careful = {"read_before": ReadBefore.ALWAYS, "on_conflict": OnConflict.HOLD}
    return replace(target, options=target.options.model_copy(update=careful))


def works_of(wanted: Iterable[Wanted], target: Target, tools: Tools) -> Diff:
    """Wanted values by record, none of it to be done while an earlier attempt may still land."""
    works: dict[RecordKey, RecordWork] = {}
    for each in wanted:
        works.setdefault(each.key.record, RecordWork(each.key.record)).wanted.append(each)
    over_by = tools.clock.now() + target.options.settle
    wait_for(tools.state.in_doubt(target.name), works, target.job, over_by)
    return Diff(list(works.values()))


def known_of(state: State, keys: Collection[ValueKey]) -> Mapping[ValueKey, Known]:
    """What is known between the first and the last period of these values, all of one destination."""
    if not keys:
        return {}
    periods = {key.record.period for key in keys}
    return state.known(next(iter(keys)).record.destination, min(periods), max(periods))
