"""A metadata line that changes is a change of every row, also where no row was written otherwise."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from kpisync.mapping.apply import Mapper
from kpisync.mapping.options import MapOptions
from kpisync.model import Catalog, CatalogKpi, Interval, Scope
from kpisync.ports import DestinationOptions, Surroundings
from kpisync.sources.csv import SPEC
from kpisync.sync.job import Job, Tools, run
from kpisync.sync.options import Absent, GuardOptions
from kpisync.sync.report import Report
from kpisync.testing.clock import NOON, FakeClock
from kpisync.testing.destination import MemoryBoard
from kpisync.testing.state import MemoryState

CATALOG = Catalog(
    {"one": "team-1", "two": "team-2"}, {"scrap": CatalogKpi("scrap", "kpi-s", Interval.DAY, {"actual": "v-a"})}
)
MAP = MapOptions.model_validate(
    {
        "date": {"column": "day"},
        "team": {"column": "site", "lookup": "sites"},
        "values": [{"kpi": "scrap", "value": "actual", "column": "scrap"}],
    }
)


class Plant:
    """An export whose metadata line names the site that its rows belong to."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "export.csv"
        self.clock, self.state = FakeClock(), MemoryState()
        self.board = MemoryBoard(self.clock)

    def run(self, site: str, scrap: str) -> Report:
        day = NOON.date()
        self.file.write_text(f"EXPORT,{site}\nday,scrap\n{day.replace(day=1)},{scrap}\n", encoding="utf-8")
        options = {"path": str(self.file), "metadata": {"row": 1, "columns": {"site": 2}}}
        source = SPEC.build(SPEC.options.model_validate(options), Surroundings())
        mapper = Mapper(MAP, "board", CATALOG, {"sites": {"A": "one", "B": "two"}}, Scope(day))
        job = Job(
            "job",
            source,
            mapper,
            self.board,
            DestinationOptions(concurrency=1),
            GuardOptions(),
            Absent.KEEP,
            frozenset(),
            "fingerprint",
        )
        report = Report("job", "job")
        run(job, Tools(self.state, self.clock), report)
        return report

    @property
    def numbers(self) -> dict[str | None, Decimal | None]:
        return {key.team: self.board.holds(key, "v-a") for key in self.board.records}


def test_a_metadata_line_that_alone_changed_makes_the_rows_be_mapped_again(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    assert plant.run("A", "5").created == 1
    assert plant.run("B", "5").created == 1
    assert plant.numbers == {"team-1": Decimal(5), "team-2": Decimal(5)}


def test_the_same_metadata_line_above_the_same_rows_is_not_read_again(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.run("A", "5")
    assert plant.run("A", "5").reading == ["not read: its files are those that were confirmed whole"]
