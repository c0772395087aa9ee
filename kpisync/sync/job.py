"""A run: read, map, compare, guard, deliver, confirm. This module is that sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Protocol

from kpisync.errors import Exit, SourceError
from kpisync.mapping.apply import Mapper
from kpisync.mapping.collect import Collector
from kpisync.mapping.periods import widen
from kpisync.model import Intake, KpiValue, Table
from kpisync.ports import Clock, Destination, DestinationOptions, Rereadable, Source, State
from kpisync.sync.books import Books
from kpisync.sync.deliver import Delivery
from kpisync.sync.diff import Diff, Owner, diff, supplies_all
from kpisync.sync.errands import Queue
from kpisync.sync.guard import held
from kpisync.sync.options import Absent, GuardOptions
from kpisync.sync.pace import Weather
from kpisync.sync.partitions import WHOLE, Changed, Survey, changed, keep
from kpisync.sync.report import Report


@dataclass(frozen=True)
class Job:
    """A job ready to run: its parts built, its scope known."""

    name: str
    source: Source
    mapper: Mapper
    destination: Destination
    options: DestinationOptions
    guard: GuardOptions
    absent: Absent
    others: frozenset[str]  # the jobs beside it
    fingerprint: str = ""  # of all that decides what becomes of a row; without one, every row is always mapped


class Progress(Protocol):
    """Told now and then how far a run is."""

    def __call__(self, stage: str, done: int, total: int | None) -> None: ...


@dataclass(frozen=True)
class Tools:
    """What a run works with."""

    state: State
    clock: Clock
    stopped: Callable[[], Exit | None] = lambda: None
    progress: Progress = lambda stage, done, total: None


@dataclass
class Extract:
    """What a source states: values to be compared, and the periods beside them that did not change."""

    intake: Intake
    values: list[KpiValue]
    changes: Changed | None = None  # None: every row was mapped, and nothing is remembered of it

    @property
    def unchanged(self) -> int:
        return self.changes.unchanged if self.changes else 0


def run(job: Job, tools: Tools, report: Report, *, dry: bool = False, over_guard: bool = False) -> Intake:
    """Carry the job out and enter everything in the report; with `dry`, only find out what would be done.

    Raises what stopped it; the report then tells how far it went.
    """
    extract = read(job, tools)
    intake = extract.intake
    report.rows, report.values = intake.read, len(extract.values) + extract.unchanged
    report.skipped, report.reading = dict(intake.skipped), list(intake.notes)
    report.rejections.extend(intake.rejections)
    found = compare(job, extract, tools)
    report.unchanged += found.unchanged
    report.rejections.extend(found.rejections)
    report.held = None if over_guard else held(job.guard, intake.read, found)
    if dry or report.held is None:
        deliver(job, found, tools, report, dry)
    if extract.changes and extract.changes.digests and not dry and report.held is None:
        keep(tools.state, job.name, job.mapper, extract.changes, extract.values)
    return intake


def read(job: Job, tools: Tools) -> Extract:
    """All that the source states within the scope; the whole source is read before anything else happens."""
    intake = Intake()
    if not _can_skip(job):
        return Extract(intake, _mapped(job, intake, tools, None))
    survey = Survey(job.mapper, blake2b(job.fingerprint.encode()).digest())
    survey.take(_tables(job, intake))
    changes = changed(survey, tools.state.partitions(job.name))
    if not changes.digests:
        return Extract(intake, [], changes)
    again = Intake()
    values = _mapped(job, again, tools, changes)
    if again.origins != intake.origins:
        raise SourceError("the source changed while it was read", where=job.name, hint="Run again once it is complete")
    return Extract(again, values, changes)


def _can_skip(job: Job) -> bool:
    whole = job.mapper.kpis is None and job.mapper.teams is None
    return bool(job.fingerprint) and whole and isinstance(job.source, Rereadable) and job.source.rereadable


def _tables(job: Job, intake: Intake) -> Iterator[Table]:
    return job.source.read(widen(job.mapper.scope, job.mapper.intervals()), intake)


def _mapped(job: Job, intake: Intake, tools: Tools, changes: Changed | None) -> list[KpiValue]:
    collector = Collector(job.mapper.options.values)
    for table in _tables(job, intake):
        if changes is not None:
            table = changes.only(table, job.mapper.options.date.column, intake)
        for count, reading in enumerate(job.mapper.readings(table, intake)):
            collector.add(reading, table.origin)
            if count % 10_000 == 0:
                tools.progress("reading", intake.read, None)
    gathered = collector.keys_by_period() if changes else {}
    values = collector.values(intake)
    if changes is not None:
        changes.mapped(gathered, values)
    return values


def compare(job: Job, extract: Extract, tools: Tools) -> Diff:
    """What differs from the state store. Absent values are withdrawn only after a reading without any reject."""
    mapper, changes = job.mapper, extract.changes
    owner = Owner(job.name, tools.clock.now() + job.options.settle, job.others, may_withdraw=mapper.covers)
    whole = mapper.kpis is None and mapper.teams is None and not extract.intake.rejections
    if job.absent is Absent.WITHDRAW and whole:
        owner = replace(owner, withdraw_in=widen(mapper.scope, mapper.intervals()))
    if changes is not None and changes.same:
        owner = replace(owner, may_withdraw=lambda key: not changes.holds(key.period) and mapper.covers(key))
    found = diff(extract.values, tools.state, mapper.destination, owner)
    found.unchanged += extract.unchanged
    found.known += extract.unchanged
    return found


def deliver(job: Job, found: Diff, tools: Tools, report: Report, dry: bool) -> None:
    """Bring the platform to what the source states, window by window."""
    catalog, options = job.mapper.catalog, job.options
    queue = Queue(
        job.destination,
        options.read_before,
        lambda work: supplies_all(work, catalog),
        waits=not dry,
    )
    books = Books(tools.state, report, dry, lambda done, total: tools.progress("sending", done, total))
    weather = Weather(tools.clock, job.mapper.destination)
    if found.records and not dry:
        tools.state.forget_partitions(job.name, {WHOLE} | {record.key.period for record in found.records})
    Delivery(job.destination, options, queue, books, tools.clock, weather, tools.stopped).carry_out(found.records)
