"""The configuration as the pages need it: names, rhythms, and what the maps of the jobs say outright."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from functools import cached_property

from kpisync.config.loaded import JobConfig, Loaded
from kpisync.errors import StateError
from kpisync.mapping.apply import resolve
from kpisync.mapping.bind import sub_tile_of, team_of
from kpisync.mapping.days import Days
from kpisync.mapping.keys import Unmapped, kpi_of, value_id
from kpisync.mapping.periods import period_name
from kpisync.mapping.value_options import ValueOptions
from kpisync.mapping.workdays import Workdays
from kpisync.model import Catalog, Interval, Rhythm
from kpisync.names import Names
from kpisync.state.numbering import Series

_DAILY = Rhythm(Interval.DAY)


@dataclass
class Remembered:
    """Workdays, of which each day is asked for once: there are holidays to look up."""

    workdays: Workdays
    _known: dict[date, bool] = field(default_factory=dict)

    def __contains__(self, day: object) -> bool:
        if not isinstance(day, date):
            return False
        if day not in self._known:
            self._known[day] = day in self.workdays
        return self._known[day]


@dataclass(frozen=True)
class Rule:
    """What a map says of some values; None: of whatever KPI or kind."""

    kpi: str | None
    value: str | None
    workdays: Container[date] | None


@dataclass(frozen=True, eq=False)
class Configured:
    """Of one loaded configuration; threads may share it."""

    loaded: Loaded

    @property
    def state(self) -> str:
        """The URL of the state store. Raises StateError without a usable configuration."""
        if self.loaded.settings is None:
            raise StateError("the configuration cannot be used, and it says where the state is", where=self.loaded.file)
        return self.loaded.settings.state

    @property
    def zone(self) -> tzinfo:
        """The plant's."""
        return self.loaded.settings.timezone if self.loaded.settings else UTC

    def said(self, text: str) -> str:
        """A text without secrets."""
        return self.loaded.secrets.redact(text)

    @cached_property
    def catalogs(self) -> dict[str, Catalog]:
        return {name: self.loaded.catalogs.get(name, Catalog()) for name in self.loaded.destinations}

    @cached_property
    def _names(self) -> dict[str, Names]:
        return {name: Names(catalog) for name, catalog in self.catalogs.items()}

    def names(self, destination: str) -> Names:
        """Of a destination that is not configured any more, the ids themselves."""
        return self._names.get(destination) or Names(Catalog())

    @cached_property
    def _kpi_names(self) -> dict[tuple[str, str], str]:
        return {}

    def kpi(self, destination: str, id: str) -> str:
        """The name of a KPI, to be shown."""
        if (destination, id) not in self._kpi_names:
            self._kpi_names[destination, id] = self.said(self.names(destination).kpi(id))
        return self._kpi_names[destination, id]

    @cached_property
    def _rhythms(self) -> dict[tuple[str, str], Rhythm]:
        return {(name, kpi.id): kpi.rhythm for name, catalog in self.catalogs.items() for kpi in catalog.kpis.values()}

    @cached_property
    def slower(self) -> dict[tuple[str, ...], Rhythm]:
        """By destination and KPI, those whose periods are longer than a day."""
        return {of: rhythm for of, rhythm in self._rhythms.items() if rhythm.interval is not Interval.DAY}

    def rhythm(self, destination: str, kpi: str) -> Rhythm:
        return self._rhythms.get((destination, kpi), _DAILY)

    def path(self, series: Series) -> str:
        """The path of its values, up to the slash before the period."""
        destination, kpi, team, sub_tile, value = series
        names = self.names(destination)
        parts = (names.kpi(kpi), names.team(team or None), names.sub_tile(kpi, sub_tile or None))
        return self.said("/".join(part for part in (destination, *parts, names.value(kpi, value)) if part)) + "/"

    def label(self, period: date, rhythm: Rhythm) -> str:
        return period_name(period, *rhythm)

    # ------------------------------------------------------------ jobs

    @cached_property
    def enabled(self) -> dict[str, JobConfig]:
        return {name: job for name, job in self.loaded.jobs.items() if job.enabled}

    @cached_property
    def _days(self) -> dict[str, Days]:
        return {name: Days(job.map.date, self.zone) for name, job in self.loaded.jobs.items()}

    def days(self, job: str) -> Days:
        """How a job tells the day; the job is sound."""
        return self._days[job]

    @cached_property
    def named(self) -> dict[Series, tuple[str, ...]]:
        """The series that the maps of enabled jobs name outright, with those jobs."""
        found: dict[Series, tuple[str, ...]] = {}
        for name, job in self.enabled.items():
            for series in _named(job, self.catalogs.get(job.destination, Catalog())):
                found[series] = tuple(dict.fromkeys([*found.get(series, ()), name]))
        return found

    def workdays(self, job: str, series: Series) -> Container[date] | None:
        """The calendar that a job's map names for the values of a series."""
        _, kpi, _, _, value = series
        for rule in self._rules.get(job, ()):
            if rule.kpi in (None, kpi) and rule.value in (None, value):
                return rule.workdays
        return None

    @cached_property
    def _rules(self) -> dict[str, tuple[Rule, ...]]:
        """Of the jobs whose maps name any workdays."""
        calendars = {name: Remembered(workdays) for name, workdays in self.loaded.workdays.items()}
        return {
            name: tuple(_rules(job, self.catalogs.get(job.destination, Catalog()), calendars))
            for name, job in self.enabled.items()
            if any(map(_workdays_of, job.map.values))
        }


def _workdays_of(spec: ValueOptions) -> str | None:
    if spec.fill_missing is not None:
        return spec.fill_missing.workdays
    return spec.readings.workdays if spec.readings else None


def _rules(job: JobConfig, catalog: Catalog, calendars: Mapping[str, Container[date]]) -> Iterator[Rule]:
    for spec in job.map.values:
        try:
            kpi = kpi_of(catalog, spec.kpi) if isinstance(spec.kpi, str) else None
            value = value_id(kpi, spec.value) if kpi and isinstance(spec.value, str) else None
        except Unmapped:  # it maps nothing
            continue
        yield Rule(kpi.id if kpi else None, value, calendars.get(_workdays_of(spec) or ""))


def _named(job: JobConfig, catalog: Catalog) -> Iterator[Series]:
    for spec in job.map.values:
        team, sub_tile = team_of(spec, job.map), sub_tile_of(spec, job.map)
        teams = spec.fill_missing.teams if spec.fill_missing and spec.fill_missing.teams else [team]
        for each in teams:
            if not (isinstance(spec.kpi, str) and isinstance(spec.value, str)):
                continue
            if not (isinstance(each, str | None) and isinstance(sub_tile, str | None)):
                continue
            try:
                ids = resolve(catalog, spec.kpi, spec.value, each, sub_tile)
            except Unmapped:  # every run says so
                continue
            yield job.destination, ids.kpi, ids.team or "", ids.sub_tile or "", ids.value
