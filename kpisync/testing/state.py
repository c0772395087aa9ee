"""State stores for tests: the rules of `ports.State` in their shortest form, and one that is watched."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from kpisync.model import Doubt, Intent, Known, Partition, Rejection, Settled, Stands, Status, ValueKey
from kpisync.ports import State


@dataclass
class MemoryState:
    """Implements `ports.State` in memory. `jobs` says which job a run is of; a run it does not list is its own job."""

    jobs: dict[str, str] = field(default_factory=dict)
    values: dict[ValueKey, Known] = field(default_factory=dict)
    doubts: dict[ValueKey, Doubt] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    kept: dict[str, dict[date, Partition]] = field(default_factory=dict)
    taken_back: dict[ValueKey, Decimal | None] = field(default_factory=dict)

    def known(self, destination: str, first: date, last: date) -> Mapping[ValueKey, Known]:
        return {
            key: known
            for key, known in self.values.items()
            if key.record.destination == destination and first <= key.record.period <= last
        }

    def in_doubt(self, destination: str) -> Sequence[Doubt]:
        return [doubt for key, doubt in self.doubts.items() if key.record.destination == destination]

    def intend(self, run: str, intents: Sequence[Intent], settles: datetime) -> None:
        for intent in intents:
            self.doubts.pop(intent.key, None)
            self.doubts[intent.key] = Doubt(intent, self._job(run), run, settles)

    def settle(self, run: str, outcomes: Sequence[Settled]) -> None:
        for outcome in outcomes:
            self._settle(run, outcome)

    def adopt(self, run: str, values: Mapping[ValueKey, Stands]) -> None:
        for key, stands in values.items():
            self.doubts.pop(key, None)
            self.values[key] = Known(stands.number, Status.CONFIRMED, self._job(run), stands.remote)

    def reject(self, run: str, rejections: Sequence[Rejection]) -> None:
        self.rejections.extend(rejections)

    def partitions(self, job: str) -> Mapping[date, Partition]:
        return dict(self.kept.get(job, {}))

    def keep_partitions(self, job: str, partitions: Mapping[date, Partition]) -> None:
        self.kept.setdefault(job, {}).update(partitions)

    def forget_partitions(self, job: str, periods: Collection[date]) -> None:
        for period in periods:
            self.kept.get(job, {}).pop(period, None)

    def undone(self, destination: str) -> Mapping[ValueKey, Decimal | None]:
        return {key: number for key, number in self.taken_back.items() if key.record.destination == destination}

    def keep_undone(self, values: Mapping[ValueKey, Decimal | None]) -> None:
        self.taken_back.update(values)

    def forget_undone(self, keys: Collection[ValueKey]) -> None:
        for key in keys:
            self.taken_back.pop(key, None)

    def _settle(self, run: str, outcome: Settled) -> None:
        doubt = self.doubts.get(outcome.key)
        if outcome.status is Status.IN_DOUBT:
            if doubt and outcome.settles:
                self.doubts[outcome.key] = replace(doubt, settles=outcome.settles)
            return
        self.doubts.pop(outcome.key, None)
        if outcome.status is Status.WITHDRAWN:
            self.values.pop(outcome.key, None)
        elif outcome.status is not Status.REFUSED:
            assert outcome.number is not None, f"a {outcome.status} value has a number: {outcome.key}"  # noqa: S101
            job = doubt.job if doubt else self._job(run)
            self.values[outcome.key] = Known(outcome.number, outcome.status, job, outcome.remote)

    def _job(self, run: str) -> str:
        return self.jobs.get(run, run)


@dataclass
class WatchedState:
    """A state store that tells the name of each method before it is called; `before` may raise instead.

    Then nothing is stored: so a store fails, and so a process dies.
    """

    inner: State
    before: Callable[[str], None]

    def known(self, destination: str, first: date, last: date) -> Mapping[ValueKey, Known]:
        self.before("known")
        return self.inner.known(destination, first, last)

    def in_doubt(self, destination: str) -> Sequence[Doubt]:
        self.before("in_doubt")
        return self.inner.in_doubt(destination)

    def intend(self, run: str, intents: Sequence[Intent], settles: datetime) -> None:
        self.before("intend")
        self.inner.intend(run, intents, settles)

    def settle(self, run: str, outcomes: Sequence[Settled]) -> None:
        self.before("settle")
        self.inner.settle(run, outcomes)

    def adopt(self, run: str, values: Mapping[ValueKey, Stands]) -> None:
        self.before("adopt")
        self.inner.adopt(run, values)

    def reject(self, run: str, rejections: Sequence[Rejection]) -> None:
        self.before("reject")
        self.inner.reject(run, rejections)

    def partitions(self, job: str) -> Mapping[date, Partition]:
        self.before("partitions")
        return self.inner.partitions(job)

    def keep_partitions(self, job: str, partitions: Mapping[date, Partition]) -> None:
        self.before("keep_partitions")
        self.inner.keep_partitions(job, partitions)

    def forget_partitions(self, job: str, periods: Collection[date]) -> None:
        self.before("forget_partitions")
        self.inner.forget_partitions(job, periods)

    def undone(self, destination: str) -> Mapping[ValueKey, Decimal | None]:
        self.before("undone")
        return self.inner.undone(destination)

    def keep_undone(self, values: Mapping[ValueKey, Decimal | None]) -> None:
        self.before("keep_undone")
        self.inner.keep_undone(values)

    def forget_undone(self, keys: Collection[ValueKey]) -> None:
        self.before("forget_undone")
        self.inner.forget_undone(keys)
