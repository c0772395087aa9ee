"""`verify`: what is known of the board against what it shows, and sent again only where nobody else wrote."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from kpisync.sandbox.settings import Fault
from kpisync.state.lock import job_lock
from tests.acceptance.conftest import CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

DAY = date(2026, 11, 19)
PATH = "board/scrap/line-1/actual/2026-11-19"


def delivered(project: Project, *rows: str) -> None:
    project.source(*(rows or ("L1;18.11.2026;5", "L1;19.11.2026;12,5")))
    assert project.run()["exit"] == 0


def by_hand(project: Project, number: str) -> None:
    project.board.put_by_hand(DAY, "line-1", "scrap", None, {"actual": Decimal(number)})


def verify(project: Project, *arguments: str) -> Any:
    """The first entry of `verify --json`, with the exit code."""
    outcome = project.call("verify", "--json", *arguments)
    return {**outcome.json["verify"][0], "exit": outcome.code}


def test_a_board_that_holds_what_is_known_is_clean_and_only_read(project: Project) -> None:
    delivered(project)
    writes = project.board.requests["PUT"]
    found = verify(project)
    assert (found["exit"], found["job"], found["checked"], found["requests"]) == (0, "scrap-daily", 2, {"GET": 1})
    assert [found[kind] for kind in ("missing", "different", "edited", "duplicates")] == [[], [], [], []]
    assert project.board.requests["PUT"] == writes


def test_what_is_gone_is_missing_and_is_sent_again_only_if_asked(project: Project) -> None:
    delivered(project)
    project.board.delete_by_hand(DAY, "line-1", "scrap", None)
    found = verify(project)
    assert (found["exit"], found["missing"]) == (1, [{"path": PATH, "old": 12.5, "found": None}])
    assert (found["requests"], found["repaired"]) == ({"GET": 1}, 0)
    repaired = verify(project, "scrap-daily", "--repair")
    assert (repaired["exit"], repaired["repaired"]) == (0, 1)
    assert project.records()["2026-11-19", "line-1"]["actual"] == "12.5"
    assert verify(project)["exit"] == 0
    known = project.call("explain", PATH, "--json").json["known"]
    assert (known["number"], known["source"], known["job"]) == (12.5, "scrap.csv:3", "scrap-daily")


def test_an_older_number_of_ours_is_different_and_is_corrected(project: Project) -> None:
    delivered(project, "L1;19.11.2026;11")
    delivered(project, "L1;19.11.2026;12,5")
    by_hand(project, "11")  # as a board does that was restored from a backup
    found = verify(project)
    assert (found["exit"], found["different"]) == (1, [{"path": PATH, "old": 12.5, "found": 11}])
    assert (verify(project, "--repair")["exit"], project.records()["2026-11-19", "line-1"]["actual"]) == (0, "12.5")


def test_another_hands_number_is_edited_and_never_overwritten(project: Project) -> None:
    project.config(
        CONFIG.replace("    settle: 1s", "    settle: 1s\n    on_conflict: overwrite\n    read_before: never")
    )
    delivered(project)
    by_hand(project, "7.5")
    found = verify(project, "--repair")
    assert (found["exit"], found["edited"]) == (1, [{"path": PATH, "old": 12.5, "found": 7.5}])
    assert (found["repaired"], found["requests"]) == (0, {"GET": 1})
    assert project.records()["2026-11-19", "line-1"]["actual"] == "7.5"


def test_what_was_sent_and_never_landed_is_different(project: Project) -> None:
    project.config(CONFIG.replace("    settle: 1s", "    settle: 1s\n    confirm: none"))
    delivered(project, "L1;19.11.2026;11")
    by_hand(project, "9")
    project.config(CONFIG.replace("    settle: 1s", "    settle: 1s\n    confirm: none\n    on_conflict: overwrite"))
    project.source("L1;19.11.2026;12,5")
    assert project.run()["sent"] == 1
    by_hand(project, "9")  # what stood there before we sent
    assert verify(project)["different"] == [{"path": PATH, "old": 12.5, "found": 9}]


def test_a_range_narrows_what_is_checked(project: Project) -> None:
    delivered(project)
    project.board.delete_by_hand(DAY, "line-1", "scrap", None)
    found = verify(project, "scrap-daily", "--from", "2026-11-18", "--to", "2026-11-18")
    assert (found["exit"], found["checked"]) == (0, 1)


def test_drift_makes_the_next_run_look_at_the_source_again(project: Project) -> None:
    delivered(project)
    assert "not read" in project.call("history", project.run()["run"], "--json").json["reading"][0]
    by_hand(project, "7.5")
    verify(project)
    again = project.run()
    assert (again["reading"], again["unchanged"], again["requests"]) != (["not read"], 2, {})
    assert not any("not read" in note for note in again["reading"])


def test_what_is_in_doubt_is_not_judged_but_told(project: Project) -> None:
    delivered(project)
    project.source("L1;18.11.2026;5", "L1;19.11.2026;13")
    project.board.faults = [Fault(kind="drop-before", method="PUT", times=None)]
    assert project.run()["in_doubt"] == 1
    found = verify(project)
    assert (found["exit"], found["checked"], found["doubtful"], found["missing"]) == (1, 1, [PATH], [])


def test_a_read_that_fails_is_no_drift(project: Project) -> None:
    delivered(project)
    project.board.faults = [Fault(kind="status", status=500, method="GET", times=None)]
    found = verify(project)
    assert (found["exit"], found["checked"], found["missing"]) == (4, 0, [])
    assert "a fault on request" in found["error"]


def test_every_job_is_checked_and_a_broken_one_keeps_none_from_it(project: Project) -> None:
    delivered(project)
    job = CONFIG[CONFIG.index("  scrap-daily:") :]
    project.config(CONFIG + job.replace("scrap-daily", "broken").replace("kpi: scrap", "kpi: scarp"))
    outcome = project.call("verify", "--json")
    sound, broken = outcome.json["verify"]
    assert (outcome.code, sound["job"], sound["checked"]) == (2, "scrap-daily", 2)
    assert "scarp" in broken["error"]


def test_a_verification_is_a_run_of_its_own_kind(project: Project) -> None:
    delivered(project)
    project.board.delete_by_hand(DAY, "line-1", "scrap", None)
    kept = project.call("history", verify(project)["run"], "--json").json
    assert (kept["kind"], kept["status"], kept["missing"][0]["path"]) == ("verify", "partial", PATH)


def test_a_job_that_runs_is_left_alone(project: Project) -> None:
    delivered(project)
    with job_lock(f"sqlite:///{project.folder}/state/kpisync.db", "scrap-daily"):
        assert verify(project)["exit"] == 5


def test_people_read_old_and_found_and_what_to_do_next(project: Project) -> None:
    delivered(project, "L1;18.11.2026;5", "L1;19.11.2026;12,5")
    project.board.delete_by_hand(date(2026, 11, 18), "line-1", "scrap", None)
    by_hand(project, "7.5")
    shown = project.call("verify").out
    assert "missing: board/scrap/line-1/actual/2026-11-18: 5 → nothing" in shown
    assert f"edited: {PATH}: 12.5 → 7.5" in shown
    assert "kpisync verify scrap-daily --repair" in shown
    assert "2 values checked: 1 missing, 0 different, 1 edited, 0 duplicate" in shown


@pytest.mark.parametrize("command", [["verify"], ["adopt", "scrap-daily"], ["undo", "{run}"]], ids=lambda each: each[0])
def test_what_is_known_of_one_platform_is_not_held_against_another(project: Project, command: list[str]) -> None:
    project.source("L1;19.11.2026;12,5")
    run = project.run()["run"]
    project.config(CONFIG.replace("${env:BOARD_URL}", "http://127.0.0.1:9/api"))
    outcome = project.call(*(part.format(run=run) for part in command))
    assert (outcome.code, "kpisync state rebind board" in outcome.out) == (2, True)
