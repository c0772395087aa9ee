"""What the stand-in of MicroStrategy holds: cubes, reports, dashboards and KPIs, and those that are there at first."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from kpisync.fields import Options

Id = Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{32}$")]

PROJECT_ID, PROJECT = "B7CA92F04B9FAE8D941C3E9B7E0CD754", "Production"
CUBE = "C0BE0000000000000000000000000001"
REPORT = "4E904700000000000000000000000001"
DASHBOARD = "DA5B0A4D000000000000000000000001"
KPI = "F0100000000000000000000000000001"
DAY, LINE = "A7714000000000000000000000000001", "A7714000000000000000000000000002"
SCRAP, OUTPUT = "3E741C00000000000000000000000001", "3E741C00000000000000000000000002"


class Attribute(Options):
    id: Id
    name: str
    forms: tuple[str, ...] = Field(("ID",), min_length=1)


class Metric(Options):
    id: Id
    name: str


class Prompt(Options):
    key: str
    id: Id
    name: str
    type: Literal["VALUE", "ELEMENTS", "OBJECTS"] = "VALUE"
    required: bool = True
    default: bool = Field(False, description="it has an answer that is stored with it")
    after: str | None = Field(None, description="it opens only once the prompt with this key is answered")


class Dataset(Options):
    """What a cube, a report or a visualization shows.

    A row is a text, or a list of as many as there are forms, for each attribute, and then a cell for each metric.
    """

    name: str
    attributes: tuple[Attribute, ...] = ()
    metrics: tuple[Metric, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    across: int = Field(0, ge=0, description="so many of the attributes, the last ones, stand on the columns")
    metrics_on: Literal["columns", "rows"] = "columns"
    total: bool = Field(False, description="a total of all rows comes last")
    page_by: tuple[Attribute, ...] = ()

    @model_validator(mode="after")
    def _rows_fit(self) -> Self:
        width = len(self.attributes) + len(self.metrics)
        if any(len(row) != width for row in self.rows):
            raise ValueError(f"every row needs {width} cells: one for each attribute and each metric")
        return self

    def forms(self, row: tuple[Any, ...], number: int) -> tuple[str, ...]:
        """The texts of one attribute."""
        cell = row[number]
        return tuple(cell) if isinstance(cell, list | tuple) else (cell,)


class Cube(Dataset):
    kind: Literal["cube"] = "cube"
    id: Id
    published: bool = True
    fails: bool = Field(False, description="its execution ends with status 3")


class Report(Dataset):
    kind: Literal["report"] = "report"
    id: Id
    prompts: tuple[Prompt, ...] = ()
    fails: bool = Field(False, description="its execution ends with status 3")


class Visualization(Dataset):
    key: str
    chapter: str = "Chapter 1"
    page: str = "Page 1"


class Dashboard(Options):
    kind: Literal["dashboard"] = "dashboard"
    id: Id
    name: str
    visualizations: tuple[Visualization, ...] = ()
    prompted: bool = False
    fails: bool = Field(False, description="its execution ends with status 3")


class Kpi(Options):
    kind: Literal["kpi"] = "kpi"
    id: Id
    name: str
    points: tuple[tuple[str, Any], ...] = Field((), description="instants as they are written, each with its raw value")


Thing = Cube | Report | Dashboard | Kpi
THING: TypeAdapter[Thing] = TypeAdapter(Annotated[Thing, Field(discriminator="kind")])


def at_first(now: datetime) -> list[Thing]:
    """One of each: scrap and output of two lines on three days, the last point of a KPI as old as an hour or less."""
    attributes = (Attribute(id=DAY, name="Day"), Attribute(id=LINE, name="Line", forms=("ID", "DESC")))
    metrics = (Metric(id=SCRAP, name="Scrap"), Metric(id=OUTPUT, name="Output"))
    rows = tuple(
        (f"2026-11-{day}", [f"L{line}", f"Line {line}"], Decimal(day * line), Decimal(1000 + day))
        for day in (18, 19, 20)
        for line in (1, 2)
    )
    hour = now.replace(minute=0, second=0, microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
    shown = {"attributes": attributes, "metrics": metrics, "rows": rows}
    day = Prompt(key=f"{CUBE}@0@10", id="9407930000000000000000000000000A", name="Day", default=True)
    return [
        Cube(id=CUBE, name="Scrap by line", **shown),
        Report(id=REPORT, name="Scrap by line, with a prompt", prompts=(day,), total=True, **shown),
        Dashboard(
            id=DASHBOARD,
            name="Shop floor",
            visualizations=(
                Visualization(key="K52", name="Scrap today", metrics=metrics[:1], rows=((Decimal(60),),)),
                Visualization(key="K53", name="Scrap by line", **shown),
            ),
        ),
        Kpi(id=KPI, name="Scrap rate", points=((hour, Decimal("0.76")),)),
    ]
