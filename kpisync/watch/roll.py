"""Which series are expected at the platforms: what jobs wrote of late, what is open, and what maps name outright."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeVar

from kpisync.model import Rhythm
from kpisync.state.numbering import Series
from kpisync.state.recent import Attempt
from kpisync.watch.completeness import NOTHING, Expected
from kpisync.watch.configured import Configured
from kpisync.watch.past import Open, Past
from kpisync.watch.steps import step

K = TypeVar("K")
Spot = tuple[int, date]  # a series by its number, and a period
Field = tuple[str, str, str, str]  # destination, KPI, team, sub-tile


@dataclass(frozen=True)
class Roll:
    """All that is expected, in no order, with what is open of it."""

    expected: Sequence[Expected]
    rejected: frozenset[Spot]
    in_doubt: frozenset[Spot]

    @cached_property
    def fields(self) -> list[Field]:
        return [each.series[:4] for each in self.expected]

    @cached_property
    def by_destination(self) -> dict[tuple[str, Rhythm], list[int]]:
        """The places of what is expected there, by rhythm."""
        return _grouped((each.series[0], each.rhythm) for each in self.expected)

    @cached_property
    def by_job(self) -> dict[tuple[str, Rhythm], list[int]]:
        return _grouped((each.jobs[0], each.rhythm) for each in self.expected)

    @cached_property
    def by_kpi(self) -> dict[tuple[str, str], list[int]]:
        """By destination and KPI."""
        return _grouped(each.series[:2] for each in self.expected)

    @cached_property
    def newest_of_kpi(self) -> dict[tuple[str, str], int | None]:
        """The newest step at which anything of a KPI stands."""
        newest = [each.stands.newest for each in self.expected]
        return {
            kpi: max((at for place in places if (at := newest[place]) is not None), default=None)
            for kpi, places in self.by_kpi.items()
        }


def _grouped(keys: Iterable[K]) -> dict[K, list[int]]:
    found: dict[K, list[int]] = {}
    for place, key in enumerate(keys):
        found.setdefault(key, []).append(place)
    return found


def expect(
    index: Mapping[int, Series],
    past: Mapping[int, Past],
    open_now: Open,
    configured: Configured,
) -> Roll:
    """What is expected of jobs that are configured and enabled."""
    wanted = {number: [] if each.job not in configured.enabled else [each.job] for number, each in past.items()}
    tried: dict[int, list[date]] = {}
    for attempt in (*open_now.rejected, *open_now.in_doubt):
        if attempt.job in configured.enabled:
            wanted.setdefault(attempt.series, []).append(attempt.job)
            tried.setdefault(attempt.series, []).append(attempt.period)
    numbers = {series: number for number, series in index.items() if series in configured.named}
    unknown = [series for series in configured.named if series not in numbers]
    for series, number in numbers.items():
        wanted.setdefault(number, []).extend(configured.named[series])
    found = [
        _expected(number, index[number], jobs, past.get(number), tried.get(number, ()), configured)
        for number, jobs in wanted.items()
        if jobs and index[number][0] in configured.loaded.destinations
    ]
    found += [
        _expected(-1 - place, series, configured.named[series], None, (), configured)
        for place, series in enumerate(unknown)
    ]
    return Roll(found, _spots(open_now.rejected), _spots(open_now.in_doubt))


def _spots(attempts: Iterable[Attempt]) -> frozenset[Spot]:
    return frozenset((attempt.series, attempt.period) for attempt in attempts)


def _expected(
    number: int,
    series: Series,
    jobs: Sequence[str],
    past: Past | None,
    tried: Sequence[date],
    configured: Configured,
) -> Expected:
    rhythm = configured.rhythm(*series[:2])
    stands = past.seen if past else NOTHING
    seen = stands.with_steps([step(period, rhythm.interval) for period in tried]) if tried else stands
    return Expected(
        number,
        series,
        rhythm,
        tuple(dict.fromkeys(jobs)),
        stands,
        seen,
        series in configured.named,
        configured.workdays(jobs[0], series),
    )
