"""`undo`: the old values are put back where ours still stand, and stay until the source states something else."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest

from kpisync.sandbox.settings import Fault, SandboxSettings
from tests.acceptance.conftest import CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

DAY = date(2026, 11, 19)
PATH = "board/scrap/line-1/actual/2026-11-19"
ROW = "L1;19.11.2026;{}"


class Terminal(StringIO):
    """Where somebody types."""

    def isatty(self) -> bool:
        return True


def run(project: Project, *numbers: str) -> str:
    """A good run over a source that states this number of one value, or whole rows; its id."""
    project.source(*(number if ";" in number else ROW.format(number) for number in numbers))
    done = project.run("--yes-over-guard")
    assert done["exit"] == 0, done
    return str(done["run"])


def undo(project: Project, run_id: str, *arguments: str) -> Any:
    """What `undo --json` shows, with the exit code."""
    outcome = project.call("undo", run_id, "--json", *arguments)
    return {**outcome.json["undo"], "exit": outcome.code}


def actual(project: Project) -> str:
    return project.records()["2026-11-19", "line-1"]["actual"]


@pytest.fixture
def alone(project: Project) -> Project:
    """A board that adds nothing to a record by itself."""
    project.board.settings = SandboxSettings(partial_sets="merge-keep")
    return project


def test_an_updated_value_is_put_back_and_confirmed(project: Project) -> None:
    run(project, "177")
    second = run(project, "190")
    done = undo(project, second)
    assert (done["exit"], done["updated"], done["confirmed"], done["left"]) == (0, 1, 1, [])
    assert (done["undoes"], actual(project)) == (second, "177")
    known = project.call("explain", PATH, "--json").json["known"]
    assert (known["number"], known["source"], known["run"]) == (177, f"undo of run {second}", done["run"])


def test_a_created_record_is_deleted_if_all_of_it_is_ours(alone: Project) -> None:
    first = run(alone, "177")
    assert (undo(alone, first)["withdrawn"], alone.records()) == (1, {})
    life = alone.call("explain", PATH, "--json").json
    assert life["known"] is None


def test_a_created_record_that_holds_more_is_left_alone(alone: Project) -> None:
    first = run(alone, "177")
    alone.board.put_by_hand(DAY, "line-1", "scrap", None, {"target": Decimal("2.5")})
    done = undo(alone, first)
    assert (done["exit"], done["requests"]) == (1, {"GET": 1})
    assert [left["path"] for left in done["left"]] == [PATH]
    assert "only delete its whole record" in done["left"][0]["reason"]
    assert alone.records()["2026-11-19", "line-1"] == {"actual": "177", "target": "2.5"}


def test_a_withdrawn_value_is_put_back_and_not_withdrawn_again(alone: Project) -> None:
    alone.config(CONFIG.replace("    destination: board\n", "    destination: board\n    absent: withdraw\n"))
    run(alone, "177", "L2;19.11.2026;3")
    second = run(alone, "177")
    assert undo(alone, second)["created"] == 1
    assert alone.records()["2026-11-19", "line-2"] == {"actual": "3"}
    again = alone.run()
    assert (again["exit"], again["withdrawn"], again["undone"], again["requests"]) == (0, 0, 1, {})


def test_what_was_undone_is_not_sent_again_until_its_source_states_another_number(project: Project) -> None:
    run(project, "177")
    undo(project, run(project, "190"))
    held = project.run()
    assert (held["exit"], held["unchanged"], held["undone"], held["requests"]) == (0, 1, 1, {})
    plan = project.call("plan", "--json").json["jobs"][0]
    assert (plan["changes"], plan["undone"]) == ([], 1)
    assert "1 value was undone, and not sent again" in project.call("run").out
    run(project, "191")
    assert actual(project) == "191"
    run(project, "190")
    assert actual(project) == "190"


def test_a_created_value_that_was_undone_is_not_created_again(alone: Project) -> None:
    undo(alone, run(alone, "177"))
    again = alone.run()
    assert (again["undone"], again["requests"], alone.records()) == (1, {}, {})


def test_the_undo_of_an_undo_brings_the_new_number_back(project: Project) -> None:
    run(project, "177")
    first_undo = undo(project, run(project, "190"))
    assert (undo(project, first_undo["run"])["exit"], actual(project)) == (0, "190")
    again = project.run()
    assert (again["exit"], again["unchanged"], again["undone"], again["requests"]) == (0, 1, 0, {})


def test_what_another_hand_changed_since_is_left_alone(project: Project) -> None:
    run(project, "177")
    second = run(project, "190")
    project.board.put_by_hand(DAY, "line-1", "scrap", None, {"actual": Decimal("7.5")})
    done = undo(project, second)
    assert (done["exit"], done["left"][0]["reason"]) == (1, "the platform holds 7.5 now")
    assert actual(project) == "7.5"
    assert project.run()["undone"] == 0


def test_what_is_gone_is_not_brought_back(project: Project) -> None:
    run(project, "177")
    second = run(project, "190")
    project.board.delete_by_hand(DAY, "line-1", "scrap", None)
    done = undo(project, second)
    assert (done["exit"], done["left"][0]["reason"]) == (1, "nothing stands there any more")
    assert project.records() == {}


def test_what_a_later_run_changed_is_left_alone_even_if_the_number_is_the_same_again(project: Project) -> None:
    run(project, "177")
    second, _, last = run(project, "190"), run(project, "200"), run(project, "190")
    done = undo(project, second)
    assert (done["exit"], done["requests"]) == (1, {})
    assert done["left"][0]["reason"] == f"run {last} changed it since; undo that one first"
    assert actual(project) == "190"


def test_an_adopted_value_and_a_refused_one_are_not_touched(project: Project) -> None:
    project.board.put_by_hand(DAY, "line-1", "scrap", None, {"actual": Decimal("12.5")})
    project.source(ROW.format("12,5"), "L2;19.11.2026;3")
    project.board.faults = [Fault(kind="status", status=422, method="PUT")]
    done = undo(project, project.run()["run"])
    assert (done["exit"], done["values"], done["requests"]) == (0, 0, {})


def test_what_is_in_doubt_is_left_to_resolve(project: Project) -> None:
    run(project, "177")
    project.source(ROW.format("190"))
    project.board.faults = [Fault(kind="drop-before", method="PUT", times=None)]
    doubtful = project.run()
    assert doubtful["in_doubt"] == 1
    done = undo(project, doubtful["run"])
    assert (done["exit"], "kpisync resolve" in done["left"][0]["reason"]) == (1, True)


def test_an_undo_whose_answer_is_lost_is_not_turned_round_by_the_next_run(project: Project) -> None:
    run(project, "177")
    second = run(project, "190")
    project.board.faults = [
        Fault(kind="drop-after", method="PUT"),
        Fault(kind="status", status=500, method="GET", after=2, times=None),
    ]
    assert undo(project, second)["exit"] != 0
    project.board.faults = []
    again = project.run()
    assert (again["exit"], again["undone"], again["requests"].get("PUT", 0)) == (0, 1, 0)
    assert actual(project) == "177"


def test_a_run_of_a_job_that_is_no_more_can_be_undone(project: Project) -> None:
    run(project, "177")
    second = run(project, "190")
    project.config(CONFIG.replace("scrap-daily", "other"))
    assert (undo(project, second)["exit"], actual(project)) == (0, "177")


def test_a_plan_shows_what_would_be_put_back_and_changes_nothing(project: Project) -> None:
    run(project, "177")
    second = run(project, "190")
    before = project.board.requests["PUT"]
    plan = undo(project, second, "--plan")
    assert (plan["exit"], plan["run"]) == (0, None)
    (change,) = plan["changes"]
    assert [(value["old"], value["new"]) for value in change["values"]] == [(190, 177)]
    assert (project.board.requests["PUT"], project.run()["undone"]) == (before, 0)


def test_on_a_terminal_nothing_is_sent_before_somebody_agrees(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(project, "177")
    second = run(project, "190")
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    declined = project.call("undo", second)
    assert (declined.code, actual(project)) == (3, "190")
    assert f"would put back: {PATH}: 190 → 177" in declined.out
    assert "nothing was sent" in declined.err
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    agreed = project.call("undo", second)
    assert (agreed.code, actual(project)) == (0, "177")
    assert f"1 of 1 values that run {second} changed are as they were before" in agreed.out


def test_an_unknown_run_is_wrong_usage(project: Project) -> None:
    outcome = project.call("undo", "01NOTHING")
    assert (outcome.code, "kpisync history" in outcome.err) == (2, True)
