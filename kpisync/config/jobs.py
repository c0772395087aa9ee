"""Jobs, each for itself: what is written of one, what it refers to, and whether it can run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from kpisync.config import checks
from kpisync.config.adapters import read_adapter
from kpisync.config.findings import Findings, Node
from kpisync.config.loaded import DestinationConfig, JobConfig, Schedule, Settings, SourceConfig
from kpisync.config.problems import Problem
from kpisync.config.schema import DefaultOptions, JobOptions, ScheduleOptions, time_zone
from kpisync.config.sequence import check_after
from kpisync.config.totals import check_totals
from kpisync.config.units import check_units, with_factors
from kpisync.config.validate import validate
from kpisync.config.workdays import Known, check_days
from kpisync.mapping.value_options import UnitTable
from kpisync.model import Catalog
from kpisync.ports import PlatformOptions
from kpisync.registry import Registry
from kpisync.transform.mapped import with_computed_decimals

Needs = set[tuple[str, ...]]  # owners of problems that keep a job from running


@dataclass(frozen=True)
class Context:
    """What jobs refer to; None stands for a part that has problems.

    `defaults` is the section and the same as written. `catalogs_lost`: a file that may hold one could not be read.
    """

    settings: Settings | None
    destinations: Mapping[str, DestinationConfig | None]
    catalogs: Mapping[str, Catalog | None]
    lookups: Mapping[str, Mapping[str, str] | None]
    units: Mapping[str, UnitTable | None]
    days: Known
    defaults: tuple[DefaultOptions, object]
    catalogs_lost: bool


@dataclass(frozen=True)
class _Draft:
    """A job as far as it could be read."""

    node: Node
    needs: Needs
    options: JobOptions | None
    source: SourceConfig | None


@dataclass(frozen=True)
class JobReader:
    context: Context
    registry: Registry
    findings: Findings

    def read(self, nodes: Mapping[str, Node]) -> tuple[dict[str, JobConfig], dict[str, tuple[Problem, ...]]]:
        """The sound jobs, and the problems of the others."""
        drafts = {name: self._draft(name, node) for name, node in nodes.items()}
        check_after(nodes, self.findings)
        sound: dict[str, JobConfig] = {}
        unsound: dict[str, tuple[Problem, ...]] = {}
        for name, draft in drafts.items():
            problems = self.findings.touching(draft.needs)
            job = None if problems else self._job(name, draft)
            if job:
                sound[name] = job
            else:
                unsound[name] = problems
        return sound, unsound

    def _draft(self, name: str, node: Node) -> _Draft:
        options = validate(JobOptions, node, self.findings)
        source = self._source(node.at("source"))
        # A job that is wrong elsewhere still has its map and destination looked at.
        mapped = checks.mapped_by(options.map) if options else checks.salvaged(node.at("map"))
        destination = checks.as_name(node.at("destination").value)
        needs: Needs = {("jobs", name)}
        known = self.context.destinations
        if destination is not None:
            needs |= {("destinations", destination), ("catalog", destination)}
            if destination not in self.context.catalogs:
                # A catalog of no destination may be this one's, misspelt; without it a weekly KPI would pass as daily.
                needs |= {("catalog", name) for name in self.context.catalogs if name not in known}
            checks.check_destination(node.at("destination"), destination, known, self.findings)
        needs |= {("lookups", lookup) for lookup in checks.lookups_of(mapped)}
        needs |= {("units", table) for table in check_units(node.at("map"), mapped, self.context.units, self.findings)}
        if source and isinstance(source.options, PlatformOptions):
            needs |= {(part, source.options.destination) for part in ("destinations", "catalog")}
            checks.check_platform(node.at("source"), source.type, source.options, known, self.findings)
        names = self._names(destination)
        checks.check_map(node.at("map"), mapped, names, self.findings)
        workdays = check_days(node.at("map"), mapped, self.context.days, names, self.findings)
        needs |= {("workdays", each) for each in workdays}
        if source and node.at("transform").value is None:  # else the map's columns are those of its result
            check_totals(node.at("map"), mapped, source.options, self.findings)
        return _Draft(node, needs, options, source)

    def _source(self, node: Node) -> SourceConfig | None:
        if not isinstance(node.value, dict):
            return None
        adapter = read_adapter(node, self.registry.source, self.findings)
        options = adapter and validate(adapter[1].options, node, self.findings, without="type")
        return SourceConfig(adapter[0], adapter[1], options) if adapter and options else None

    def _names(self, destination: str | None) -> checks.Names:
        context, name = self.context, destination or ""
        found = context.destinations.get(name)
        missing = None if context.catalogs_lost else Catalog()
        catalog = context.catalogs.get(name, missing)
        return checks.Names(context.lookups, found.type if found else None, catalog)

    def _job(self, name: str, draft: _Draft) -> JobConfig | None:
        options, source, settings = draft.options, draft.source, self.context.settings
        if not options or not source or not settings:
            return None
        defaults, written = self.context.defaults

        def chosen(key: str) -> JobOptions | DefaultOptions:
            return options if key in options.model_fields_set else defaults

        mapped = options.map if options.transform is None else with_computed_decimals(options.map)
        set_here = {key: getattr(options.guard, key) for key in options.guard.model_fields_set}
        return JobConfig(
            name=name,
            place=draft.node.line(),
            enabled=chosen("enabled").enabled,
            schedule=_schedule(options, defaults, settings),
            source=source,
            transform=options.transform,
            map=with_factors(mapped, self.context.units),
            destination=options.destination,
            after=tuple(options.after),
            lookback=chosen("lookback").lookback,
            open_periods=chosen("open_periods").open_periods,
            empty=chosen("empty").empty,
            absent=chosen("absent").absent,
            guard=defaults.guard.model_copy(update=set_here),
            deadline=chosen("deadline").deadline,
            digest=self._digest({"job": draft.node.value, "defaults": written}),
        )

    def _digest(self, document: object) -> str:
        text = json.dumps(document, sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.sha256(self.findings.secrets.redact(text).encode("utf-8", "surrogatepass")).hexdigest()


def _schedule(options: JobOptions, defaults: DefaultOptions, settings: Settings) -> Schedule | None:
    given = options.schedule
    if given is None:
        return None
    if isinstance(given, str):
        given = ScheduleOptions(cron=given)
    zone = given.timezone or defaults.schedule.timezone
    catch_up = (given if "catch_up" in given.model_fields_set else defaults.schedule).catch_up
    return Schedule(given.cron, time_zone(zone) if zone else settings.timezone, catch_up)
