"""Builders for the tests of the mapping: a catalog, a map over some rows, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from kpisync.mapping.apply import Mapper
from kpisync.mapping.catalog_options import CatalogOptions
from kpisync.mapping.collect import Collector
from kpisync.mapping.options import MapOptions
from kpisync.mapping.periods import period_name
from kpisync.model import Intake, KpiValue, NumberFormat, Row, Scope, Table

TODAY = date(2026, 11, 20)  # a Friday
LINE_1 = "8dca904d-9134-3bb0-95b7-3f72ae3dfacf"
LINE_2 = "6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10"
EARLY = "5b1f0e8a-6c1d-4b53-9a8e-2f6f0c3d7e11"
NOWHERE = "00000000-0000-0000-0000-00000000000a"

CATALOG = CatalogOptions.model_validate(
    {
        "teams": {"line-1": LINE_1, "line-2": LINE_2},
        "kpis": {
            "scrap": {
                "id": "c3ba32c2-a13a-0000-0000-000000000001",
                "values": {"actual": "00000000-0000-0000-0000-0000000000a1", "target": "t1"},
                "sub_tiles": {"early": EARLY},
            },
            "orders": {"id": "o1", "interval": "week", "values": {"actual": "a2", "target": "t2"}},
            "rate": {"id": "r1", "interval": "month", "values": {"actual": "a3"}},
        },
    }
).catalog()
LOOKUPS = {"lines": {"L1": "line-1", "L2": "line-2"}, "wrong": {"L1": "line-7"}}
SCRAP = {"kpi": "scrap", "value": "actual", "column": "n"}
ORDERS = {"kpi": "orders", "value": "actual", "column": "n"}


def options(*values: Mapping[str, Any], **parts: Any) -> MapOptions:
    """A map of rows with `d`ate, `t`eam and `n`umber."""
    wanted = {"date": {"column": "d"}, "team": {"column": "t", "lookup": "lines"}, "values": [*(values or (SCRAP,))]}
    return MapOptions.model_validate(wanted | parts)


def mapper(made: MapOptions, scope: Scope | None = None, **more: Any) -> Mapper:
    return Mapper(made, "board", CATALOG, LOOKUPS, scope or Scope(TODAY), **more)


def scope(first: str | None = None, last: str | None = None, today: date = TODAY) -> Scope:
    return Scope(today, *(date.fromisoformat(day) if day else None for day in (first, last)))


def table(
    rows: Iterable[Sequence[object]],
    columns: Sequence[str] = ("d", "t", "n"),
    origin: str = "a.csv",
    numbers: NumberFormat | None = None,
) -> Table:
    """Rows from line 2 on, below the header."""
    made = (Row(line, cells) for line, cells in enumerate(rows, start=2))
    return Table(origin, tuple(columns), made, numbers or NumberFormat())


@dataclass(frozen=True)
class Mapped:
    """What came of some tables."""

    values: list[KpiValue]
    intake: Intake

    @property
    def numbers(self) -> dict[str, str]:
        """Team, value kind (if it is not `actual`) and first day of the period → the number as it would be written."""
        return {_name(value): f"{value.number:f}" for value in self.values}

    @property
    def sources(self) -> list[str]:
        return [value.source for value in self.values]

    @property
    def rejects(self) -> list[str]:
        """`a.csv:2 code: reason`."""
        return [f"{each.source} {each.code}: {each.reason}" for each in self.intake.rejections]

    @property
    def codes(self) -> list[tuple[str | None, str]]:
        return [(each.source, each.code) for each in self.intake.rejections]


def _name(value: KpiValue) -> str:
    record = value.key.record
    teams = {id: name for name, id in CATALOG.teams.items()}
    parts = [teams.get(record.team or "", record.team), record.sub_tile and "early"]
    if value.key.value not in {kpi.values["actual"] for kpi in CATALOG.kpis.values()}:
        parts.append(value.key.value)
    interval = CATALOG.interval(record.kpi)
    return " ".join([*(part for part in parts if part), period_name(record.period, interval)])


def mapped(mapper: Mapper, *tables: Table) -> Mapped:
    intake, collector = Intake(), Collector.of(mapper)
    for each in tables:
        for reading in mapper.readings(each, intake, collector.presence):
            collector.add(reading, each.origin)
    return Mapped(collector.values(intake), intake)


def of_rows(rows: Iterable[Sequence[object]], *values: Mapping[str, Any], **parts: Any) -> Mapped:
    """What comes of rows with `d`ate, `t`eam and `n`umber, with everything at its default."""
    return mapped(mapper(options(*values, **parts)), table(rows))
