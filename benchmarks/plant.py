"""A plant's export for the benchmarks: a million rows of (team, KPI, kind, day, number), two or three to a record."""

from __future__ import annotations

import csv
import random
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from kpisync.mapping.apply import Mapper
from kpisync.mapping.catalog_options import CatalogKpiOptions, CatalogOptions
from kpisync.mapping.options import MapOptions
from kpisync.model import Catalog, Scope

TEAMS, KPIS = 50, 8
KINDS = ("actual", "target", "forecast")
FIRST_DAY = date(2020, 1, 1)
TODAY = date(2033, 1, 1)
ROWS_A_DAY = sum(2 + (team * KPIS + kpi) % 2 for team in range(TEAMS) for kpi in range(KPIS))


def _id(text: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, text))


def catalog() -> Catalog:
    kpis = {
        f"kpi-{kpi}": CatalogKpiOptions(id=_id(f"kpi-{kpi}"), values={kind: _id(f"{kpi} {kind}") for kind in KINDS})
        for kpi in range(KPIS)
    }
    return CatalogOptions(teams={f"team-{team}": _id(f"team-{team}") for team in range(TEAMS)}, kpis=kpis).catalog()


LOOKUPS = {
    "teams": {f"T{team:02}": f"team-{team}" for team in range(TEAMS)},
    "kpis": {f"K{kpi}": f"kpi-{kpi}" for kpi in range(KPIS)},
    "kinds": {"A": "actual", "T": "target", "F": "forecast"},
}
MAP = MapOptions.model_validate(
    {
        "date": {"column": "day"},
        "team": {"column": "team", "lookup": "teams"},
        "values": [
            {
                "kpi": {"column": "kpi", "lookup": "kpis"},
                "value": {"column": "kind", "lookup": "kinds"},
                "column": "number",
            }
        ],
    }
)


def mapper() -> Mapper:
    return Mapper(MAP, "board", catalog(), LOOKUPS, Scope(TODAY))


def rows(count: int, changed_days: int = 0) -> Iterator[tuple[str, ...]]:
    """Rows grouped by day; the numbers of the last `changed_days` differ from those of another file."""
    days = -(-count // ROWS_A_DAY)
    made = 0
    for index in range(days):
        day = (FIRST_DAY + timedelta(days=index)).isoformat()
        shift = 1 if index >= days - changed_days else 0
        for team in range(TEAMS):
            for kpi in range(KPIS):
                for kind in "ATF"[: 2 + (team * KPIS + kpi) % 2]:
                    if made == count:
                        return
                    made += 1
                    yield f"T{team:02}", f"K{kpi}", kind, day, f"{(made * 7919) % 100000 / 10 + shift:.1f}"


def write(path: Path, count: int, *, shuffled: bool = False, changed_days: int = 0) -> Path:
    found: Iterator[tuple[str, ...]] | list[tuple[str, ...]] = rows(count, changed_days)
    if shuffled:
        found = list(found)
        random.Random(1).shuffle(found)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("team", "kpi", "kind", "day", "number"))
        writer.writerows(found)
    return path
