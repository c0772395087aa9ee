"""Tables of units that jobs share: they exist, and stand in the job once it is read."""

from __future__ import annotations

from collections.abc import Mapping

from kpisync.config.checks import Mapped
from kpisync.config.findings import Findings, Node
from kpisync.mapping.options import MapOptions
from kpisync.mapping.value_options import UnitOptions, UnitTable
from kpisync.registry import suggestion

Tables = Mapping[str, UnitTable | None]  # None: one that has problems


def check_units(here: Node, mapped: Mapped, known: Tables, findings: Findings) -> set[str]:
    """The tables that a map names; one that does not exist is a problem at its place."""
    named = {
        index: value.unit.table for index, value in mapped.values.items() if value.unit and value.unit.table is not None
    }
    for index, table in named.items():
        if table not in known:
            message = f"there is no table {findings.quote(table)} under units{suggestion(table, known)}"
            findings.add(here.at("values", index, "unit", "table"), message)
    return set(named.values())


def with_factors(map: MapOptions, known: Tables) -> MapOptions:
    """The map with the factors of its tables in their place; every table is known and sound."""
    values = [
        value.model_copy(update={"unit": _with_factors(value.unit, known)}) if value.unit else value
        for value in map.values
    ]
    return map.model_copy(update={"values": values})


def _with_factors(unit: UnitOptions, known: Tables) -> UnitOptions:
    table = known[unit.table] if unit.table is not None else None
    return unit.model_copy(update={"factors": table.root, "table": None}) if table else unit
