"""A job from a database server to the board, with the state store on a file or on a server, as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from server_database import Database

from kpisync.cli.main import main
from kpisync.model import Catalog, CatalogKpi, Interval
from kpisync.sandbox.server import Sandbox
from kpisync.state.lock import job_lock

LINE_1 = "8dca904d-9134-3bb0-95b7-3f72ae3dfacf"
SCRAP = "c3ba32c2-a13a-0000-0000-000000000000"
ACTUAL = "79cf2f74-0e9c-45b5-bc4d-f437079dde7c"
CATALOG = Catalog({"line-1": LINE_1}, {"scrap": CatalogKpi("scrap", SCRAP, Interval.DAY, {"actual": ACTUAL})})
CONFIG = f"""\
version: 1
timezone: Europe/Berlin
state: {{state}}
destinations:
  board: {{{{type: valuestreamer, url: "{{board}}", username: sandbox, password: sandbox}}}}
catalog:
  board:
    teams: {{{{line-1: {LINE_1}}}}}
    kpis: {{{{scrap: {{{{id: {SCRAP}, interval: day, values: {{{{actual: {ACTUAL}}}}}}}}}}}}}
lookups:
  lines: {{{{L1: line-1}}}}
jobs:
  scrap-daily:
    source: {{{{type: sql, url: "{{source}}", query: "{{query}}"}}}}
    map:
      date: {{{{column: day}}}}
      team: {{{{column: line, lookup: lines}}}}
      values: [{{{{kpi: scrap, value: actual, column: qty, scale: 100, decimals: 1}}}}]
    destination: board
"""
QUERY = "SELECT line, day, qty FROM production WHERE day >= :from AND day < :until AND note LIKE '10%'"
RANGE = ("--from", "2026-11-01", "--to", "2026-11-30")


@dataclass
class Plant:
    """A board, a source database, and a way to call kpisync on them; `run` gives the exit code and the JSON."""

    board: Sandbox
    source: Database
    configure: Callable[..., None]
    call: Callable[..., tuple[int, Any]]

    def records(self) -> dict[str, str]:
        return {key.period.isoformat(): str(values[ACTUAL]) for key, values in self.board.records().items()}


@pytest.fixture
def plant(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Plant]:
    database.run("CREATE TABLE production (line VARCHAR(9), day DATE, qty NUMERIC(9,4), note VARCHAR(9))")
    rows = [("L1", "2026-11-01", "0.0125", "10% a"), ("L1", "2026-11-02", "1.5", "10"), ("L1", "2026-12-01", "7", "10")]
    database.run(
        "INSERT INTO production VALUES (:line, :day, :qty, :note)",
        rows=[dict(zip(("line", "day", "qty", "note"), row, strict=True)) for row in rows],
    )
    monkeypatch.setenv("KPISYNC_CONFIG", str(tmp_path / "kpisync.yaml"))
    with Sandbox(catalogs=CATALOG) as board:

        def configure(query: str = QUERY, state: str = f"sqlite:///{tmp_path}/state.db") -> None:
            text = CONFIG.format(
                state=state, board=board.platform_url("valuestreamer"), source=database.plain, query=query
            )
            (tmp_path / "kpisync.yaml").write_text(text, encoding="utf-8")

        def call(*arguments: str) -> tuple[int, Any]:
            monkeypatch.setattr("sys.argv", ["kpisync", *arguments, "--json"])
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
            return int(ended.value.code or 0), json.loads(capsys.readouterr().out)

        configure()
        yield Plant(board, database, configure, call)


def test_rows_of_a_database_reach_the_board_and_a_second_run_sends_nothing(plant: Plant) -> None:
    code, said = plant.call("run", *RANGE)
    assert (code, said["runs"][0]["confirmed"]) == (0, 2), said
    assert plant.records() == {"2026-11-01": "1.3", "2026-11-02": "150"}
    code, said = plant.call("run", *RANGE)
    assert (code, said["runs"][0]["requests"]) == (0, {})


def test_a_server_that_goes_away_in_the_midst_ends_with_4_and_nothing_sent(plant: Plant) -> None:
    gone = "pg_terminate_backend(pg_backend_pid())::text"
    if plant.source.is_mariadb:
        plant.source.run(
            "CREATE FUNCTION leave_now() RETURNS VARCHAR(9) BEGIN KILL CONNECTION CONNECTION_ID(); RETURN 'x'; END"
        )
        gone = "leave_now()"
    rows = f"SELECT 'L1' AS line, CASE WHEN n.i > 2500 THEN {gone} ELSE '2026-11-20' END AS day, 1 AS qty"
    plant.configure(f"{rows} FROM {plant.source.series(5000)}")
    code, said = plant.call("run")
    assert code == 4
    assert "Nothing of them is used" in said["runs"][0]["error"]
    assert plant.records() == {}


def test_rows_beyond_max_rows_hold_the_job_as_a_guard_does(plant: Plant) -> None:
    plant.configure(QUERY + '", max_rows: 1, decimal: ".')
    code, said = plant.call("run", *RANGE)
    run = said["runs"][0]
    assert (code, run["status"], run["error"]) == (3, "held", None)
    assert "more than 1 rows" in run["held"]
    assert plant.records() == {}
    code, said = plant.call("plan", *RANGE)
    assert (code, said["jobs"][0]["held"]) == (3, run["held"])
    code, said = plant.call("history")
    assert said["runs"][0]["status"] == "held"


# ---------------------------------------------------------------- the state store on PostgreSQL


def test_a_state_store_on_postgresql_does_what_one_in_a_file_does(plant: Plant, postgres: Database) -> None:
    plant.configure(state=postgres.plain)
    code, said = plant.call("plan", *RANGE)
    assert (code, len(said["jobs"][0]["changes"])) == (0, 2)
    assert postgres.look("SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'meta'") == [(0,)]
    code, said = plant.call("run", *RANGE)
    assert (code, said["runs"][0]["confirmed"]) == (0, 2), said
    code, said = plant.call("run", *RANGE)
    assert (code, said["runs"][0]["unchanged"], said["runs"][0]["requests"]) == (0, 2, {})
    assert plant.call("status")[0] == 0
    code, said = plant.call("explain", "board/scrap/line-1/actual/2026-11-02")
    assert code == 0


def test_a_job_that_runs_elsewhere_ends_with_5(plant: Plant, postgres: Database) -> None:
    plant.configure(state=postgres.plain)
    with job_lock(postgres.plain, "scrap-daily"):
        code, said = plant.call("run", *RANGE)
    assert code == 5
    assert "another process" in said["runs"][0]["error"]
    assert plant.records() == {}
