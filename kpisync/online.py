"""What the platforms of a configuration have: read for `discover`, held against the catalog for `check --online`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace

from kpisync.catalogs.merge import Discovered
from kpisync.catalogs.scalars import tidy
from kpisync.config.findings import Findings, Node
from kpisync.config.loaded import JobConfig, Loaded
from kpisync.config.problems import Problem
from kpisync.errors import ConfigError, KpisyncError
from kpisync.gates import Gates
from kpisync.jobs import JobBuilder
from kpisync.mapping.bind import team_of
from kpisync.mapping.keys import Unmapped, kpi_of, nearest, team_id
from kpisync.mapping.value_options import CellRef
from kpisync.model import Catalog, CatalogKpi
from kpisync.ports import Clock, Destination, HasMeta, Meta, MetaKpi, SupposesInterval, Traffic, Unreadable

Told = Callable[[int, int], None]  # how many KPIs are read, and of how many


@contextmanager
def open_destination(loaded: Loaded, name: str, clock: Clock) -> Iterator[Destination]:
    """Raises ConfigError for a destination that does not exist or is not sound."""
    if name not in loaded.destinations:
        raise _no_destination(loaded, name)
    with closing(JobBuilder(loaded, clock, Gates(clock)).destination(name, Traffic())) as destination:
        yield destination


@contextmanager
def open_meta(loaded: Loaded, name: str, clock: Clock) -> Iterator[Meta | None]:
    """What a destination tells of its platform; None where destinations of its type cannot tell."""
    with open_destination(loaded, name, clock) as destination:
        yield destination.meta() if isinstance(destination, HasMeta) else None


def _no_destination(loaded: Loaded, name: str) -> ConfigError:
    broken = [problem for problem in loaded.problems if problem.owner in ((), ("destinations", name))]
    if broken:
        return ConfigError(broken[0].message, where=broken[0].place, hint=broken[0].hint)
    known = ", ".join(loaded.destinations) or "none"
    what = f"there is no destination {name}{nearest(name, loaded.destinations)}"
    return ConfigError(what, where=loaded.file, hint=f"Destinations: {known}")


def discovered(meta: Meta, known: Catalog, told: Told) -> Discovered:
    """Everything that a platform shows; what it does not say of intervals is as the catalog has it, or supposed."""
    teams, names = meta.teams(), meta.kpis()
    found: list[MetaKpi] = []
    unread: dict[str, str] = {}
    for id, name in names.items():
        told(len(found), len(names))
        try:
            kpi = meta.kpi(id)
        except Unreadable as bad:
            kpi, unread[id] = None, _why(bad)
        else:
            if kpi is None:
                unread[id] = "it was not found"
        found.append(_with_interval(kpi or MetaKpi(id, name), known.kpi(id), meta))
    return Discovered(teams, found, unread)


def _with_interval(kpi: MetaKpi, own: CatalogKpi | None, meta: Meta) -> MetaKpi:
    if kpi.interval is not None or not isinstance(meta, SupposesInterval):
        return kpi
    return replace(kpi, interval=own.interval if own else meta.supposed_interval)


def _why(bad: Unreadable) -> str:
    return f"status {bad.reply.status}: {bad.reply.words}" if bad.reply.status else bad.reply.words


# ---------------------------------------------------------------- the catalog, looked up


@dataclass
class LookUp:
    """One destination, looked at: `problems` are mistakes in its catalog, `error` is why it could not be used."""

    destination: str
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    error: KpisyncError | None = None
    can_tell: bool = True  # False: nothing is known of what its platform has
    kpis: int = 0
    teams: int = 0


def look_up(loaded: Loaded, name: str, clock: Clock, node: Node | None, told: Told) -> LookUp:
    """Log in to a destination and look every id of its catalog up; `node` is the catalog as it stands in the files."""
    outcome = LookUp(name)
    catalog = loaded.catalogs.get(name, Catalog())
    try:
        with open_meta(loaded, name, clock) as meta:
            outcome.can_tell = meta is not None
            if meta is not None:
                _Comparison(loaded, name, catalog, node, meta, outcome).carry_out(told)
    except KpisyncError as error:
        outcome.error = error
    return outcome


@dataclass
class _Comparison:
    loaded: Loaded
    name: str
    catalog: Catalog
    node: Node | None
    meta: Meta
    outcome: LookUp

    def __post_init__(self) -> None:
        self._problems, self._warnings = Findings(self.loaded.secrets), Findings(self.loaded.secrets)
        self.outcome.problems, self.outcome.warnings = self._problems.problems, self._warnings.problems

    def carry_out(self, told: Told) -> None:
        teams = self.meta.teams()  # the login
        if self.node is None:
            return
        for name, id in self.catalog.teams.items():
            self.outcome.teams += 1
            if id not in teams:
                self._missing(self.node.at("teams", name), f"team {name}", id, teams)
        names = self.meta.kpis() if self.catalog.kpis else {}
        for name, kpi in self.catalog.kpis.items():
            told(self.outcome.kpis, len(self.catalog.kpis))
            self.outcome.kpis += 1
            self._kpi(self.node.at("kpis", name), kpi, names, teams)

    def _missing(self, node: Node, what: str, id: str, names: Mapping[str, str]) -> None:
        """An id that the platform does not have; perhaps it has the name, under another id."""
        own = node.trail[-1] if node.trail[-1] != "id" else node.trail[-2]
        same = [each for each, name in names.items() if tidy(name) == own]
        hint = f"It has that name with the id {same[0]}" if same else f"kpisync discover {self.name} shows what it has"
        self._problems.add(node, f"{what}: the platform has no such id, {id}", hint)

    def _kpi(self, node: Node, kpi: CatalogKpi, names: Mapping[str, str], teams: Mapping[str, str]) -> None:
        try:
            found = self.meta.kpi(kpi.id)
        except Unreadable as bad:
            message = f"KPI {kpi.name} could not be looked up: {tidy(_why(bad))}"
            self._warnings.add(node.at("id"), message, "Ask the platform's owner whether the API user may see it")
            return
        if found is None:
            self._missing(node.at("id"), f"KPI {kpi.name}", kpi.id, names)
            return
        if not isinstance(self.meta, SupposesInterval):
            self._interval(node.at("interval"), kpi, found)
        self._aggregation(node, kpi, found)
        if found.values:  # where the platform shows none, it may hide them
            self._parts(node.at("values"), kpi, "value", kpi.values, found.values)
        if found.sub_tiles:
            self._parts(node.at("sub_tiles"), kpi, "sub-tile", kpi.sub_tiles, found.sub_tiles)
        for warning in self._not_recording(kpi, found, teams):
            self._warnings.problems.append(warning)

    def _interval(self, node: Node, kpi: CatalogKpi, found: MetaKpi) -> None:
        if found.interval is None:
            message = f'KPI {kpi.name}: the platform says "{tidy(found.says)}" of its interval, which is not understood'
            self._warnings.add(node, message, f"Make sure that {kpi.interval} is right")
        elif found.interval is not kpi.interval:
            message = f'KPI {kpi.name}: the catalog says {kpi.interval}, the platform "{tidy(found.says)}"'
            self._problems.add(node, message, f"Write interval: {found.interval}")

    def _aggregation(self, node: Node, kpi: CatalogKpi, found: MetaKpi) -> None:
        if found.aggregation is None or found.aggregation is kpi.aggregation:
            return
        if kpi.aggregation is None:
            message = f"KPI {kpi.name} has aggregation {found.aggregation} on the platform, which the catalog lacks"
            self._warnings.add(node, message, f"kpisync discover {self.name} --write FILE adds it", key=True)
        else:
            message = f"KPI {kpi.name}: the catalog says {kpi.aggregation}, the platform {found.aggregation}"
            self._problems.add(node.at("aggregation"), message, f"Write aggregation: {found.aggregation}")

    def _parts(self, node: Node, kpi: CatalogKpi, what: str, own: Mapping[str, str], theirs: Mapping[str, str]) -> None:
        for name, id in own.items():
            if id not in theirs and node.at(name).value is not None:  # what stands there by default was not written
                self._missing(node.at(name), f"{what} {name} of KPI {kpi.name}", id, theirs)
        lacking = {id: tidy(name) for id, name in theirs.items() if id not in own.values()}
        for id, name in lacking.items():
            message = f'KPI {kpi.name} has a {what} "{name}" on the platform, {id}, which the catalog lacks'
            self._warnings.add(node, message, f"kpisync discover {self.name} --write FILE adds it", key=True)

    def _not_recording(self, kpi: CatalogKpi, found: MetaKpi, teams: Mapping[str, str]) -> Iterator[Problem]:
        """Jobs that may send a KPI for teams that the platform does not record it for."""
        if not found.teams:
            return
        names = {id: name for name, id in self.catalog.teams.items()}
        for job in self.loaded.jobs.values():
            others = [names.get(id, id) for id in self._teams_of(job, kpi) if id in teams and id not in found.teams]
            if others:
                recording = ", ".join(names.get(id, tidy(name)) for id, name in found.teams.items())
                message = f"job {job.name} may send KPI {kpi.name} for {', '.join(others)}"
                hint = f"The platform records it for {recording} only"
                yield Problem(job.place, message, hint, ("jobs", job.name))

    def _teams_of(self, job: JobConfig, kpi: CatalogKpi) -> list[str]:
        """The ids of all teams for which a job's map can name a KPI; without those that only its rows know."""
        if job.destination != self.name:
            return []
        found: dict[str, None] = {}
        for spec in job.map.values:
            if kpi.id in self._ids(spec.kpi, lambda text: kpi_of(self.catalog, text).id):
                found |= dict.fromkeys(self._ids(team_of(spec, job.map), lambda text: team_id(self.catalog, text)))
        return list(found)

    def _ids(self, ref: str | CellRef | None, find: Callable[[str], str]) -> list[str]:
        names = [ref] if isinstance(ref, str) else []
        if isinstance(ref, CellRef) and ref.lookup is not None:
            names = list(self.loaded.lookups[ref.lookup].values())
        ids = []
        for name in names:
            try:
                ids.append(find(name))
            except Unmapped:
                continue
        return ids
