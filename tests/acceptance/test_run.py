"""The main job as a user sees it: a file, a plan, a run, and a second run that makes no request."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

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
    from datetime import date

    project.board.put_by_hand(date(2026, 11, 19), "line-1", "scrap", None, {"target": Decimal("2.5")})
    project.source("L1;19.11.2026;12,5")
    project.run()
    assert project.records()["2026-11-19", "line-1"] == {"actual": "12.5", "target": "2.5"}


def test_an_unknown_team_is_rejected_with_the_nearest_name_and_the_rest_goes_on(project: Project) -> None:
    project.source("L1;19.11.2026;1", "L9;19.11.2026;2")
    run = project.run()
    assert (run["exit"], run["status"], run["created"], run["rejected"]) == (1, "partial", 1, 1)
    assert run["rejects"] == [
        {
            "source": "scrap.csv:3",
            "code": "unknown-team",
            "reason": "L9 is not in lookup lines; did you mean L2?",
        }
    ] or run["rejects"][0]["reason"].startswith("L9 is not in lookup lines; did you mean L")
