"""Which jobs may write the same records, directly or by way of others, and so take turns."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from kpisync.mapping.keys import Unmapped, kpi_of
from kpisync.mapping.options import MapOptions
from kpisync.model import Catalog

Kpis = frozenset[str] | None  # ids; None: any


def kpis_of(map: MapOptions, catalog: Catalog) -> Kpis:
    """The ids of the KPIs that a map names; None if its rows do."""
    named = [spec.kpi for spec in map.values if isinstance(spec.kpi, str)]
    try:
        return frozenset(kpi_of(catalog, kpi).id for kpi in named) if len(named) == len(map.values) else None
    except Unmapped:
        return None


def groups_at(place: str, jobs: Mapping[str, Kpis]) -> dict[str, str]:
    """The group of each job that writes to one platform.

    It is told by the platform and the first of the group's KPIs, so that it stays the same when unrelated jobs change.
    """
    if any(kpis is None for kpis in jobs.values()):
        return dict.fromkeys(jobs, place)
    named = {job: kpis for job, kpis in jobs.items() if kpis}
    first = _first_of_each(named.values())
    return {job: f"{place} {first[next(iter(kpis))]}" for job, kpis in named.items()}


def _first_of_each(sets: Collection[frozenset[str]]) -> dict[str, str]:
    """For each KPI the first of all that are bound together by a set, or by several that overlap."""
    before: dict[str, str] = {}  # one that is bound to it and comes before it; the first has itself

    def first(kpi: str) -> str:
        while before.setdefault(kpi, kpi) != kpi:
            kpi = before[kpi]
        return kpi

    for each in sets:
        firsts = {first(kpi) for kpi in each}
        before |= dict.fromkeys(firsts, min(firsts))
    return {kpi: first(kpi) for kpi in tuple(before)}
