"""The composition root: builds jobs from the configuration and runs them; the one module that knows all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date

import structlog

from kpisync.config.loaded import JobConfig, Loaded, Settings
from kpisync.errors import ConfigError, Exit, Interrupted, KpisyncError, LockedError, StateError
from kpisync.mapping.apply import Mapper
from kpisync.mapping.keys import Unmapped, kpi_of, nearest, team_id
from kpisync.model import Catalog, Intake, RunStatus, Scope
from kpisync.names import Names
from kpisync.ports import Clock, Destination, Surroundings
from kpisync.reports import run_json
from kpisync.state.lock import job_lock
from kpisync.state.open import open_readonly, open_store
from kpisync.state.store import Store
from kpisync.support.clock import SystemClock
from kpisync.sync.job import Job, Progress, Tools, run
from kpisync.sync.pace import Turns
from kpisync.sync.report import Report

log = structlog.get_logger()


@dataclass(frozen=True)
class Request:
    """What a command asks for: which jobs (none: all enabled ones), which dates, which KPI and team."""

    jobs: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    kpi: str | None = None
    team: str | None = None
    over_guard: bool = False


@dataclass(frozen=True)
class JobResult:
    """How one job ended."""

    report: Report
    exit_code: Exit
    names: Names

    @property
    def status(self) -> RunStatus:
        return RunStatus.SKIPPED if self.exit_code is Exit.LOCKED else self.report.status


@dataclass
class App:
    """kpisync over one loaded configuration. Raises ConfigError for a request that cannot be meant."""

    loaded: Loaded
    clock: Clock = field(default_factory=SystemClock)
    stopped: Callable[[], Exit | None] = lambda: None
    progress: Progress = lambda stage, done, total: None
    _turns: dict[str, Turns] = field(default_factory=dict)  # by destination: its rate limit holds across jobs

    def plan(self, request: Request) -> Iterator[JobResult]:
        """What a run would do: reads only, of sources, platforms and the state store."""
        names = self.chosen(request)
        with closing(open_readonly(self.settings.state)) as store:
            for name in names:
                yield self._guarded(name, request, lambda name=name: self._plan_one(name, request, store))  # type: ignore[misc]

    def run(self, request: Request) -> Iterator[JobResult]:
        """Run the jobs one after the other, each as far as it can. Raises Interrupted between or in jobs."""
        names = self.chosen(request)
        with closing(open_store(self.settings.state, self.clock)) as store:
            for name in names:
                yield self._guarded(name, request, lambda name=name: self._run_one(name, request, store))  # type: ignore[misc]

    def chosen(self, request: Request) -> list[str]:
        """The jobs that a request names, or every enabled one, sound or not."""
        known = self.loaded.job_names
        for name in request.jobs:
            if name not in known:
                raise ConfigError(f"there is no job {name}{nearest(name, known)}", where=self.loaded.file)
        if request.first and request.last and request.first > request.last:
            raise ConfigError(f"--from {request.first} lies after --to {request.last}")
        self._filters(request)
        off = {name for name, job in self.loaded.jobs.items() if not job.enabled}
        return list(dict.fromkeys(request.jobs)) or [name for name in known if name not in off]

    @property
    def settings(self) -> Settings:
        if self.loaded.settings is None:
            raise ConfigError("the configuration cannot be used", where=self.loaded.file)
        return self.loaded.settings

    def names(self, destination: str) -> Names:
        return Names(self.loaded.catalogs.get(destination, Catalog()))

    # ------------------------------------------------------------ one job

    def _guarded(self, name: str, request: Request, act: Callable[[], JobResult]) -> JobResult:
        """A broken job is a result, so that it does not keep the others from running."""
        if name not in self.loaded.unsound:
            return act()
        report = Report(name)
        report.error = "\n".join(str(problem) for problem in self.loaded.unsound[name])
        return JobResult(report, Exit.CONFIG, Names(Catalog()))

    def _plan_one(self, name: str, request: Request, store: Store) -> JobResult:
        report = Report(name)
        return self._carry_out(name, request, store, report, dry=True)[0]

    def _run_one(self, name: str, request: Request, store: Store) -> JobResult:
        report = Report(name)
        names = self.names(self.loaded.jobs[name].destination)
        try:
            with job_lock(self.settings.state, name):
                return self._record(name, request, store, report)
        except (LockedError, StateError) as error:
            report.error = self._said(error)
            return JobResult(report, error.exit_code, names)

    def _record(self, name: str, request: Request, store: Store, report: Report) -> JobResult:
        config = self.loaded.jobs[name]
        report.run = store.begin_run(name, "run", self.clock.now(), config.digest)
        log.info("run started", job=name, run=report.run)
        try:
            result, intake = self._carry_out(name, request, store, report, dry=False)
        except Interrupted as interrupted:
            result, intake = JobResult(report, interrupted.exit_code, self.names(config.destination)), Intake()
            self._close(store, result, intake)
            raise
        self._close(store, result, intake)
        return result

    def _close(self, store: Store, result: JobResult, intake: Intake) -> None:
        report = result.report
        assert report.run is not None  # noqa: S101 - begun above
        store.reject(report.run, report.rejections)
        for note in report.reading:
            log.info("read", job=report.job, run=report.run, note=note)
        counts = {name: getattr(report, name) for name in ("rows", "values", "unchanged", "confirmed", "in_doubt")}
        log.info("run ended", job=report.job, run=report.run, status=str(result.status), **counts)
        shown = run_json(report, result.status, result.names)
        store.finish_run(report.run, self.clock.now(), result.status, result.exit_code, shown, intake.origins)

    def _carry_out(
        self, name: str, request: Request, store: Store, report: Report, *, dry: bool
    ) -> tuple[JobResult, Intake]:
        config = self.loaded.jobs[name]
        names, intake = self.names(config.destination), Intake()
        tools = Tools(store, self.clock, self.stopped, self.progress)
        try:
            with closing(self._destination(config, report)) as destination:
                job = self._job(config, request, destination)
                intake = run(job, tools, report, dry=dry, over_guard=request.over_guard)
            code = {RunStatus.HELD: Exit.HELD, RunStatus.PARTIAL: Exit.PARTIAL}.get(report.status, Exit.OK)
        except Interrupted:
            report.error = "interrupted"
            raise
        except KpisyncError as error:
            report.error, code = self._said(error), error.exit_code
        return JobResult(report, code, names), intake

    def _said(self, error: KpisyncError) -> str:
        return self.loaded.secrets.redact(str(error))

    def _destination(self, config: JobConfig, report: Report) -> Destination:
        chosen = self.loaded.destinations[config.destination]
        around = Surroundings(
            name=chosen.name,
            catalog=self.loaded.catalogs.get(chosen.name, Catalog()),
            requests=report.requests,
            wait_turn=self._turns.setdefault(chosen.name, Turns(chosen.options.rate_limit, self.clock)).wait,
            redact=self.loaded.secrets.redact,
        )
        return chosen.spec.build(chosen.options, around)

    def _job(self, config: JobConfig, request: Request, destination: Destination) -> Job:
        source = config.source.spec.build(config.source.options, Surroundings())
        kpis, teams = self._filters(request).get(config.destination, (None, None))
        mapper = Mapper(
            config.map,
            config.destination,
            self.loaded.catalogs.get(config.destination, Catalog()),
            self.loaded.lookups,
            self._scope(config, request, source.needs_range),
            config.empty,
            config.open_periods,
            kpis,
            teams,
        )
        others = frozenset(self.loaded.job_names) - {config.name}
        options = self.loaded.destinations[config.destination].options
        return Job(config.name, source, mapper, destination, options, config.guard, config.absent, others)

    def _scope(self, config: JobConfig, request: Request, needs_range: bool) -> Scope:
        today = self.clock.now().astimezone(self.settings.timezone).date()
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

    def _filters(self, request: Request) -> dict[str, tuple[frozenset[str] | None, frozenset[str] | None]]:
        """--kpi and --team as ids, by destination; a name must be known to one destination at least."""
        found: dict[str, tuple[frozenset[str] | None, frozenset[str] | None]] = {}
        problem: Unmapped | None = None
        for name, catalog in self.loaded.catalogs.items():
            try:
                kpis = None if request.kpi is None else frozenset({kpi_of(catalog, request.kpi).id})
                teams = None if request.team is None else frozenset({team_id(catalog, request.team)})
                found[name] = (kpis, teams)
            except Unmapped as unknown:
                problem = unknown
                found[name] = (frozenset(), frozenset())
        if problem and all(parts == (frozenset(), frozenset()) for parts in found.values()):
            raise ConfigError(f"--kpi or --team: {problem}", where=self.loaded.file)
        return found
