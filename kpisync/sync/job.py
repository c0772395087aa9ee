"""A run: read, map, compare, guard, deliver, confirm. This module is that sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from kpisync.errors import Exit
from kpisync.mapping.apply import Mapper
from kpisync.mapping.periods import widen
from kpisync.model import Catalog, Intake, RunStatus
from kpisync.ports import Clock, Destination, DestinationOptions, KeepsApart, Progress, Source, State
from kpisync.sync.books import Books
from kpisync.sync.deliver import Delivery
from kpisync.sync.diff import Diff, Owner, diff, supplies_all
from kpisync.sync.errands import Queue
from kpisync.sync.extract import Extract, Extraction
from kpisync.sync.gate import Gate
from kpisync.sync.guard import held
from kpisync.sync.options import Absent, GuardOptions
from kpisync.sync.pace import Weather
from kpisync.sync.partitions import forget, keep
from kpisync.sync.report import Report


@dataclass(frozen=True)
class Target:
    """Where the values of a job go; `name` is the destination's. All that a delivery needs of a job."""

    job: str
    name: str
    destination: Destination
    options: DestinationOptions
    catalog: Catalog
    apart: KeepsApart | None = None  # if the destination keeps the values of a record apart
    gate: Gate | None = None  # shared by all jobs of the destination


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
    apart: KeepsApart | None = None  # if the destination keeps the values of a record apart
    gate: Gate | None = None  # shared by all jobs of the destination

    @property
    def target(self) -> Target:
        mapper = self.mapper
        parts = (self.destination, self.options, mapper.catalog, self.apart, self.gate)
        return Target(self.name, mapper.destination, *parts)


@dataclass(frozen=True)
class Tools:
    """What a run works with."""

    state: State
    clock: Clock
    stopped: Callable[[], Exit | None] = lambda: None
    progress: Progress = lambda stage, done, total: None
    waits: Callable[[datetime], None] = lambda until: None  # told once of each wait for an earlier attempt to end


def run(job: Job, tools: Tools, report: Report, *, dry: bool = False, over_guard: bool = False) -> Intake:
    """Carry the job out and enter everything in the report; with `dry`, only find out what would be done.

    Raises what stopped it; the report then tells how far it went.
    """
    extraction = Extraction(job.name, job.source, job.mapper, job.fingerprint, tools.state, tools.progress)
    extract = extraction.extract()
    intake = extract.intake
    report.rows, report.values = intake.read, len(extract.values) + extract.unchanged
    report.skipped, report.reading = dict(intake.skipped), list(intake.notes)
    report.rejections.extend(intake.rejections)
    found = compare(job, extract, tools)
    report.unchanged += found.unchanged
    report.undone = found.undone
    report.rejections.extend(found.rejections)
    report.held = None if over_guard or extract.nothing else held(job.guard, intake.read, found)
    if dry or report.held is None:
        deliver(job.target, found, tools, report, dry)
    if extract.changes and not dry and report.held is None:
        clean = report.status is RunStatus.OK
        keep(tools.state, job.name, job.mapper, extract.changes, extract.values, intake, clean)
    return intake


def compare(job: Job, extract: Extract, tools: Tools) -> Diff:
    """What differs from the state store. Absent values are withdrawn only after a reading without any reject."""
    mapper, changes = job.mapper, extract.changes
    owner = Owner(job.name, tools.clock.now() + job.options.settle, job.others, may_withdraw=mapper.covers)
    whole = mapper.kpis is None and mapper.teams is None and not extract.intake.rejections and not extract.nothing
    if job.absent is Absent.WITHDRAW and whole:
        owner = replace(owner, withdraw_in=widen(mapper.scope, mapper.rhythms()))
    if changes is not None and changes.same:
        owner = replace(owner, may_withdraw=lambda key: not changes.holds(key.period) and mapper.covers(key))
    found = diff(extract.values, tools.state, mapper.destination, owner)
    found.unchanged += extract.unchanged
    found.known += extract.unchanged
    return found


def deliver(target: Target, found: Diff, tools: Tools, report: Report, dry: bool) -> None:
    """Bring the platform to what is wanted, window by window."""
    destination, options = target.destination, target.options
    queue = Queue(destination, options.read_before, lambda work: supplies_all(work, target.catalog), waits=not dry)
    books = Books(tools.state, report, dry, partial(tools.progress, "sending"), tools.clock.monotonic)
    weather = Weather(tools.clock, target.name, target.gate)
    if found.restated and not dry:
        tools.state.forget_undone(found.restated)
    if found.records and not dry:
        forget(tools.state, target.job, (record.key.period for record in found.records))
    delivery = Delivery(
        destination, options, queue, books, tools.clock, weather, tools.stopped, target.apart, tools.waits
    )
    delivery.carry_out(found.records)
