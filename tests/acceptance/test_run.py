"""The main job as a user sees it: a file, a plan, a run, and a second run that makes no request."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from kpisync.state.lock import job_lock
from tests.acceptance.conftest import CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project


def test_a_first_run_creates_and_confirms_and_a_second_makes_no_request(project: Project) -> None:
    project.source("L1;19.11.2026;12,5", "L2;19.11.2026;3")
    first = project.run()
    assert (first["exit"], first["status"], first["created"], first["confirmed"]) == (0, "ok", 2, 2)
    assert project.records()["2026-11-19", "line-1"]["actual"] == "12.5"
    second = project.run()
    assert (second["exit"], second["unchanged"], second["requests"]) == (0, 2, {})


def test_a_plan_shows_old_and_new_with_the_source_cell_and_sends_nothing(project: Project) -> None:
    project.source("L1;19.11.2026;177")
    project.run()
    writes = project.board.requests["PUT"]
    project.source("L1;19.11.2026;190")
    plan = project.call("plan", "--json")
    change = plan.json["jobs"][0]["changes"][0]
    assert (change["action"], change["kpi"], change["team"], change["period"]) == (
        "update",
        "scrap",
        "line-1",
        "2026-11-19",
    )
    value = change["values"][0]
    assert (value["value"], value["old"], value["new"], value["source"]) == ("actual", 177, 190, "scrap.csv:2")
    assert project.board.requests["PUT"] == writes
    assert plan.code == 0


def test_a_target_keyed_in_by_hand_survives_a_partial_set(project: Project) -> None:
    project.board.put_by_hand(date(2026, 11, 19), "line-1", "scrap", None, {"target": Decimal("2.5")})
    project.source("L1;19.11.2026;12,5")
    project.run()
    assert project.records()["2026-11-19", "line-1"] == {"actual": "12.5", "target": "2.5"}


def test_an_unknown_team_is_rejected_with_the_nearest_name_and_the_rest_goes_on(project: Project) -> None:
    project.source("L1;19.11.2026;1", "L9;19.11.2026;2")
    run = project.run()
    assert (run["exit"], run["status"], run["created"], run["rejected"]) == (1, "partial", 1, 1)
    assert run["rejects"] == [
        {"source": "scrap.csv:3", "code": "unknown-team", "reason": "L9 is not in lookup lines; did you mean L2?"}
    ]


def test_a_number_that_someone_else_wrote_is_held_and_reported(project: Project) -> None:
    project.board.put_by_hand(date(2026, 11, 19), "line-1", "scrap", None, {"actual": Decimal("7.5")})
    project.source("L1;19.11.2026;12,5")
    run = project.run()
    assert (run["exit"], run["status"], run["conflicts"], run["requests"].get("PUT", 0)) == (1, "partial", 1, 0)
    assert run["conflicting"] == [
        {"path": "board/scrap/line-1/actual/2026-11-19", "holds": 7.5, "new": 12.5, "source": "scrap.csv:2"}
    ]
    assert project.records()["2026-11-19", "line-1"]["actual"] == "7.5"
    history = project.call("history", run["run"], "--json").json
    assert history["conflicts"] == 1
    assert "kpisync adopt scrap-daily" in project.call("run").out


def test_a_value_that_the_platform_holds_already_is_taken_as_known_in_silence(project: Project) -> None:
    project.board.put_by_hand(date(2026, 11, 19), "line-1", "scrap", None, {"actual": Decimal("12.5")})
    project.source("L1;19.11.2026;12,5")
    run = project.run()
    assert (run["exit"], run["unchanged"], run["requests"]) == (0, 1, {"GET": 1})
    assert project.run()["requests"] == {}


def test_another_process_that_runs_the_job_is_told_apart_by_exit_code_5(project: Project) -> None:
    project.source("L1;19.11.2026;1")
    with job_lock(f"sqlite:///{project.folder}/state/kpisync.db", "scrap-daily"):
        run = project.run()
    assert (run["exit"], run["status"]) == (5, "skipped")
    assert "scrap-daily" in run["error"]
    assert project.board.requests == {}


def test_two_jobs_for_one_value_the_later_is_rejected_naming_the_first(project: Project) -> None:
    job = CONFIG[CONFIG.index("  scrap-daily:") :]
    project.config(CONFIG + job.replace("scrap-daily", "second"))
    project.source("L1;19.11.2026;1")
    outcome = project.call("run", "--json")
    first, second = outcome.json["runs"]
    assert outcome.code == 1
    assert first["confirmed"] == 1
    assert second["rejects"][0]["code"] == "other-job"
    assert "scrap-daily" in second["rejects"][0]["reason"]


def test_explain_tells_source_old_value_answer_and_read_back(project: Project) -> None:
    project.source("L1;19.11.2026;177")
    project.run()
    project.source("L1;19.11.2026;190")
    project.run()
    life = project.call("explain", "board/scrap/line-1/actual/2026-11-19", "--json").json
    assert (life["known"]["number"], life["known"]["status"], life["known"]["source"]) == (
        190,
        "confirmed",
        "scrap.csv:2",
    )
    assert [(change["old"], change["new"], change["status"]) for change in life["changes"]] == [
        (None, 177, "confirmed"),
        (177, 190, "confirmed"),
    ]
    assert life["changes"][1]["digest"].startswith("sha256:")
    assert life["changes"][1]["found"] == 190


def test_a_range_a_kpi_and_a_team_narrow_what_is_looked_at(project: Project) -> None:
    project.source("L1;18.11.2026;1", "L1;19.11.2026;2", "L2;19.11.2026;3")
    run = project.run("--from", "2026-11-19", "--to", "2026-11-19", "--team", "line-1", "--kpi", "scrap")
    assert (run["exit"], run["created"]) == (0, 1)
    assert set(project.records()) == {("2026-11-19", "line-1")}


def test_the_guard_holds_a_run_that_changes_too_much_until_it_is_allowed(project: Project) -> None:
    days = [f"L1;{day:02}.10.2026;{{}}" for day in range(1, 13)]
    project.source(*(day.format(1) for day in days))
    project.run()
    project.source(*(day.format(2) for day in days))
    held = project.run()
    assert (held["exit"], held["status"], held["requests"]) == (3, "held", {})
    assert "--yes-over-guard" in held["held"]
    assert project.run("--yes-over-guard")["updated"] == 12


def test_what_the_platform_adds_by_itself_is_told_once_with_its_name(project: Project) -> None:
    project.source("L1;18.11.2026;1", "L1;19.11.2026;2")
    shown = project.call("run").out
    assert "note: the platform added target = 0 by itself (2 records, such as 2026-11-18)" in shown
