"""What these commands have in common: a job's platform to look at, and a place in the history."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import structlog

from kpisync.errors import ConfigError, Exit, Interrupted, KpisyncError, LockedError, StateError
from kpisync.model import RunStatus, ValueKey
from kpisync.names import Names
from kpisync.ports import KeepsApart
from kpisync.reports import run_json
from kpisync.state.lock import job_lock
from kpisync.state.store import Store
from kpisync.sync.job import Target, Tools
from kpisync.sync.look import Shown, carefully, look
from kpisync.sync.report import Report
from kpisync.workshop import Workshop

log = structlog.get_logger()


@dataclass(frozen=True)
class Visit:
    """A job's values at its platform, for as long as a command deals with them."""

    target: Target
    tools: Tools
    store: Store
    names: Names
    report: Report

    def look(self, keys: Collection[ValueKey]) -> Shown:
        return look(self.target, keys, self.tools, self.report, self.names.path)


class Ended(NamedTuple):
    """What came of a piece of work: whether nothing is left for a person, and what its run keeps of it."""

    well: bool
    kept: Mapping[str, Any]


class Upkeep(Workshop):
    """Looks after what was sent."""

    @contextmanager
    def visit(self, job: str, destination: str, store: Store, report: Report) -> Iterator[Visit]:
        """Whatever the destination's settings are, it is read first, and another hand's numbers are left alone."""
        if destination not in self.loaded.destinations:
            what = f"destination {destination}, where job {job} sent its values, is not in the configuration, or broken"
            raise ConfigError(what, where=self.loaded.file, hint="Put it back, or see `kpisync check`")
        options = self.loaded.destinations[destination].options
        store.require(destination, options.identity)
        with closing(self.builder.destination(destination, report.traffic)) as built:
            apart = built if isinstance(built, KeepsApart) else None
            catalog, gate = self.builder.catalog(destination), self.builder.gate(destination)
            gate.turns.begin_at(store.rate(destination))
            target = carefully(Target(job, destination, built, options, catalog, apart, gate))
            tools = Tools(store, self.clock, self.stopped, self.progress, partial(self.waiting, job))
            yield Visit(target, tools, store, self.names(destination), report)

    def carry_out(
        self,
        kind: str,
        report: Report,
        names: Names,
        work: Callable[[Store], Ended],
        first: date | None = None,
        last: date | None = None,
    ) -> Exit:
        """Do some work as a run of its own, under the job's lock and in its turn; what stops it is in the report."""
        config = self.loaded.jobs.get(report.job)
        try:
            with (
                self.open_store() as store,
                job_lock(self.settings.state, report.job),
                self.turn(report.job),
                self.begun(store, report, kind, config.digest if config else "") as told,
            ):
                code, kept = self._done(report, partial(work, store))
                status = RunStatus.PARTIAL if code is Exit.PARTIAL else report.status
                shown = {**run_json(report, status, names, first, last), **kept}
                log.info("run ended", status=str(status))
                told(status=str(status))
                run = report.run or ""
                store.reject(run, report.rejections)
                store.finish_run(run, self.clock.now(), status, code, shown)
                return code
        except (LockedError, StateError) as error:
            report.error = self.said(error)
            return error.exit_code

    def _done(self, report: Report, work: Callable[[], Ended]) -> tuple[Exit, Mapping[str, Any]]:
        try:
            well, kept = work()
        except Interrupted as interrupted:
            report.error = "interrupted"
            return interrupted.exit_code, {}
        except KpisyncError as error:
            report.error = self.said(error)
            return error.exit_code, {}
        return (Exit.OK if well and report.status is RunStatus.OK else Exit.PARTIAL), kept

    def broken(self, report: Report) -> bool:
        """Whether the configuration of a job is broken; the report then says how."""
        problems = self.loaded.unsound.get(report.job, ())
        report.error = "\n".join(map(str, problems)) or None
        return bool(problems)
