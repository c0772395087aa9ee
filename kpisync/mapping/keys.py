"""From names, ids and codes to the ids of a catalog, or to the reason why not."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence

from kpisync.fields import is_guid
from kpisync.mapping.options import CellRef
from kpisync.mapping.parse import code_text, quoted
from kpisync.model import Catalog, CatalogKpi
from kpisync.tables.columns import find_column


class Unmapped(ValueError):
    """A row or value without a key: a code word and a sentence."""

    def __init__(self, code: str, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)


Pick = Callable[[Sequence[object]], str]  # a row's cells → a catalog name or id; raises Unmapped


def nearest(text: str, names: Iterable[str]) -> str:
    """` did you mean X?`, or nothing where no name comes near."""
    known = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(text.casefold(), known, n=1, cutoff=0.5)
    return f"; did you mean {known[close[0]]}?" if close else ""


def pick(
    ref: str | CellRef, what: str, columns: Sequence[str], where: str, lookups: Mapping[str, Mapping[str, str]]
) -> Pick:
    """How a key part is found in a row. `what` names it in a reject: team, kpi, value, sub-tile."""
    if isinstance(ref, str):
        return lambda cells: ref
    index = find_column(columns, ref.column, where)
    if ref.lookup is None:
        return lambda cells: _filled(code_text(cells[index]), what, ref)
    return _looked_up(index, ref, what, lookups[ref.lookup])


def _filled(text: str, what: str, ref: CellRef) -> str:
    if not text:
        raise Unmapped(f"no-{what}", f"column {ref.column} is empty, so the {what} is unknown")
    return text


def _looked_up(index: int, ref: CellRef, what: str, lookup: Mapping[str, str]) -> Pick:
    def look_up(cells: Sequence[object]) -> str:
        text = code_text(cells[index])
        found = lookup.get(text)
        if found is None:
            _filled(text, what, ref)
            raise Unmapped(f"unknown-{what}", f"{_plain(text)} is not in lookup {ref.lookup}{nearest(text, lookup)}")
        return found

    return look_up


def _plain(text: str) -> str:
    return text if text.isprintable() and len(text) <= 40 else quoted(text)


def team_id(catalog: Catalog, text: str) -> str:
    return _id_of(text, catalog.teams, "team", "the catalog")


def kpi_of(catalog: Catalog, text: str) -> CatalogKpi:
    """The KPI of a catalog name or id; an id that the catalog does not list is a daily KPI, otherwise unknown."""
    if kpi := catalog.kpis.get(text):
        return kpi
    if kpi := catalog.kpi(text) or catalog.kpi(text.lower()):
        return kpi
    return CatalogKpi(text, _id_of(text, {name: k.id for name, k in catalog.kpis.items()}, "kpi", "the catalog"))


def value_id(kpi: CatalogKpi, text: str) -> str:
    return _id_of(text, kpi.values, "value", f"KPI {kpi.name}")


def sub_tile_id(kpi: CatalogKpi, text: str) -> str:
    return _id_of(text, kpi.sub_tiles, "sub-tile", f"KPI {kpi.name}")


def _id_of(text: str, names: Mapping[str, str], what: str, place: str) -> str:
    if found := names.get(text):
        return found
    if is_guid(text):
        return text.lower()
    if text in names.values():
        return text
    raise Unmapped(f"unknown-{what}", f"{_plain(text)} is not a {what} of {place}{nearest(text, names)}")
