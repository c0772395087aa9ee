"""The checked configuration: what every other part of kpisync is built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kpisync.config.groups import Kpis, groups_at, kpis_of
from kpisync.config.problems import Problem
from kpisync.config.schema import AlertOptions, CatchUp, RetentionOptions, ServeOptions
from kpisync.config.secrets import Secrets
from kpisync.mapping.options import Empty, LookbackSpan, MapOptions, OpenPeriods
from kpisync.mapping.workdays import Workdays
from kpisync.model import Catalog, FiscalCalendar
from kpisync.ports import AdapterSpec, Destination, DestinationOptions, Source, Surroundings
from kpisync.sync.options import Absent, GuardOptions


@dataclass(frozen=True)
class Settings:
    """What holds for the whole configuration.

    `state` is a URL; a path in it is good from the current directory. Of `serve`, `alerts` and `retention`, None says
    that its section has problems: it must not be acted upon, but no run depends on it.
    """

    timezone: ZoneInfo
    state: str
    serve: ServeOptions | None
    alerts: AlertOptions | None
    retention: RetentionOptions | None


@dataclass(frozen=True)
class Schedule:
    cron: str
    timezone: ZoneInfo
    catch_up: CatchUp


@dataclass(frozen=True)
class SourceConfig:
    """A source as the job describes it; `spec.build(options, …)` makes it."""

    type: str
    spec: AdapterSpec[Source]
    options: Any


@dataclass(frozen=True)
class DestinationConfig:
    """A destination as the file describes it; `spec.build(options, …)` makes it."""

    name: str
    type: str
    spec: AdapterSpec[Destination]
    options: DestinationOptions


@dataclass(frozen=True)
class JobConfig:
    """A sound job: its destination, lookups and catalog names are known.

    `place` is `file:line`; `lookback` None means all; `open_periods` None means: skip where values are aggregated.
    `deadline` is for runs that nobody waits for. `digest` changes with anything the job's own part of the file, or
    `defaults`, says; it holds no secret.
    """

    name: str
    place: str
    enabled: bool
    schedule: Schedule | None
    source: SourceConfig
    transform: str | None
    map: MapOptions
    destination: str
    after: tuple[str, ...]
    lookback: LookbackSpan | None
    open_periods: OpenPeriods | None
    empty: Empty
    absent: Absent
    guard: GuardOptions
    deadline: timedelta
    digest: str

    @property
    def needs_range_without_lookback(self) -> bool:
        """True if the source cannot be read without dates and the job sets none: a range must be given by hand.

        Builds the source to ask it; raises what building raises.
        """
        if self.lookback is not None:
            return False
        return self.source.spec.build(self.source.options, Surroundings()).needs_range


@dataclass(frozen=True)
class Loaded:
    """All that was found: sound parts by name, and what is wrong with the others.

    `settings` is None if the file as a whole cannot be used; no job is sound then. `unsound` names every job that
    stands in the files and cannot run, with the problems that keep it from running, those of its destination and
    lookups included. Every one of them is in `problems` too, each once, in the order of the files. `read` are the files
    and folders that it was read from, there or not: another configuration may come of it when one of them changes.
    """

    file: str
    settings: Settings | None
    destinations: Mapping[str, DestinationConfig] = field(default_factory=dict)
    catalogs: Mapping[str, Catalog] = field(default_factory=dict)
    lookups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    calendars: Mapping[str, FiscalCalendar] = field(default_factory=dict)
    workdays: Mapping[str, Workdays] = field(default_factory=dict)
    jobs: Mapping[str, JobConfig] = field(default_factory=dict)
    unsound: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    secrets: Secrets = field(default_factory=Secrets)
    read: frozenset[Path] = frozenset()

    @property
    def job_names(self) -> tuple[str, ...]:
        """Sound and unsound."""
        return (*self.jobs, *self.unsound)

    @cached_property
    def groups(self) -> Mapping[str, str]:
        """Of each job the name of those that may write the same records. Two destinations may be one platform."""
        at: dict[str, dict[str, Kpis]] = {}
        for name, job in self.jobs.items():
            place = self.destinations[job.destination].options.identity
            at.setdefault(place, {})[name] = kpis_of(job.map, self.catalogs.get(job.destination, Catalog()))
        return {job: group for place, jobs in at.items() for job, group in groups_at(place, jobs).items()}
