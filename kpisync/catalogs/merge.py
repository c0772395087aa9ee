"""What a platform has, beside what a catalog says: what is new, gone, renamed, and what a person must decide."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kpisync.catalogs.graft import Entry
from kpisync.catalogs.scalars import tidy
from kpisync.mapping.catalog_options import USUAL_VALUES
from kpisync.model import Catalog, CatalogKpi
from kpisync.ports import MetaKpi

GONE = "discover: the platform no longer has this {}"
_SUFFIX = re.compile(r" \([0-9]+\)$")
_MOST_NAMED = 5  # teams in a comment

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Discovered:
    """All that a platform shows: teams as ids → names; `unread`: why a KPI that it lists could not be read."""

    teams: Mapping[str, str]
    kpis: Sequence[MetaKpi]
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Merge:
    """What is to be added to a destination's catalog, and what is to be told of the rest.

    Sentences, each about one thing. `gone` has the keys below the destination whose ids the platform no longer has.
    """

    tree: dict[str, Entry] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    decide: list[str] = field(default_factory=list)
    gone: dict[Path, str] = field(default_factory=dict)  # key → what it is


def merged(found: Discovered, known: Catalog, *, whole: bool = False) -> Merge:
    """Lay what a platform has beside a catalog: entries are the same by id, and the catalog's names stay.

    The tree holds what the catalog lacks; with `whole`, all that the platform has.
    """
    merge = Merge()
    teams = _named(merge, ("teams",), "team", found.teams, known.teams, whole)
    kpis: dict[str, Entry] = {}
    ids = {kpi.id: kpi.name for kpi in found.kpis}
    names = _names(merge, ("kpis",), "KPI", ids, {kpi.name: kpi.id for kpi in known.kpis.values()})
    for kpi in found.kpis:
        own, name = known.kpi(kpi.id), names[kpi.id]
        entries = _of_known(merge, kpi, own, whole) if own else _of_new(kpi)
        if own is None or whole:
            entries = {"id": Entry(kpi.id, tuple(_remarks(merge, kpi, name, found))), **_interval(kpi), **entries}
        if entries:
            kpis[name] = Entry(entries)
    merge.tree = {key: Entry(entries) for key, entries in (("teams", teams), ("kpis", kpis)) if entries}
    return merge


def _named(
    merge: Merge, path: Path, what: str, found: Mapping[str, str], known: Mapping[str, str], whole: bool
) -> dict[str, Entry]:
    """The entries `name: id` that a mapping lacks; with `whole`, all of them."""
    had = () if whole else set(known.values())
    names = _names(merge, path, what, found, known)
    return {name: Entry(id) for id, name in names.items() if id not in had}


def _names(merge: Merge, path: Path, what: str, found: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Ids → names, all different; the known ones first, and what became of them."""
    names = {id: name for name, id in known.items()}
    taken = set(known)
    inside = f" of KPI {path[1]}" if len(path) == 3 else ""
    for id, shown in found.items():
        if id not in names:
            names[id] = _free(tidy(shown) or id, taken)
            taken.add(names[id])
            merge.added.append(f"{what} {names[id]}{inside}")
        elif tidy(shown) not in ("", _SUFFIX.sub("", names[id]), names[id]):
            merge.renamed.append(f'{what} {names[id]}{inside} is called "{tidy(shown)}" on the platform')
    for id, name in names.items():
        if id not in found:
            merge.gone[(*path, name)] = what
    return {id: names[id] for id in found}


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, or the first of `name (2)`, `name (3)` … that nothing else has."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


def _of_new(kpi: MetaKpi) -> dict[str, Entry]:
    entries = {} if kpi.aggregation is None else {"aggregation": Entry(kpi.aggregation.value)}
    parts = (("values", kpi.values), ("sub_tiles", kpi.sub_tiles))
    return entries | {key: Entry(_named(Merge(), (key,), key, ids, {}, True)) for key, ids in parts if ids}


def _of_known(merge: Merge, kpi: MetaKpi, own: CatalogKpi, whole: bool) -> dict[str, Entry]:
    if kpi.interval not in (None, own.interval):
        merge.differing.append(f"KPI {own.name}: the catalog says {own.interval}, the platform {_said(kpi)}")
    entries: dict[str, Entry] = {}
    aggregation = own.aggregation or kpi.aggregation
    if aggregation is not None and (whole or own.aggregation is None):
        entries["aggregation"] = Entry(aggregation.value)
    if own.aggregation is None and kpi.aggregation is not None:
        merge.added.append(f"aggregation of KPI {own.name}")
    elif kpi.aggregation not in (None, own.aggregation):
        merge.differing.append(f"KPI {own.name}: the catalog says {own.aggregation}, the platform {kpi.aggregation}")
    if whole and own.utc_offset:
        entries["utc_offset"] = Entry(f"{own.utc_offset:+}")
    if whole and own.group:
        entries["group"] = Entry(own.group)
    return entries | _parts_of_known(merge, kpi, own, whole)


def _parts_of_known(merge: Merge, kpi: MetaKpi, own: CatalogKpi, whole: bool) -> dict[str, Entry]:
    """Where the platform shows none, it may hide them; what holds by default need not be written."""
    entries: dict[str, Entry] = {}
    for key, what, theirs, ours in (
        ("values", "value", kpi.values, own.values),
        ("sub_tiles", "sub-tile", kpi.sub_tiles, own.sub_tiles),
    ):
        if theirs:
            named = _named(merge, ("kpis", own.name, key), what, theirs, ours, whole)
        else:
            named = {name: Entry(id) for name, id in ours.items() if whole and ours != USUAL_VALUES}
        if named:
            entries[key] = Entry(named)
    return entries


def _interval(kpi: MetaKpi) -> dict[str, Entry]:
    return {} if kpi.interval is None else {"interval": Entry(kpi.interval.value)}


def _remarks(merge: Merge, kpi: MetaKpi, name: str, found: Discovered) -> Iterator[str]:
    """What a reader of the catalog should know of a KPI, as comments."""
    if kpi.id in found.unread:
        why = tidy(found.unread[kpi.id])
        yield f"DECIDE: interval and values; the platform lists this KPI, but it could not be read: {why}"
        merge.decide.append(f"KPI {name} could not be read: {why}")
    elif kpi.interval is None:
        yield f"DECIDE: interval: day, week or month? The platform says {_said(kpi)}. Without one it is day"
        merge.decide.append(f"KPI {name}: its interval; the platform says {_said(kpi)}")
    if kpi.teams and kpi.teams.keys() != found.teams.keys():
        yield f"recorded by {_listed(kpi.teams)}"


def _said(kpi: MetaKpi) -> str:
    return f'"{tidy(kpi.says)}"' if tidy(kpi.says) else "nothing"


def _listed(teams: Mapping[str, str]) -> str:
    names = [tidy(name) for name in teams.values()]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
