"""What a catalog means to a stand-in: which ids exist, what they are called, and which values are targets.

An empty part of a catalog means that nothing is known of it: then every well-formed id is taken.
"""

from __future__ import annotations

from collections.abc import Mapping

from kpisync.fields import is_guid
from kpisync.model import Catalog, CatalogKpi, Interval
from kpisync.sandbox.platform import Refusal

_TARGET_WORDS = ("target", "soll", "ziel")


class Directory:
    """A catalog by ids, all in lower case. `teams` and `kpis`: names by id; empty where nothing is known."""

    def __init__(self, catalog: Catalog) -> None:
        self.teams = {id.lower(): name for name, id in catalog.teams.items()}
        self._kpis = {kpi.id.lower(): kpi for kpi in catalog.kpis.values()}
        self.kpis = {id: kpi.name for id, kpi in self._kpis.items()}
        self._values = {id: _names(kpi.values) for id, kpi in self._kpis.items()}
        self._sub_tiles = {id: _names(kpi.sub_tiles) for id, kpi in self._kpis.items()}
        self._targets = {id: _targets(kpi) for id, kpi in self._kpis.items()}

    def interval(self, kpi: str) -> Interval:
        """A KPI that the catalog does not list is a daily one."""
        return self._kpis[kpi].interval if kpi in self._kpis else Interval.DAY

    def targets(self, kpi: str) -> tuple[str, ...]:
        """The ids of the KPI's values that are targets, by their names; none where no names are known."""
        return self._targets.get(kpi, ())

    def values(self, kpi: str) -> dict[str, str]:
        """Ids and names of the KPI's values; empty: nothing is known of them."""
        return self._values.get(kpi, {})

    def sub_tiles(self, kpi: str) -> dict[str, str]:
        """Ids and names of the KPI's sub-tiles; empty: nothing is known of them."""
        return self._sub_tiles.get(kpi, {})


def _names(ids: Mapping[str, str]) -> dict[str, str]:
    return {id.lower(): name for name, id in ids.items()}


def _targets(kpi: CatalogKpi) -> tuple[str, ...]:
    named = ((name.lower(), id.lower()) for name, id in kpi.values.items())
    return tuple(id for name, id in named if any(word in name for word in _TARGET_WORDS))


def known(what: str, text: str, names: Mapping[str, str], status: int) -> str:
    """The id in lower case; raises `Refusal` with `status` if it is malformed (always 400) or not among `names`."""
    id = text.lower()
    if id in names:
        return id
    if not is_guid(id):
        raise Refusal(400, f"{text[:80]!r} is not the id of a {what}: 8-4-4-4-12 hexadecimal digits are expected.")
    if names:
        raise Refusal(status, f"There is no {what} {id}.")
    return id


def found(what: str, text: str, names: Mapping[str, str]) -> str:
    """The id for a catalog name or an id; raises `Refusal`."""
    return next((id for id, name in names.items() if name == text), None) or known(what, text, names, 400)
