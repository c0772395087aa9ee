"""Files → the checked configuration: every problem of every job at once, and the sound jobs ready to run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from kpisync.config import checks
from kpisync.config.adapters import Find, read_adapter
from kpisync.config.findings import Findings, Node
from kpisync.config.jobs import Context, JobReader
from kpisync.config.jsonschema import json_schema
from kpisync.config.loaded import DestinationConfig, Loaded, Settings
from kpisync.config.lookups import load_lookup
from kpisync.config.problems import Problem
from kpisync.config.read import DEFAULT_PATH, Files, check_top, entries, read_files
from kpisync.config.schema import (
    NAME,
    AlertOptions,
    Config,
    DefaultOptions,
    Head,
    RetentionOptions,
    ServeOptions,
    time_zone,
)
from kpisync.config.secrets import Secrets, collected, in_urls
from kpisync.config.shapes import Models, pairs_in, secrets_in
from kpisync.config.validate import validate
from kpisync.config.workdays import Known
from kpisync.errors import ConfigError
from kpisync.mapping.catalog_options import CalendarOptions, CatalogOptions
from kpisync.mapping.value_options import UnitTable
from kpisync.mapping.workdays import Workdays, WorkdaysOptions
from kpisync.model import Catalog, FiscalCalendar
from kpisync.registry import Registry, installed

__all__ = ["json_schema", "load"]

M = TypeVar("M", bound=BaseModel)


def load(path: Path | None, environ: Mapping[str, str], registry: Registry | None = None) -> Loaded:
    """Read and check the configuration at a file or directory; None is `config/kpisync.yaml`.

    Never raises for what a user may have written: everything that is wrong is in `Loaded.problems`. Nothing is
    contacted. `environ` is what `${env:…}` reads.
    """
    adapters = registry if registry is not None else installed()
    files = read_files(path or DEFAULT_PATH, environ)
    return _Loading(files, adapters, Findings(_secrets(files, adapters))).loaded()


@dataclass(frozen=True)
class _Loading:
    """One loading: the files, what is installed, and the problems found on the way."""

    files: Files
    registry: Registry
    findings: Findings

    def loaded(self) -> Loaded:
        for top in self.files.tops:
            check_top(top, self.findings)
        settings = self._settings()
        destinations = self._destinations()
        calendars = self._calendars()
        catalogs = self._catalogs(destinations, calendars)
        lookups = self._lookups()
        days = Known(calendars, self._workdays())
        context = Context(
            settings, destinations, catalogs, lookups, self._units(), days, self._defaults(), self._catalogs_lost()
        )
        jobs, unsound = JobReader(context, self.registry, self.findings).read(self._entries("jobs"))
        return Loaded(
            file=str(self.files.main.document.file),
            settings=settings,
            destinations={name: each for name, each in destinations.items() if each},
            catalogs={name: each for name, each in catalogs.items() if each},
            lookups={name: each for name, each in lookups.items() if each is not None},
            calendars={name: each for name, each in calendars.items() if each},
            workdays={name: each for name, each in days.workdays.items() if each},
            jobs=jobs,
            unsound={name: _in_order(problems, self.files) for name, problems in unsound.items()},
            problems=_in_order(self.findings.problems, self.files),
            secrets=self.findings.secrets,
            read=self.files.read | self.findings.read,
        )

    def _settings(self) -> Settings | None:
        main = self.files.main
        if not main.document.readable or not isinstance(main.value, dict | None):
            return None
        given = main.value or {}
        head = validate(
            Head, replace(main, value={key: given[key] for key in Head.model_fields if key in given}), self.findings
        )
        serve, alerts, retention = (
            self._section(ServeOptions), self._section(AlertOptions), self._section(RetentionOptions)
        )  # fmt: skip
        if head is None:
            return None
        return Settings(
            time_zone(head.timezone), _state_beside(main.document.file, head.state), serve, alerts, retention
        )

    def _section(self, model: type[M]) -> M | None:
        """A section of the main file; the default where the file has none, None where it is broken."""
        name = next(name for name, field in Config.model_fields.items() if field.annotation is model)
        node = self.files.main.at(name)
        return model() if node.value is None else validate(model, node, self.findings)

    def _defaults(self) -> tuple[DefaultOptions, object]:
        """The defaults, and the same as written. Broken ones make every job unsound, so any will do then."""
        return self._section(DefaultOptions) or DefaultOptions(), self.files.main.at("defaults").value

    def _entries(self, section: str) -> dict[str, Node]:
        found = entries(self.files.tops, section, self.findings)
        for name, node in found.items():
            if section != "catalog" and not re.fullmatch(NAME, name):
                message = f"{self.findings.quote(name)} cannot be a name"
                self.findings.add(node, message, "Use letters, digits, and - _ . between them; 80 at most.", key=True)
        return found

    def _destinations(self) -> dict[str, DestinationConfig | None]:
        """None for one that has problems."""
        found: dict[str, DestinationConfig | None] = {}
        for name, node in self._entries("destinations").items():
            found[name] = None
            adapter = read_adapter(node, self.registry.destination, self.findings)
            if adapter and (options := validate(adapter[1].options, node, self.findings, without="type")):
                found[name] = DestinationConfig(name, adapter[0], adapter[1], options)  # type: ignore[arg-type]
        return found

    def _catalogs(
        self, destinations: Mapping[str, DestinationConfig | None], calendars: Mapping[str, FiscalCalendar | None]
    ) -> dict[str, Catalog | None]:
        """None for one that has problems."""
        found: dict[str, Catalog | None] = {}
        sound = {name: calendar for name, calendar in calendars.items() if calendar}
        for name, node in self._entries("catalog").items():
            checks.check_destination(node, name, destinations, self.findings, key=True)
            options = validate(CatalogOptions, node, self.findings)
            if options:
                checks.check_calendars(node, options, calendars, self.findings)
            found[name] = options.catalog(sound) if options else None
            destination, catalog = destinations.get(name), found[name]
            if destination and catalog:
                checks.check_catalog(node, catalog, destination.type, self.findings)
        return found

    def _calendars(self) -> dict[str, FiscalCalendar | None]:
        """None for one that has problems; no job is sound then."""
        found = {
            name: validate(CalendarOptions, node, self.findings) for name, node in self._entries("calendars").items()
        }
        return {name: options.calendar() if options else None for name, options in found.items()}

    def _catalogs_lost(self) -> bool:
        """True if a file that may hold a catalog could not be read, so that a missing one says nothing."""
        return any(not problem.owner for problem in self.findings.problems)

    def _lookups(self) -> dict[str, dict[str, str] | None]:
        """None for one that has problems."""
        return {name: load_lookup(node, self.findings) for name, node in self._entries("lookups").items()}

    def _workdays(self) -> dict[str, Workdays | None]:
        """None for one that has problems."""
        found = {
            name: validate(WorkdaysOptions, node, self.findings) for name, node in self._entries("workdays").items()
        }
        return {name: Workdays(options) if options else None for name, options in found.items()}

    def _units(self) -> dict[str, UnitTable | None]:
        """None for one that has problems."""
        return {name: validate(UnitTable, node, self.findings) for name, node in self._entries("units").items()}


def _state_beside(main: Path, url: str) -> str:
    """A relative path of a SQLite URL is relative to the file that names it, or that could have named it."""
    scheme, _, rest = url.partition(":///")
    if not scheme.startswith("sqlite") or Path(rest).is_absolute():
        return url
    return f"{scheme}:///{main.parent / rest}"


def _in_order(problems: list[Problem] | tuple[Problem, ...], files: Files) -> tuple[Problem, ...]:
    order = {str(top.document.file): index for index, top in enumerate(files.tops)}

    def place(problem: Problem) -> tuple[int, int, int]:
        file, line, column = problem.place.rsplit(":", 2)
        return order[file], int(line), int(column)

    return tuple(sorted(problems, key=place))


def _secrets(files: Files, registry: Registry) -> Secrets:
    """Every secret of the files, sound or not: found before anything is said about them."""
    values, pairs = set(files.secrets), set[tuple[str, str]]()
    for top in files.tops:
        values.update(in_urls(top.value))
        for node, models in _secret_parts(top, registry):
            values.update(secrets_in(node.value, models))
            pairs.update(pairs_in(node.value))
    return collected(values, pairs)


def _secret_parts(top: Node, registry: Registry) -> Iterator[tuple[Node, Models]]:
    yield top.at("serve"), frozenset({ServeOptions})
    yield top.at("alerts"), frozenset({AlertOptions})
    for _, node in top.at("destinations").children():
        yield node, _models(node, registry.destination)
    for _, node in top.at("jobs").children():
        yield node.at("source"), _models(node.at("source"), registry.source)


def _models(node: Node, find: Find) -> Models:
    type_name = node.at("type").value
    try:
        return frozenset({find(type_name).options}) if isinstance(type_name, str) else frozenset()
    except ConfigError:
        return frozenset()
