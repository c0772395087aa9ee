"""From names, ids and codes to the ids of a catalog, or to the reason why not."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from kpisync.fields import is_guid
from kpisync.mapping.parse import code_text, quoted
from kpisync.model import Catalog, CatalogKpi

T = TypeVar("T")

_MOST_COMPARED = 100  # characters of a text for which a near name is looked for
_MOST_SUGGESTIONS = 100  # per part of a key: each compares a text with every name there is
_MOST_REMEMBERED = 100_000  # answers per part of a key


class Unmapped(ValueError):
    """A text that names nothing: a code word, what is the matter, and in `reason` the nearest name too."""

    def __init__(self, code: str, what: str, text: str = "", names: Collection[str] = ()) -> None:
        self.code, self.what = code, what
        self._text, self._names = text, names
        super().__init__(what)

    @property
    def reason(self) -> str:
        return self.what + nearest(self._text, self._names)

    def __str__(self) -> str:
        return self.reason


class Misfit(NamedTuple):
    """Why a row or a value cannot be mapped: a code word and a sentence."""

    code: str
    reason: str


class Answers(Generic[T]):
    """A row's cells → what one of them stands for, or why it stands for nothing; each text is asked for once.

    `take` picks the cell, `find` raises Unmapped. After some hundred unknown texts the reasons name no near name any
    more: a wrong lookup over a long table must not take hours.
    """

    def __init__(self, take: Callable[[Sequence[object]], object], find: Callable[[str], T], empty: Misfit) -> None:
        self._take, self._find, self._empty = take, find, empty
        self._answers: dict[str, T | Misfit] = {}
        self._suggestions = _MOST_SUGGESTIONS

    def __call__(self, cells: Sequence[object]) -> T | Misfit:
        cell = self._take(cells)
        text = cell if type(cell) is str else code_text(cell)
        answer = self._answers.get(text)
        return self._ask(text) if answer is None else answer

    def _ask(self, cell: str) -> T | Misfit:
        if len(self._answers) >= _MOST_REMEMBERED:
            self._answers.clear()
        text = code_text(cell)
        answer = self._answers[cell] = self._answer(text) if text else self._empty
        return answer

    def _answer(self, text: str) -> T | Misfit:
        try:
            return self._find(text)
        except Unmapped as bad:
            self._suggestions -= 1
            return Misfit(bad.code, bad.reason if self._suggestions >= 0 else bad.what)


def nearest(text: str, names: Collection[str]) -> str:
    """`; did you mean X?`, or nothing where no name comes near."""
    if len(text) > _MOST_COMPARED:
        return ""
    known = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(text.casefold(), known, n=1, cutoff=0.5)
    return f"; did you mean {known[close[0]]}?" if close else ""


def looked_up(text: str, lookup: Mapping[str, str], name: str, what: str) -> str:
    """What a lookup has for a code. `what` names the part of the key: team, kpi, value, sub-tile. Raises Unmapped."""
    found = lookup.get(text)
    if found is None:
        raise Unmapped(f"unknown-{what}", f"{_plain(text)} is not in lookup {name}", text, lookup)
    return found


def _plain(text: str) -> str:
    return text if text.isprintable() and 0 < len(text) <= 40 else quoted(text)


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
    raise Unmapped(f"unknown-{what}", f"{_plain(text)} is not a {what} of {place}", text, names)
