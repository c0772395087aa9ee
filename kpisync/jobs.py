"""Builds jobs: the parts that a job of the configuration names, narrowed to what a command asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import partial

from kpisync.claims import ClaimingMapper, Claims
from kpisync.config.loaded import JobConfig, Loaded
from kpisync.errors import ConfigError, Exit
from kpisync.fingerprint import Fingerprints
from kpisync.gates import Gates
from kpisync.mapping.days import Days
from kpisync.mapping.keys import Unmapped, kpi_of, nearest, team_id
from kpisync.model import Catalog, RunStatus, Scope, ValueKey
from kpisync.names import Names
from kpisync.ports import Clock, Destination, KeepsApart, Platform, Progress, Source, Surroundings, Traffic
from kpisync.state.store import Store
from kpisync.sync.gate import Gate
from kpisync.sync.job import Job
from kpisync.sync.options import GuardOptions
from kpisync.sync.report import Report
from kpisync.transform.mapped import number_columns
from kpisync.transform.source import transformed


@dataclass(frozen=True)
class Request:
    """What a command asks for: which jobs (none: all enabled ones), which dates, which KPI and team."""

    jobs: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    kpi: str | None = None
    team: str | None = None
    over_guard: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether each of its jobs does all that it does by itself."""
        return not (self.first or self.last or self.kpi or self.team)


@dataclass(frozen=True)
class JobResult:
    """How one job ended, or one chunk of it; `digest` is its fingerprint, `first` and `last` the dates asked for."""

    report: Report
    exit_code: Exit
    names: Names
    digest: str = ""
    first: date | None = None
    last: date | None = None
    skipped: bool = False  # not even begun

    @property
    def status(self) -> RunStatus:
        return RunStatus.SKIPPED if self.skipped else self.report.status

    @property
    def is_settled(self) -> bool:
        """Whether the same run, begun again, would find nothing else to do before a person does something."""
        ended = self.exit_code in (Exit.OK, Exit.PARTIAL, Exit.HELD) and not self.skipped
        return ended and not self.report.in_doubt and not self.report.waiting


@dataclass(frozen=True)
class Order:
    """One execution of a job: what is asked for, over which store, and what it must heed."""

    request: Request
    store: Store
    progress: Progress
    claims: Claims | None = None
    kind: str = "run"
    guard: GuardOptions | None = None  # in place of the job's own
    due: datetime | None = None  # the due time that it is to meet; None: whatever it meets
    allowed: Mapping[ValueKey, tuple[Decimal | None, Decimal | None]] | None = (
        None  # nothing else may be written; None: anything
    )


Filter = tuple[frozenset[str] | None, frozenset[str] | None]  # ids of KPIs and of teams; None: all
_NOTHING: Filter = (frozenset(), frozenset())


@dataclass
class JobBuilder:
    """Makes jobs from a loaded configuration; what is paced across jobs is kept here."""

    loaded: Loaded
    clock: Clock
    gates: Gates
    stopped: Callable[[], Exit | None] = lambda: None

    def __post_init__(self) -> None:
        self.fingerprints = Fingerprints(self.loaded)

    def chosen(self, request: Request) -> list[str]:
        """The jobs that a request names, or every enabled one, sound or not. Raises ConfigError."""
        known = self.loaded.job_names
        for name in request.jobs:
            if name not in known:
                raise ConfigError(f"there is no job {name}{nearest(name, known)}", where=self.loaded.file)
        if request.first and request.last and request.first > request.last:
            raise ConfigError(f"--from {request.first} lies after --to {request.last}")
        self._filters(request)
        off = {name for name, job in self.loaded.jobs.items() if not job.enabled}
        return list(dict.fromkeys(request.jobs)) or [name for name in known if name not in off]

    def destination(self, name: str, traffic: Traffic) -> Destination:
        """Connected to nothing yet."""
        chosen = self.loaded.destinations[name]
        around = Surroundings(
            name=name,
            catalog=self.catalog(name),
            requests=traffic.requests[name],
            answers=traffic.answers[name],
            wait_turn=partial(self.gate(name).wait_turn, self.stopped),
            redact=self.loaded.secrets.redact,
            clock=self.clock,
        )
        return chosen.spec.build(chosen.options, around)

    def source(self, config: JobConfig, traffic: Traffic) -> Source:
        """Connected to nothing yet."""
        around = Surroundings(
            requests=traffic.requests[""],
            answers=traffic.answers[""],
            redact=self.loaded.secrets.redact,
            clock=self.clock,
            platform=partial(self._platform, traffic),
        )
        source = config.source.spec.build(config.source.options, around)
        if config.transform is None:
            return source
        return transformed(source, config.transform, number_columns(config.map))

    def _platform(self, traffic: Traffic, name: str) -> Platform:
        chosen = self.loaded.destinations[name]  # known: a job whose source names another one is not sound
        return Platform(chosen.type, self.catalog(name), partial(self.destination, name, traffic))

    def gate(self, name: str) -> Gate:
        """Of a destination: its limits hold, and its troubles count, across jobs."""
        return self.gates.of(name, self.loaded.destinations[name].options)

    def build(
        self,
        config: JobConfig,
        request: Request,
        source: Source,
        destination: Destination,
        claims: Claims | None,
        guard: GuardOptions,
    ) -> Job:
        return Job(
            config.name,
            source,
            self.mapper(config, request, self.scope(config, request, source.needs_range), claims),
            destination,
            self.loaded.destinations[config.destination].options,
            guard,
            config.absent,
            others=frozenset(self.loaded.job_names) - {config.name},
            apart=destination if isinstance(destination, KeepsApart) else None,
            fingerprint=self.fingerprints.of(config),
            gate=self.gate(config.destination),
        )

    def mapper(self, config: JobConfig, request: Request, scope: Scope, claims: Claims | None = None) -> ClaimingMapper:
        """How rows become values."""
        kpis, teams = self._filters(request).get(config.destination, (None, None))
        return ClaimingMapper(
            config.map,
            config.destination,
            self.catalog(config.destination),
            self.loaded.lookups,
            scope,
            config.empty,
            config.open_periods,
            kpis,
            teams,
            self._timezone,
            self.loaded.workdays,
            self.loaded.calendars,
            job=config.name,
            claims=claims,
        )

    def catalog(self, destination: str) -> Catalog:
        return self.loaded.catalogs.get(destination, Catalog())

    @property
    def _timezone(self) -> tzinfo:
        """The plant's."""
        return self.loaded.settings.timezone if self.loaded.settings else UTC

    def today(self, config: JobConfig) -> date:
        """The plant's, whose day may start at another time than midnight."""
        return Days(config.map.date, self._timezone).today(self.clock.now())

    def scope(self, config: JobConfig, request: Request, needs_range: bool) -> Scope:
        """The dates to look at. Raises ConfigError if a source cannot be read without, and nothing gives them."""
        today = self.today(config)
        first, last = request.first, request.last
        if first is None and last is None and config.lookback is not None:
            first = config.lookback.first(today)
        if needs_range and first is None:
            raise ConfigError(
                f"job {config.name} binds dates in its query, and nothing says which",
                where=config.place,
                hint="Give the job a lookback such as 35d, or the command --from and --to",
            )
        return Scope(today, first, today if needs_range and last is None else last)

    def _filters(self, request: Request) -> dict[str, Filter]:
        """--kpi and --team as ids, by destination; a name must be known to one destination at least."""
        found: dict[str, Filter] = {}
        problem: Unmapped | None = None
        for name, catalog in self.loaded.catalogs.items():
            try:
                kpis = None if request.kpi is None else frozenset({kpi_of(catalog, request.kpi).id})
                teams = None if request.team is None else frozenset({team_id(catalog, request.team)})
                found[name] = (kpis, teams)
            except Unmapped as unknown:
                problem = unknown
                found[name] = _NOTHING
        if problem and all(parts == _NOTHING for parts in found.values()):
            raise ConfigError(f"--kpi or --team: {problem}", where=self.loaded.file)
        return found
