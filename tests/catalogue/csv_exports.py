"""From the bytes of an export to the values that a job would state: read through the csv source, and mapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from kpisync.mapping.apply import Mapper
from kpisync.mapping.catalog_options import CatalogOptions
from kpisync.mapping.collect import Collector
from kpisync.mapping.options import MapOptions
from kpisync.model import Intake, KpiValue, Scope
from kpisync.ports import Surroundings
from kpisync.sources.csv import SPEC

TODAY = date(2026, 11, 20)
TEAMS = {
    "press": "8dca904d-9134-3bb0-95b7-3f72ae3dfacf",
    "paint": "6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10",
    "south": "5b1f0e8a-6c1d-4b53-9a8e-2f6f0c3d7e11",
}
KPIS = {
    "scrap": {"id": "scrap", "values": {"actual": "actual", "target": "target"}},
    "output": {"id": "output", "values": {"actual": "output"}},
    "orders": {"id": "orders", "interval": "week", "values": {"actual": "orders"}},
    "revenue": {"id": "revenue", "interval": "month", "values": {"actual": "revenue"}},
}
CATALOG = CatalogOptions.model_validate({"teams": TEAMS, "kpis": KPIS}).catalog()
LINES = {"L1": "press", "L2": "paint", "Halle – Süd": "south", 'ACME "Best"; Corp.': "south"}
QTY = {"kpi": "scrap", "value": "actual", "column": "qty"}


@dataclass(frozen=True)
class Came:
    """What came of an export."""

    values: list[KpiValue]
    intake: Intake
    columns: tuple[str, ...]

    @property
    def numbers(self) -> dict[str, Decimal]:
        """`team period` → number, with the KPI before it where it is not scrap."""
        teams = {id: name for name, id in TEAMS.items()}
        found = {}
        for value in self.values:
            record = value.key.record
            name = f"{teams.get(record.team or '', record.team)} {record.period}"
            found[name if record.kpi == "scrap" else f"{record.kpi} {name}"] = value.number
        assert len(found) == len(self.values)
        return found

    @property
    def rejects(self) -> list[str]:
        """`line code: reason`."""
        return [
            f"{(each.source or '').rsplit(':', 1)[1]} {each.code}: {each.reason}" for each in self.intake.rejections
        ]

    @property
    def total(self) -> Decimal:
        return sum((value.number for value in self.values), Decimal(0))


def came_of(file: Path, source: Mapping[str, Any], map: Mapping[str, Any]) -> Came:
    """An export as it lies there. Raises what reading raises."""
    built = SPEC.build(SPEC.options.model_validate({"path": str(file), **source}), Surroundings())
    lookups = {
        "lines": LINES,
        "keys": {"0001200": "press", "00692": "paint", "000": "south"},
        "sites": {"[HAM] Hamburg": "press", "[LEJ] Leipzig": "paint", "[BOS] Boston": "south"},
        "kinds": {"Scrap": "scrap", "Output": "output"},
    }
    mapper = Mapper(MapOptions.model_validate(map), "board", CATALOG, lookups, Scope(TODAY))
    intake, collector, columns = Intake(), Collector(mapper.options.values), ()
    for table in built.read(Scope(TODAY), intake):
        columns = table.columns
        for reading in mapper.readings(table, intake):
            collector.add(reading, table.origin)
    return Came(collector.values(intake), intake, columns)


def came_of_text(
    folder: Path,
    content: str | bytes,
    *values: Mapping[str, Any],
    name: str = "export.csv",
    map: Mapping[str, Any] | None = None,
    **source: Any,
) -> Came:
    """An export of `line`, `day` and `qty`, unless `map` or the values say otherwise; `;` divides its cells."""
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    whole = {"date": {"column": "day"}, "team": {"column": "line", "lookup": "lines"}, "values": list(values or [QTY])}
    return came_of(file, {"delimiter": ";", **source}, {**whole, **(map or {})})


def cells(numbers: Sequence[str], quote: bool = False) -> str:
    """An export with these numbers of the press, one for each of the days before today."""
    days = [date.fromordinal(TODAY.toordinal() - ago) for ago in range(1, len(numbers) + 1)]
    mark = '"' if quote else ""
    return "line;day;qty\n" + "".join(f"L1;{day};{mark}{n}{mark}\n" for day, n in zip(days, numbers, strict=True))


def numbers_of(folder: Path, numbers: Sequence[str], *values: Mapping[str, Any], **source: Any) -> list[Decimal | None]:
    """What these cells are sent as, None where nothing is sent; none of them may be rejected."""
    came = came_of_text(folder, cells(numbers), *values, **source)
    assert came.rejects == []
    days = [date.fromordinal(TODAY.toordinal() - ago) for ago in range(1, len(numbers) + 1)]
    return [came.numbers.get(f"press {day}") for day in days]
