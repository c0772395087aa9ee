"""What a run may cost: one PUT for a changed record; for each KPI, team and window one GET before, and one after."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from kpisync.model import Catalog, CatalogKpi, Interval
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import SandboxSettings

if TYPE_CHECKING:
    from kpisync.sandbox.journal import Entry
    from tests.acceptance.conftest import Project

TEAMS = {f"line-{n}": f"8dca904d-9134-3bb0-95b7-3f72ae3dfac{n}" for n in range(3)}
KPIS = {
    name: CatalogKpi(
        name,
        f"c3ba32c2-a13a-0000-0000-00000000000{n}",
        Interval.DAY,
        {kind: f"79cf2f74-0e9c-45b5-bc4d-f437079dd{digit}{n}e" for digit, kind in enumerate(("actual", "target"))},
    )
    for n, name in enumerate(("scrap", "output", "downtime"))
}
DAYS = tuple(f"2026-{month}-{day:02}" for month in ("09", "11") for day in range(2, 6))  # two windows of a list read


def config() -> str:
    """As JSON, which is YAML too."""
    board = {"type": "valuestreamer", "url": "${env:BOARD_URL}", "username": "sandbox", "password": "sandbox"}
    catalog = {"teams": TEAMS, "kpis": {name: {"id": kpi.id, "values": kpi.values} for name, kpi in KPIS.items()}}
    job = {
        "source": {"type": "csv", "path": "scrap.csv", "delimiter": ";"},
        "map": {
            "date": {"column": "day"},
            "team": {"column": "team"},
            "values": [{"kpi": name, "value": "actual", "column": name} for name in KPIS]
            + [{"kpi": name, "value": "target", "constant": 2.5} for name in KPIS],
        },
        "destination": "board",
    }
    whole = {"version": 1, "destinations": {"board": board}, "catalog": {"board": catalog}, "jobs": {"daily": job}}
    return json.dumps(whole)


@pytest.fixture(params=["optional", "required", "empty"])
def board(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """What a list without a team shows is not documented: all of them, nothing, or an error."""
    settings = SandboxSettings.model_validate({"team_filter": request.param})
    with Sandbox(settings, Catalog(TEAMS, KPIS)) as sandbox:
        yield sandbox


def write(project: Project, **changed: int) -> None:
    """The export; `changed` names cells as `kpi_team_day`, such as scrap_1_0."""
    rows = [
        f"line-{team};{day};" + ";".join(str(changed.get(f"{kpi}_{team}_{index}", 7)) for kpi in KPIS)
        for index, day in enumerate(DAYS)
        for team in range(len(TEAMS))
    ]
    project.source(*rows, header=f"team;day;{';'.join(KPIS)}")


class Group(NamedTuple):
    """What is read together: a KPI's records of one window."""

    kpi: str
    month: str


class Cost:
    """The requests of a run as the board saw them."""

    def __init__(self, entries: list[Entry]) -> None:
        self.writes: Counter[tuple[str, str, str]] = Counter()  # day, team, KPI
        self.before: dict[Group, Counter[str]] = defaultdict(Counter)  # list reads by team; "": without one
        self.after: dict[Group, Counter[str]] = defaultdict(Counter)
        for entry in entries:
            path, query = urlsplit(entry.path).path, parse_qs(urlsplit(entry.path).query)
            if entry.method == "PUT":
                day, team, kpi = path.split("/")[-3:]
                self.writes[day, team, kpi] += 1
            else:
                assert entry.method == "GET"
                group = Group(query["kpi-id"][0], query["from"][0][:7])
                (self.after if group in self.written else self.before)[group][query.get("team-id", [""])[0]] += 1

    @property
    def written(self) -> dict[Group, set[str]]:
        """The teams of each group that were written to."""
        teams: dict[Group, set[str]] = defaultdict(set)
        for day, team, kpi in self.writes:
            teams[Group(kpi, day[:7])].add(team)
        return teams

    def is_within_budget(self) -> bool:
        """Once in a run, one read more may find out what a list without a team shows."""
        reads = [*self.before.items(), *self.after.items()]
        beyond = [max(0, asked.total() - len(self.written[group])) for group, asked in reads]
        return max(count for _, asked in reads for count in asked.values()) == 1 and sum(beyond) <= 1


def test_a_first_load_writes_each_record_once_and_reads_each_window_of_a_team_once_before_and_once_after(
    project: Project,
) -> None:
    project.config(config())
    write(project)
    run = project.run()
    cost = Cost(project.board.journal)
    assert (run["exit"], run["confirmed"]) == (0, 2 * 72)
    assert (len(cost.writes), cost.writes.total(), run["requests"]["PUT"]) == (72, 72, 72)
    assert len(cost.before) == len(cost.after) == len(cost.written) == 6
    assert cost.is_within_budget(), (cost.before, cost.after)


def test_an_update_of_a_few_records_costs_no_request_for_the_others(project: Project) -> None:
    project.config(config())
    write(project)
    project.run()
    known = len(project.board.journal)
    write(project, scrap_0_0=8, output_1_5=8, output_2_5=9)
    run = project.run()
    cost = Cost(project.board.journal[known:])
    assert (run["exit"], run["updated"], run["unchanged"]) == (0, 3, 2 * 72 - 3)
    assert sorted(cost.writes.values()) == [1, 1, 1]
    assert set(cost.before) == set(cost.after) == set(cost.written)
    assert cost.is_within_budget(), (cost.before, cost.after)
