"""Calendars that values name: they exist, and a value has all that filling in or taking apart needs of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from kpisync.config.checks import Mapped, Names
from kpisync.config.findings import Findings, Node
from kpisync.mapping.bind import Ref, sub_tile_of, team_of
from kpisync.mapping.cumulative import beginning, fits
from kpisync.mapping.keys import Unmapped, kpi_of, team_id
from kpisync.mapping.value_options import CellRef, CumulativeOptions, FillOptions, ValueOptions
from kpisync.mapping.workdays import Workdays
from kpisync.model import Catalog, FiscalCalendar
from kpisync.registry import suggestion


@dataclass(frozen=True)
class Known:
    """By name; None stands for one that has problems."""

    calendars: Mapping[str, FiscalCalendar | None]
    workdays: Mapping[str, Workdays | None]


def check_days(here: Node, mapped: Mapped, known: Known, names: Names, findings: Findings) -> set[str]:
    """What a map says of `cumulative` and `fill_missing`; returns the workdays that it names."""
    named = set()
    for index, value in mapped.values.items():
        node = here.at("values", index)
        if readings := value.readings:
            named.add(readings.workdays)
            _check_readings(node.at("cumulative"), value, readings, known, names.catalog, findings)
        if fill := value.fill_missing:
            named.add(fill.workdays)
            _check_name(node.at("fill_missing", "workdays"), fill.workdays, "workdays", known.workdays, findings)
            _check_fill(node, fill, (team_of(value, mapped), sub_tile_of(value, mapped)), names, findings)
    return {name for name in named if name is not None}


def _check_name(node: Node, name: str, section: str, known: Collection[str], findings: Findings) -> None:
    if name not in known:
        message = f"there is no {findings.quote(name)} under {section}{suggestion(name, known)}"
        findings.add(node, message, f"There: {', '.join(sorted(known)[:20]) or 'nothing'}.")


def _check_readings(
    node: Node,
    value: ValueOptions,
    readings: CumulativeOptions,
    known: Known,
    catalog: Catalog | None,
    findings: Findings,
) -> None:
    if readings.workdays is not None:
        _check_name(node.at("workdays"), readings.workdays, "workdays", known.workdays, findings)
    if readings.calendar is not None:
        _check_name(node.at("calendar"), readings.calendar, "calendars", known.calendars, findings)
    calendars = {name: calendar for name, calendar in known.calendars.items() if calendar}
    unsure = readings.calendar is not None and readings.calendar not in calendars
    if unsure or catalog is None or isinstance(value.kpi, CellRef):
        return
    try:
        kpi = kpi_of(catalog, value.kpi).rhythm
    except Unmapped:
        return
    since = beginning(readings, kpi, calendars)
    if not fits(kpi, since):
        message = f"a {kpi.interval} of this KPI is no part of a {since.interval} that the readings count from"
        findings.add(node, message, _advice(kpi == since), key=True)


def _advice(same: bool) -> str:
    if same:
        return "Leave it out: the last reading of the period is its value (aggregate: last)."
    return "Readings by day fit always, those by month or quarter a year of the same calendar."


def _check_fill(
    node: Node,
    fill: FillOptions,
    refs: tuple[Ref | None, Ref | None],
    names: Names,
    findings: Findings,
) -> None:
    team, sub_tile = refs
    here = node.at("fill_missing")
    if isinstance(team, CellRef) and team.lookup is None and fill.teams is None:
        message = f"no lookup tells which teams column {findings.quote(team.column)} may hold"
        findings.add(here, message, "Name them: teams: [line-1, line-2].", key=True)
    if isinstance(sub_tile, CellRef):
        findings.add(here, "the sub-tile comes from a column, and no row tells it", "Name one in the value.", key=True)
    for index, name in enumerate(fill.teams or ()):
        _check_team(here.at("teams", index), name, names.catalog, findings)


def _check_team(node: Node, name: str, catalog: Catalog | None, findings: Findings) -> None:
    if catalog is None:
        return
    try:
        team_id(catalog, name)
    except Unmapped as error:
        findings.add(node, error.reason, "Catalog names stand under `catalog`; kpisync discover writes them.")
