"""Ids → the catalog names that people read, and a value's path → its key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from kpisync.errors import ConfigError
from kpisync.mapping.apply import resolve
from kpisync.mapping.keys import Unmapped, kpi_of, nearest
from kpisync.mapping.periods import parse_period, period_name
from kpisync.model import Catalog, CatalogKpi, RecordKey, ValueKey


@dataclass(frozen=True)
class Names:
    """The names of one destination's ids; an id without a name is shown as it is."""

    catalog: Catalog

    @cached_property
    def _kpis(self) -> dict[str, CatalogKpi]:
        return {kpi.id: kpi for kpi in self.catalog.kpis.values()}

    @cached_property
    def _teams(self) -> dict[str, str]:
        return {id: name for name, id in self.catalog.teams.items()}

    @cached_property
    def _parts(self) -> dict[tuple[str, str], str]:
        """(KPI id, id of a value kind or sub-tile) → its name."""
        kpis = self.catalog.kpis.values()
        return {
            (kpi.id, id): name for kpi in kpis for named in (kpi.sub_tiles, kpi.values) for name, id in named.items()
        }

    @cached_property
    def value_names(self) -> dict[str, str]:
        """Id of a value kind, of whatever KPI → its name."""
        return {id: name for kpi in self.catalog.kpis.values() for name, id in kpi.values.items()}

    def kpi(self, id: str) -> str:
        return self._kpis[id].name if id in self._kpis else id

    def team(self, id: str | None) -> str | None:
        return None if id is None else self._teams.get(id, id)

    def value(self, kpi: str, id: str) -> str:
        return self._parts.get((kpi, id), id)

    def sub_tile(self, kpi: str, id: str | None) -> str | None:
        return None if id is None else self._parts.get((kpi, id), id)

    def path(self, key: ValueKey) -> str:
        """`board/scrap/line-1/actual/2026-11-20`, as `kpisync explain` takes it; a sub-tile stands after its team."""
        record = key.record
        parts = [
            record.destination,
            self.kpi(record.kpi),
            self.team(record.team),
            self.sub_tile(record.kpi, record.sub_tile),
            self.value(record.kpi, key.value),
            period_name(record.period, *self.catalog.rhythm(record.kpi)),
        ]
        return "/".join(part for part in parts if part is not None)


def parse_path(path: str, catalogs: Mapping[str, Catalog]) -> ValueKey:
    """`destination/kpi[/team[/sub-tile]]/value/period` → its key. Raises ConfigError with a suggestion."""
    destination, slash, rest = path.partition("/")
    if not slash or destination not in catalogs:
        raise _no_value(path, f"{destination} is not a destination{nearest(destination, catalogs)}")
    catalog = catalogs[destination]
    parts = rest.split("/")
    if not 3 <= len(parts) <= 5:
        raise _no_value(path, "it needs three to five parts after the destination")
    kpi, *place, value, period = parts
    team, sub_tile = (*place, None, None)[:2]
    try:
        ids = resolve(catalog, kpi, value, team, sub_tile)
        start: date = parse_period(period, *kpi_of(catalog, kpi).rhythm)
    except (Unmapped, ValueError) as bad:
        raise _no_value(path, str(bad)) from None
    return ValueKey(RecordKey(destination, ids.kpi, ids.team, ids.sub_tile, start), ids.value)


def _no_value(path: str, why: str) -> ConfigError:
    return ConfigError(
        f"{path} names no value: {why}",
        hint="Write destination/kpi/team/value/period, such as board/scrap/line-1/actual/2026-11-20",
    )
