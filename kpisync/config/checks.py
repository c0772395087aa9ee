"""What only shows when parts are held against each other: names that must exist, and values stated twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from kpisync.config.findings import Findings, Node
from kpisync.config.loaded import DestinationConfig
from kpisync.config.validate import validate
from kpisync.destinations.quantive.groups import Groups
from kpisync.fields import is_guid
from kpisync.mapping.bind import sub_tile_of, team_of
from kpisync.mapping.catalog_options import CatalogOptions
from kpisync.mapping.keys import Unmapped, kpi_of, sub_tile_id, team_id, value_id
from kpisync.mapping.options import MapOptions
from kpisync.mapping.value_options import CellRef, ValueOptions
from kpisync.model import Catalog, CatalogKpi
from kpisync.ports import PlatformOptions
from kpisync.registry import suggestion

VALUESTREAMER = "valuestreamer"  # the one platform whose ids have a form of their own, and whose records need a team
KINDS_OF_VALUE = MappingProxyType({"quantive": ("actual", "target"), "gtmhub": ("actual",)})  # and no teams


@dataclass(frozen=True)
class Names:
    """What a job may refer to. `catalog` is None where nothing is known of the destination, so nothing can be checked.

    `platform` is the destination's type.
    """

    lookups: Collection[str]
    platform: str | None = None
    catalog: Catalog | None = None


@dataclass(frozen=True)
class Mapped:
    """What a map refers to, as far as it could be read; values by their place in the list."""

    team: str | CellRef | None
    sub_tile: str | CellRef | None
    values: Mapping[int, ValueOptions]


def mapped_by(options: MapOptions) -> Mapped:
    return Mapped(options.team, options.sub_tile, dict(enumerate(options.values)))


def salvaged(node: Node) -> Mapped:
    """The sound parts of a map that is not sound as a whole."""
    values = node.at("values").value
    found = {
        index: validate(ValueOptions, node.at("values", index), Findings())
        for index in range(len(values) if isinstance(values, list) else 0)
    }
    sound = {index: value for index, value in found.items() if value}
    return Mapped(_ref(node.at("team")), _ref(node.at("sub_tile")), sound)


def _ref(node: Node) -> str | CellRef | None:
    return node.value if isinstance(node.value, str) else validate(CellRef, node, Findings())


def check_catalog(node: Node, catalog: Catalog, platform: str, findings: Findings) -> None:
    """What a platform, by the destination's type, asks of its catalog."""
    if platform == VALUESTREAMER:
        _check_ids(node, catalog, findings)
    elif platform in KINDS_OF_VALUE:
        _check_groups(node, catalog, findings)


def check_calendars(node: Node, options: CatalogOptions, known: Collection[str], findings: Findings) -> None:
    """The calendars that KPIs name exist."""
    for name, kpi in options.kpis.items():
        if kpi.calendar is not None and kpi.calendar not in known:
            message = f"there is no calendar {findings.quote(kpi.calendar)}{suggestion(kpi.calendar, known)}"
            findings.add(node.at("kpis", name, "calendar"), message, _listed("Calendars", known))


def _check_groups(node: Node, catalog: Catalog, findings: Findings) -> None:
    for name, kpi in catalog.kpis.items():
        groups, here = Groups(kpi), node.at("kpis", name)
        if kpi.calendar:
            message = "Quantive has periods of its own, and knows no fiscal calendar"
            findings.add(here.at("calendar"), message, "Leave it out.", key=True)
        if not groups.template:
            written = here.at("interval")
            findings.add(written if written.value else here, groups.why_unknown, key=not written.value)


def _check_ids(node: Node, catalog: Catalog, findings: Findings) -> None:
    """They have the form of a UUID."""
    ids = [(node.at("teams", name), id) for name, id in catalog.teams.items()]
    for name, kpi in catalog.kpis.items():
        here = node.at("kpis", name)
        ids.append((here.at("id"), kpi.id))
        written = kpi.values if here.at("values").value else {}
        ids += [(here.at("values", each), id) for each, id in written.items()]
        ids += [(here.at("sub_tiles", each), id) for each, id in kpi.sub_tiles.items()]
    for place, id in ids:
        if not is_guid(id):
            findings.add(place, f"{findings.quote(id)} is not an id of the form 8-4-4-4-12 hexadecimal digits")


def as_name(value: object) -> str | None:
    """A value as pydantic reads it where a name is meant: a number by its digits."""
    return str(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else None


def check_destination(node: Node, name: str, known: Collection[str], findings: Findings, *, key: bool = False) -> None:
    """The destination that a job, or a catalog by its key, names exists."""
    if name not in known:
        message = f"there is no destination {findings.quote(name)}{suggestion(name, known)}"
        findings.add(node, message, _listed("Destinations", known), key=key)


def check_platform(
    node: Node,
    type_name: str,
    options: PlatformOptions,
    known: Mapping[str, DestinationConfig | None],
    findings: Findings,
) -> None:
    """The destination that a source reads exists, and is of the source's type."""
    here = node.at("destination")
    check_destination(here, options.destination, known, findings)
    found = known.get(options.destination)
    if found and found.type != type_name:
        message = f"the source is of type {type_name}, and this destination of type {found.type}"
        findings.add(here, message, f"Write type: {found.type}, or name another destination.")


def lookups_of(mapped: Mapped) -> set[str]:
    refs = [mapped.team, mapped.sub_tile]
    refs += [ref for value in mapped.values.values() for ref in (value.kpi, value.value, value.team, value.sub_tile)]
    return {ref.lookup for ref in refs if isinstance(ref, CellRef) and ref.lookup is not None}


def check_map(here: Node, mapped: Mapped, names: Names, findings: Findings) -> None:
    """Lookups and catalog names exist, a team is given where one is needed, and no value is stated twice."""
    for node, ref in _refs(here, mapped):
        if isinstance(ref, CellRef) and ref.lookup is not None and ref.lookup not in names.lookups:
            message = f"there is no lookup {findings.quote(ref.lookup)}{suggestion(ref.lookup, names.lookups)}"
            findings.add(node.at("lookup"), message, _listed("Lookups", names.lookups))
    if names.platform == VALUESTREAMER:
        _check_team_given(here, mapped, findings)
        if names.catalog:
            _check_names(here, mapped, names.catalog, findings)
    elif names.platform in KINDS_OF_VALUE:
        _check_no_team(here, mapped, findings)
        if names.catalog:
            _check_names(here, _without_teams(mapped), names.catalog, findings)
            _check_kinds(here, mapped, names.catalog, KINDS_OF_VALUE[names.platform or ""], findings)
    _check_stated_once(here, mapped, names.catalog or Catalog(), findings)


def _listed(what: str, names: Collection[str]) -> str:
    return f"{what}: {', '.join(sorted(names)[:20]) or 'none'}."


def _refs(here: Node, mapped: Mapped) -> Iterator[tuple[Node, str | CellRef | None]]:
    yield here.at("team"), mapped.team
    yield here.at("sub_tile"), mapped.sub_tile
    for index, value in mapped.values.items():
        for part in ("kpi", "value", "team", "sub_tile"):
            yield here.at("values", index, part), getattr(value, part)


def _check_team_given(here: Node, mapped: Mapped, findings: Findings) -> None:
    if here.at("team").value is None and (without := [i for i, each in mapped.values.items() if each.team is None]):
        findings.add(
            here if len(without) == len(mapped.values) else here.at("values", without[0]),
            "no team is given, and a ValueStreamer record needs one",
            "Name it in map.team, or in each value.",
            key=True,
        )


def _check_no_team(here: Node, mapped: Mapped, findings: Findings) -> None:
    for node in (here, *(here.at("values", index) for index in mapped.values)):
        for part in ("team", "sub_tile"):
            if node.at(part).value is not None:
                message = f"a KPI of Quantive has no {part.replace('_', '-')}s"
                findings.add(node.at(part), message, f"Delete {part}; one KPI for each is the usual way.", key=True)


def _without_teams(mapped: Mapped) -> Mapped:
    blank = {"team": None, "sub_tile": None}
    return replace(
        mapped, team=None, sub_tile=None, values={i: each.model_copy(update=blank) for i, each in mapped.values.items()}
    )


def _check_kinds(here: Node, mapped: Mapped, catalog: Catalog, kinds: Collection[str], findings: Findings) -> None:
    for index, value in mapped.values.items():
        kpi = _kpi(value, catalog)
        id = kpi.values.get(value.value) if kpi and isinstance(value.value, str) else None
        if id is not None and id not in kinds:
            node = here.at("values", index, "value")
            findings.add(node, f"{findings.quote(id)} is not a kind of value here", f"There is {' and '.join(kinds)}.")


def _check_names(here: Node, mapped: Mapped, catalog: Catalog, findings: Findings) -> None:
    def check(node: Node, ref: str | CellRef | None, find: Callable[[str], object]) -> None:
        if isinstance(ref, str):
            try:
                find(ref)
            except Unmapped as error:
                findings.add(node, error.reason, "Catalog names stand under `catalog`; kpisync discover writes them.")

    check(here.at("team"), mapped.team, lambda text: team_id(catalog, text))
    fixed = _literal_kpis(mapped, catalog)
    if fixed is not None:
        check(here.at("sub_tile"), mapped.sub_tile, lambda text: [sub_tile_id(kpi, text) for kpi in fixed])
    for index, value in mapped.values.items():
        node = here.at("values", index)
        check(node.at("kpi"), value.kpi, lambda text: kpi_of(catalog, text))
        check(node.at("team"), value.team, lambda text: team_id(catalog, text))
        if kpi := _kpi(value, catalog):
            check(node.at("value"), value.value, lambda text, kpi=kpi: value_id(kpi, text))  # type: ignore[misc]
            check(node.at("sub_tile"), value.sub_tile, lambda text, kpi=kpi: sub_tile_id(kpi, text))  # type: ignore[misc]


def _literal_kpis(mapped: Mapped, catalog: Catalog) -> list[CatalogKpi] | None:
    """The KPIs that take the sub-tile of the whole map; None if one of them is only known row by row."""
    kpis = [_kpi(value, catalog) for value in mapped.values.values() if value.sub_tile is None]
    return None if None in kpis else [kpi for kpi in kpis if kpi]


def _kpi(value: ValueOptions, catalog: Catalog) -> CatalogKpi | None:
    """The KPI that a value states; one that any KPI of the catalog could be, for a column; None for an unknown name."""
    if isinstance(value.kpi, CellRef):
        return _any_kpi(catalog)
    try:
        return kpi_of(catalog, value.kpi)
    except Unmapped:
        return None


def _any_kpi(catalog: Catalog) -> CatalogKpi:
    values = {name: id for kpi in catalog.kpis.values() for name, id in kpi.values.items()}
    sub_tiles = {name: id for kpi in catalog.kpis.values() for name, id in kpi.sub_tiles.items()}
    return CatalogKpi("of the catalog", "", values=values, sub_tiles=sub_tiles)


def _check_stated_once(here: Node, mapped: Mapped, catalog: Catalog, findings: Findings) -> None:
    stated: dict[tuple[str | None, ...], int] = {}
    for index, value in mapped.values.items():
        key = _fixed_key(value, mapped, catalog)
        if key is None:
            continue
        first = stated.setdefault(key, index)
        if first != index:
            findings.add(
                here.at("values", index),
                f"values {first + 1} and {index + 1} of this map state the same KPI, value, team and sub-tile; "
                f"value {first + 1} is at {here.at('values', first).place()}",
                "Delete one of them.",
            )


def _fixed_key(value: ValueOptions, mapped: Mapped, catalog: Catalog) -> tuple[str | None, ...] | None:
    """What a value states, by id where the catalog has one; None if a part of it comes from a column."""
    team, sub_tile = team_of(value, mapped), sub_tile_of(value, mapped)
    if isinstance(value.kpi, CellRef) or isinstance(value.value, CellRef):
        return None
    if isinstance(team, CellRef) or isinstance(sub_tile, CellRef):
        return None
    kpi = _kpi(value, catalog) or CatalogKpi(value.kpi, value.kpi)
    return (
        kpi.id,
        _id(value.value, kpi.values),
        team and _id(team, catalog.teams),
        sub_tile and _id(sub_tile, kpi.sub_tiles),
    )


def _id(text: str, names: Mapping[str, str]) -> str:
    return names.get(text, text.lower() if is_guid(text) else text)
