"""A run: read, map, compare, guard, deliver, confirm. This module is that sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from kpisync.errors import Exit
from kpisync.mapping.apply import Mapper
from kpisync.mapping.collect import Collector
from kpisync.mapping.periods import widen
from kpisync.model import Intake, KpiValue
from kpisync.ports import Clock, Destination, DestinationOptions, Source, State
from kpisync.sync.books import Books
from kpisync.sync.deliver import Delivery
from kpisync.sync.diff import Diff, Owner, diff, supplies_all
from kpisync.sync.errands import Queue
from kpisync.sync.guard import held
from kpisync.sync.options import Absent, GuardOptions
from kpisync.sync.pace import Weather
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


def run(job: Job, tools: Tools, report: Report, *, dry: bool = False, over_guard: bool = False) -> Intake:
    """Carry the job out and enter everything in the report; with `dry`, only find out what would be done.

    Raises what stopped it; the report then tells how far it went.
    """
    intake = Intake()
    values = read(job, intake, tools)
    report.rows, report.values = intake.read, len(values)
    report.skipped, report.reading = dict(intake.skipped), list(intake.notes)
    report.rejections.extend(intake.rejections)
    found = compare(job, values, intake, tools)
    report.unchanged += found.unchanged
    report.rejections.extend(found.rejections)
    report.held = None if over_guard else held(job.guard, intake.read, found)
    if dry or report.held is None:
        deliver(job, found, tools, report, dry)
    return intake


def read(job: Job, intake: Intake, tools: Tools) -> list[KpiValue]:
    """All values that the source states within the scope; the whole source is read before anything else happens."""
    collector = Collector(job.mapper.options.values)
    scope = widen(job.mapper.scope, job.mapper.intervals())
    for table in job.source.read(scope, intake):
        for count, reading in enumerate(job.mapper.readings(table, intake)):
            collector.add(reading, table.origin)
            if count % 10_000 == 0:
                tools.progress("reading", intake.read, None)
    return collector.values(intake)


def compare(job: Job, values: list[KpiValue], intake: Intake, tools: Tools) -> Diff:
    """What differs from the state store. Absent values are withdrawn only after a reading without any reject."""
    over_by = tools.clock.now() + job.options.settle
    owner = Owner(job.name, over_by, job.others, may_withdraw=job.mapper.covers)
    whole = job.mapper.kpis is None and job.mapper.teams is None and not intake.rejections
    if job.absent is Absent.WITHDRAW and whole:
        owner = replace(owner, withdraw_in=widen(job.mapper.scope, job.mapper.intervals()))
    return diff(values, tools.state, job.mapper.destination, owner)


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
    Delivery(job.destination, options, queue, books, tools.clock, weather, tools.stopped).carry_out(found.records)
