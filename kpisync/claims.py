"""Which jobs meet: those that may state one value within a command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from kpisync.config.loaded import JobConfig, Loaded
from kpisync.mapping.apply import Mapper
from kpisync.mapping.keys import Unmapped, kpi_of, value_id
from kpisync.mapping.presence import Presence
from kpisync.mapping.rows import Reading
from kpisync.model import Catalog, Intake, Table, ValueKey
from kpisync.ports import State

Target = tuple[str, str]  # ids of a KPI and of a value kind


@dataclass
class Claims:
    """The first job of a command that states a value has it.

    Where the state store knows whose a value is, that decides instead, and the comparison with it tells. `shared` are
    the jobs that may state a value of another one; the others are not looked at.
    """

    state: State
    shared: frozenset[str]
    _first: dict[ValueKey, str] = field(default_factory=dict)
    _owned: dict[tuple[str, str, date], frozenset[ValueKey]] = field(default_factory=dict)  # by asking job and period

    def rival(self, key: ValueKey, job: str) -> str | None:
        """The job that claimed a value before; else it is this one's from now on."""
        first = self._first.setdefault(key, job)
        return None if first == job or key in self._known(key, job) else first

    def _known(self, key: ValueKey, job: str) -> frozenset[ValueKey]:
        """The values of a period that the store knows, or has in doubt, as this job found it."""
        destination, period = key.record.destination, key.record.period
        if (job, destination, period) not in self._owned:
            doubts = {doubt.intent.key for doubt in self.state.in_doubt(destination)}
            known = frozenset(self.state.known(destination, period, period)) | doubts
            self._owned[job, destination, period] = known
        return self._owned[job, destination, period]


@dataclass(frozen=True)
class ClaimingMapper(Mapper):
    """A mapper that rejects what an earlier job of the command stated."""

    job: str = field(kw_only=True)
    claims: Claims | None = field(kw_only=True)

    def readings(self, table: Table, intake: Intake, presence: Presence | None = None) -> Iterator[Reading]:
        readings = super().readings(table, intake, presence)
        if self.claims is None or self.job not in self.claims.shared:
            return readings
        return self._unclaimed(self.claims, readings, table.origin, intake, presence)

    def _unclaimed(
        self, claims: Claims, readings: Iterator[Reading], origin: str, intake: Intake, presence: Presence | None
    ) -> Iterator[Reading]:
        told: set[ValueKey] = set()
        for reading in readings:
            rival = claims.rival(reading.key, self.job)
            if rival is None:
                yield reading
            elif reading.key not in told:
                told.add(reading.key)
                reason = f"job {rival} already sends this value; one value has one job"
                intake.reject(f"{origin}:{reading.line}", "other-job", reason)
                if presence:
                    presence.rejected(reading.key)


def shared_by(loaded: Loaded, names: Sequence[str]) -> frozenset[str]:
    """The jobs among these that may state a value of another one, as far as their maps tell."""
    at: dict[str, dict[str, frozenset[Target] | None]] = {}
    for job in (loaded.jobs[name] for name in dict.fromkeys(names) if name in loaded.jobs):
        catalog = loaded.catalogs.get(job.destination, Catalog())
        at.setdefault(job.destination, {})[job.name] = _targets(job, catalog)
    return frozenset(name for jobs in at.values() for name in meeting(jobs))


def meeting(jobs: Mapping[str, frozenset[Target] | None]) -> Iterable[str]:
    """Those that share a target with another one; one that may have any shares it with all."""
    if None in jobs.values():
        return jobs if len(jobs) > 1 else ()
    named = {name: targets for name, targets in jobs.items() if targets}
    count = Counter(target for targets in named.values() for target in targets)
    return [name for name, targets in named.items() if any(count[target] > 1 for target in targets)]


def _targets(job: JobConfig, catalog: Catalog) -> frozenset[Target] | None:
    """The KPIs and value kinds that a map names; None if its rows do."""
    found = set()
    for spec in job.map.values:
        if not isinstance(spec.kpi, str) or not isinstance(spec.value, str):
            return None
        try:
            kpi = kpi_of(catalog, spec.kpi)
            found.add((kpi.id, value_id(kpi, spec.value)))
        except Unmapped:
            return None
    return frozenset(found)
