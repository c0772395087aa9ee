"""The composition root: runs jobs one after the other, each as far as it goes; the one module that knows all others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from kpisync.chunks import chunk_guard, cut
from kpisync.claims import Claims, shared_by
from kpisync.config.loaded import JobConfig
from kpisync.errors import Exit, HeldError, Interrupted, KpisyncError, LockedError, StateError, combined
from kpisync.jobs import JobResult, Order, Request
from kpisync.mapping.options import LookbackSpan
from kpisync.model import Catalog, Intake, RunStatus, Scope, ValueKey
from kpisync.names import Names
from kpisync.ports import Progress
from kpisync.reports import run_json
from kpisync.savedplan import (
    NotPlanned,
    Numbers,
    Only,
    SavedPlan,
    allowed_by,
    enter,
    moved,
    not_planned,
    plan_document,
    refuse_if_moved,
)
from kpisync.schedule import last_due
from kpisync.sequence import Predecessors, in_order
from kpisync.state.dues import is_met, meet
from kpisync.state.lock import job_lock
from kpisync.state.open import open_readonly
from kpisync.state.rejects import Looked
from kpisync.state.store import Store
from kpisync.sync.job import Tools, run
from kpisync.sync.report import Report
from kpisync.workshop import Workshop

log = structlog.get_logger()

_SIGNALS = (Exit.SIGINT, Exit.SIGTERM)
_ENDED = (Exit.OK, Exit.PARTIAL)


class App(Workshop):
    """Runs and plans jobs. Raises ConfigError for a request that cannot be meant."""

    def plan(self, request: Request) -> Iterator[JobResult]:
        """What a run would do: reads only, of sources, platforms and the state store. Raises Interrupted."""
        names = self.chosen(request)
        with closing(open_readonly(self.settings.state)) as store:
            order = Order(request, store, self.progress, Claims(store, shared_by(self.loaded, names)))
            for name in names:
                self._stop_if_asked()
                result = (
                    self._unsound(name) or self._carry_out(self.loaded.jobs[name], order, Report(name), dry=True)[0]
                )
                if result.exit_code in _SIGNALS:
                    raise Interrupted(result.exit_code)
                yield result

    def run(
        self, request: Request, allowed: Mapping[str, Mapping[ValueKey, Numbers]] | None = None
    ) -> Iterator[JobResult]:
        """Run the jobs one after the other, each as far as it can; with `allowed`, by job, nothing else is written.

        A job that a signal ends is the last result; raises Interrupted if one comes between two jobs.
        """
        names = self.chosen(request)
        with self.open_store() as store:
            order = Order(request, store, self.progress, Claims(store, shared_by(self.loaded, names)))
            before = Predecessors(self.loaded.jobs, store)
            for name in names:
                self._stop_if_asked()
                if obstacle := before.obstacle(name):
                    before.enter(name, Exit.HELD)
                    yield self._not_begun(name, obstacle, Exit.HELD)
                    continue
                mine = order if allowed is None else replace(order, allowed=allowed.get(name, {}))
                for result in self._under_lock(name, [mine]):
                    before.enter(name, result.exit_code)
                    yield result
                    if result.exit_code in _SIGNALS:
                        return

    def run_due(self, name: str, at: datetime, request: Request) -> JobResult | None:
        """Run a sound job because it is due; None if that due time is met by now, by whatever process.

        A run that does not meet it, so that it is to be tried again, leaves it open. Raises Interrupted.
        """
        with self.open_store() as store:
            if obstacle := Predecessors(self.loaded.jobs, store).obstacle(name):
                return self._not_begun(name, obstacle, Exit.HELD)
            claims = Claims(store, shared_by(self.loaded, [name]))
            order = Order(request, store, self.progress, claims, due=at)
            results = list(self._under_lock(name, self._unless_met(name, order)))
            return results[0] if results else None

    def _unless_met(self, name: str, order: Order) -> Iterator[Order]:
        """Asked under the job's lock, so that nobody meets it in between."""
        if order.due and not is_met(order.store, name, order.due, self.clock.now()):
            yield order

    def backfill(self, request: Request, span: LookbackSpan) -> Iterator[JobResult]:
        """Run one job over a range, chunk by chunk, oldest first; between two chunks other runs get their turn.

        Each chunk is a run of its own. One that could not be carried out, or was held, is the last. Nothing needs to be
        remembered for a next call to go on: what is confirmed makes no request.
        """
        (name,) = self.chosen(request)
        if unsound := self._unsound(name):
            yield unsound
            return
        with self.open_store() as store:
            rows = [0]
            for result in self._under_lock(name, self._chunks(name, request, span, store, rows), "backfill"):
                rows.append(result.report.rows)
                yield result

    def apply(self, saved: SavedPlan, over_guard: bool) -> Iterator[JobResult]:
        """Do exactly what a saved plan says. Raises HeldError, with nothing sent, unless a plan says the same now."""
        if gone := [job.job for job in saved.jobs if job.job not in self.loaded.job_names]:
            raise moved(f"there is no job {gone[0]} any more")
        if not saved.jobs:
            return
        request = saved.asked(over_guard)
        now = list(self.plan(request))
        for result in now:
            if result.report.error is not None and result.exit_code is not Exit.OK:
                raise moved(f"job {result.report.job}: {result.report.error}", combined(one.exit_code for one in now))
        refuse_if_moved(saved, plan_document(request, now, self.loaded.secrets.redact))
        yield from self.run(request, {result.report.job: allowed_by(result.report.changes) for result in now})

    def chosen(self, request: Request) -> list[str]:
        """The jobs that a request names, or every enabled one, sound or not, each behind those it comes after."""
        return in_order(self.builder.chosen(request), self.loaded.jobs)

    # ------------------------------------------------------------ one job

    def _unsound(self, name: str) -> JobResult | None:
        """A broken job is a result, so that it does not keep the others from running."""
        if name not in self.loaded.unsound:
            return None
        report = Report(name)
        report.error = "\n".join(str(problem) for problem in self.loaded.unsound[name])
        return JobResult(report, Exit.CONFIG, Names(Catalog()))

    def _chunks(
        self, name: str, request: Request, span: LookbackSpan, store: Store, rows: list[int]
    ) -> Iterator[Order]:
        """An order for each chunk, made when its turn comes; `rows` are those of the chunks before it."""
        config = self.loaded.jobs[name]
        assert request.first and request.last  # noqa: S101 - the command requires both
        mapper = self.builder.mapper(config, request, Scope(self.builder.today(config)))
        chunks = cut(request.first, request.last, span, mapper.rhythms())
        for done, (first, last) in enumerate(chunks):
            nothing_yet = done == len(chunks) - 1 and not any(rows)
            guard = chunk_guard(config.guard, config.absent, nothing_yet)
            narrowed = replace(request, first=first, last=last)
            progress = self._part(f"{first} to {last}", done, len(chunks))
            yield Order(narrowed, store, progress, kind="backfill", guard=guard)

    def _part(self, title: str, done: int, total: int) -> Progress:
        """The progress of one chunk: counted in chunks, so that the time left is that of all of them."""
        self.progress(title, done, total)
        return lambda stage, at, of: self.progress(f"{title}, {stage}", done, total)

    def _under_lock(self, name: str, orders: Iterable[Order], kind: str = "run") -> Iterator[JobResult]:
        """Execute a job, mostly once; after an order that could not be carried out no other follows.

        The job's lock is refused at once where it is taken; for the turn to write its records every order waits.
        """
        if unsound := self._unsound(name):
            yield unsound
            return
        config, report = self.loaded.jobs[name], Report(name)
        try:
            with job_lock(self.settings.state, name, None, kind):
                for order in orders:
                    self._stop_if_asked()
                    report = Report(name)
                    with self.turn(name):
                        result = self._record(config, order, report)
                    yield result
                    if result.exit_code not in _ENDED:
                        return
        except LockedError as taken:
            yield self._not_begun(name, self.said(taken), taken.exit_code)
        except StateError as error:
            report.error = self.said(error)
            yield JobResult(report, error.exit_code, self.names(config.destination))

    def _not_begun(self, name: str, why: str, exit_code: Exit) -> JobResult:
        """Of a sound job."""
        report = Report(name)
        report.error = why
        return JobResult(report, exit_code, self.names(self.loaded.jobs[name].destination), skipped=True)

    def _record(self, config: JobConfig, order: Order, report: Report) -> JobResult:
        store, started = order.store, self.clock.now()
        with self.begun(store, report, order.kind, config.digest) as told:
            result, intake = self._carry_out(config, order, report, dry=False)
            looked = self._looked(config, order.request, result.exit_code)
            store.reject(report.run or "", report.rejections, looked)
            for note in report.reading:
                log.info("read", note=note)
            counts = {name: getattr(report, name) for name in ("rows", "values", "unchanged", "confirmed", "in_doubt")}
            log.info("run ended", status=str(result.status), **counts)
            told(status=str(result.status))
            self._keep(config, order, result, intake, started)
        return result

    def _keep(self, config: JobConfig, order: Order, result: JobResult, intake: Intake, started: datetime) -> None:
        store, report, run = order.store, result.report, result.report.run or ""
        shown = run_json(report, result.status, result.names, result.first, result.last)
        if found := self.builder.gate(config.destination).turns.found:
            store.keep_rate(config.destination, found)
        store.finish_run(run, self.clock.now(), result.status, result.exit_code, shown, intake.origins)
        if result.is_settled and (due := _due_of(config, order, started)):
            meet(store, [(config.name, due)], self.clock.now(), run)

    def _looked(self, config: JobConfig, request: Request, ended: Exit) -> Looked | None:
        """What a run says of the rejects of its job; None if it was broken off: then it may not have seen them."""
        if ended not in (*_ENDED, Exit.HELD):
            return None
        whole = ended in _ENDED and request.kpi is None and request.team is None
        scope = self.builder.scope(config, request, needs_range=False)
        return Looked(request.first, request.last, scope, whole)

    def _carry_out(self, config: JobConfig, order: Order, report: Report, *, dry: bool) -> tuple[JobResult, Intake]:
        request, intake = order.request, Intake()
        result = JobResult(
            report,
            Exit.OK,
            self.names(config.destination),
            self.builder.fingerprints.of(config),
            request.first,
            request.last,
        )
        waits = partial(self.waiting, config.name)
        tools = Tools(order.store, self.clock, self.stopped, self._heeding(order.progress), waits)
        try:
            order.store.require(config.destination, self.loaded.destinations[config.destination].options.identity)
            turns = self.builder.gate(config.destination).turns
            turns.begin_at(order.store.rate(config.destination))
            with closing(self.builder.destination(config.destination, report.traffic)) as destination:
                source = self.builder.source(config, report.traffic)
                guard = order.guard or config.guard
                job = self.builder.build(config, request, source, destination, order.claims, guard)
                if order.allowed is not None:
                    job = replace(job, destination=Only(destination, order.allowed, not_planned))
                intake = run(job, tools, report, dry=dry, over_guard=request.over_guard)
        except Interrupted as interrupted:
            report.error = interrupted.why
            return replace(result, exit_code=interrupted.exit_code), intake
        except NotPlanned as stop:
            enter(stop, report)
        except HeldError as stop:
            report.held = self.said(stop)
        except KpisyncError as error:
            report.error = self.said(error)
            return replace(result, exit_code=error.exit_code), intake
        code = {RunStatus.HELD: Exit.HELD, RunStatus.PARTIAL: Exit.PARTIAL}.get(report.status, Exit.OK)
        return replace(result, exit_code=code), intake

    def _heeding(self, progress: Progress) -> Progress:
        """While a source is read, nothing is in flight that a signal would have to wait for."""

        def told(stage: str, done: int, total: int | None) -> None:
            if stage == "reading":
                self._stop_if_asked()
            progress(stage, done, total)

        return told

    def _stop_if_asked(self) -> None:
        if (code := self.stopped()) is not None:
            raise Interrupted(code)


def _due_of(config: JobConfig, order: Order, started: datetime) -> datetime | None:
    """The due time that a run meets: every whole run of a scheduled job meets the last one, whoever began it."""
    if order.due or order.kind != "run" or not order.request.is_whole or config.schedule is None:
        return order.due
    return last_due(config.schedule, started)
