"""A saved plan: applied exactly, or refused with nothing sent; and two jobs that state one value."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kpisync.app import App
from kpisync.config.load import load
from kpisync.errors import Exit
from kpisync.model import RunStatus
from kpisync.sandbox.settings import Fault
from kpisync.savedplan import NotPlanned, enter, load_plan
from kpisync.sync.report import Report
from tests.acceptance.conftest import CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Outcome, Project

DAY = date(2026, 11, 19)
PATH = "board/scrap/line-1/actual/2026-11-19"
OVERWRITE = CONFIG.replace("settle: 1s", "settle: 1s\n    on_conflict: overwrite")
JOB = CONFIG[CONFIG.index("  scrap-daily:") :]


def save(project: Project, *arguments: str) -> Any:
    """Plan into plan.json; the document that it holds."""
    assert project.call("plan", "--out", "plan.json", *arguments).code == 0
    return json.loads((project.folder / "plan.json").read_text(encoding="utf-8"))


def apply(project: Project, *arguments: str) -> Outcome:
    return project.call("run", "--plan", "plan.json", *arguments)


def updated_from_177(project: Project, config: str = CONFIG) -> None:
    """177 stands on the board and is ours; the source states 190 now."""
    project.config(config)
    project.source("L1;19.11.2026;177")
    project.run()
    project.source("L1;19.11.2026;190")


# ---------------------------------------------------------------- it fits


def test_a_plan_that_fits_is_carried_out(project: Project) -> None:
    updated_from_177(project)
    save(project)
    outcome = apply(project, "--json")
    run = outcome.json["runs"][0]
    assert (outcome.code, run["status"], run["updated"], run["confirmed"]) == (0, "ok", 1, 1)
    assert project.records()["2026-11-19", "line-1"]["actual"] == "190"


def test_a_plan_without_changes_sends_nothing(project: Project) -> None:
    updated_from_177(project)
    project.run()
    save(project)
    assert apply(project, "--json").json["runs"][0]["requests"] == {}


def test_the_jobs_the_range_and_the_team_of_the_plan_hold_for_its_run(project: Project) -> None:
    project.config(CONFIG + JOB.replace("scrap-daily", "other").replace("value: actual", "value: target"))
    project.source("L1;18.11.2026;1", "L1;19.11.2026;2", "L2;19.11.2026;3")
    save(project, "scrap-daily", "--from", "2026-11-19", "--team", "line-1")
    assert [run["job"] for run in apply(project, "--json").json["runs"]] == ["scrap-daily"]
    assert set(project.records()) == {("2026-11-19", "line-1")}


def test_a_row_that_moved_to_another_line_is_no_difference(project: Project) -> None:
    project.source("L1;19.11.2026;1", "L2;19.11.2026;2")
    save(project)
    project.source("L2;19.11.2026;2", "L1;19.11.2026;1")
    assert apply(project).code == 0


def test_a_reviewed_plan_that_the_guard_holds_still_needs_its_flag(project: Project) -> None:
    days = [f"L1;{day:02}.10.2026;{{}}" for day in range(1, 13)]
    project.source(*(day.format(1) for day in days))
    project.run()
    project.source(*(day.format(2) for day in days))
    assert project.call("plan", "--out", "plan.json").code == 3
    held = apply(project, "--json")
    assert (held.code, held.json["runs"][0]["status"], held.json["runs"][0]["requests"]) == (3, "held", {})
    assert apply(project, "--json", "--yes-over-guard").json["runs"][0]["updated"] == 12


def test_no_secret_stands_in_a_saved_plan(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARD_PASSWORD", "s3cret-canary")
    project.board.settings = project.board.settings.model_copy(update={"password": "s3cret-canary"})
    project.source("L1;19.11.2026;1")
    save(project)
    assert "s3cret-canary" not in (project.folder / "plan.json").read_text(encoding="utf-8")
    assert apply(project).code == 0


def test_another_password_does_not_make_a_plan_unfit(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.source("L1;19.11.2026;1")
    save(project)
    monkeypatch.setenv("BOARD_PASSWORD", "rotated")
    project.board.settings = project.board.settings.model_copy(update={"password": "rotated"})
    assert apply(project).code == 0


def test_a_plan_that_cannot_be_saved_is_one_error_and_one_document(project: Project) -> None:
    project.source("L1;19.11.2026;1")
    outcome = project.call("plan", "--json", "--out", "missing/plan.json")
    assert outcome.code == 2
    assert "cannot write missing/plan.json" in outcome.json["error"]


# ---------------------------------------------------------------- the world moved


def source_states_another_number(project: Project) -> None:
    project.source("L1;19.11.2026;191")


def platform_holds_nothing_any_more(project: Project) -> None:
    project.board.delete_by_hand(DAY, "line-1", "scrap", None)


def platform_holds_another_number(project: Project) -> None:
    project.board.put_by_hand(DAY, "line-1", "scrap", None, {"actual": Decimal(180)})


def source_states_one_more(project: Project) -> None:
    project.source("L1;19.11.2026;190", "L2;19.11.2026;5")


def source_states_it_no_more(project: Project) -> None:
    project.source("L1;19.11.2026;177")


def job_is_configured_otherwise(project: Project) -> None:
    project.config(OVERWRITE.replace("column: Ausschuss", "column: Ausschuss, decimals: 2"))


def lookup_says_otherwise(project: Project) -> None:
    project.config(OVERWRITE.replace("L2: line-2", "L2: line-2, L3: line-2"))


def job_is_gone(project: Project) -> None:
    project.config(OVERWRITE.replace("  scrap-daily:", "  scrap-hourly:"))


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (source_states_another_number, f"{PATH}: 177 → 190 is in the plan, but the source states 191 now"),
        (platform_holds_nothing_any_more, f"{PATH}: 177 → 190 is in the plan, but nothing stands there now"),
        (platform_holds_another_number, f"{PATH}: 177 → 190 is in the plan, but 180 stands there now"),
        (source_states_one_more, "line-2/actual/2026-11-19: nothing → 5 (scrap.csv:3) is not in the plan"),
        (source_states_it_no_more, f"{PATH}: 177 → 190 is in the plan, and is not to be done any more"),
        (job_is_configured_otherwise, "job scrap-daily: its configuration, its destination or the program changed"),
        (lookup_says_otherwise, "job scrap-daily: its configuration, its destination or the program changed"),
        (job_is_gone, "there is no job scrap-daily any more"),
    ],
)
def test_a_plan_that_no_longer_fits_is_refused_and_nothing_is_sent(
    project: Project, happens: Callable[[Project], None], words: str
) -> None:
    updated_from_177(project, OVERWRITE)
    save(project)
    happens(project)
    writes = project.board.requests["PUT"]
    outcome = apply(project)
    assert outcome.code == 3
    assert words in outcome.err
    assert "kpisync plan --out" in outcome.err
    assert project.board.requests["PUT"] == writes


def test_a_change_struck_out_of_the_file_makes_it_unfit(project: Project) -> None:
    updated_from_177(project)
    document = save(project)
    document["jobs"][0]["changes"] = []
    (project.folder / "plan.json").write_text(json.dumps(document), encoding="utf-8")
    assert apply(project).code == 3


def test_three_differences_are_named_and_the_others_counted(project: Project) -> None:
    project.source("L1;19.11.2026;1")
    save(project)
    project.source(*(f"L1;{day}.11.2026;1" for day in range(11, 20)))
    message = apply(project).err
    assert message.count("is not in the plan") == 3
    assert "and 5 more" in message


def test_nothing_of_any_job_is_sent_if_the_plan_of_one_no_longer_fits(project: Project) -> None:
    second = (
        JOB.replace("scrap-daily", "second")
        .replace("scrap.csv", "second.csv")
        .replace("value: actual", "value: target")
    )
    project.config(CONFIG + second)
    project.source("L1;19.11.2026;1")
    project.source("L1;19.11.2026;2", name="second.csv")
    save(project)
    project.source("L1;19.11.2026;3", name="second.csv")
    assert apply(project).code == 3
    assert project.records() == {}


def test_a_platform_that_cannot_be_asked_now_is_told_by_its_own_exit_code(project: Project) -> None:
    project.source("L1;19.11.2026;1")
    save(project)
    project.board.faults = [Fault(kind="status", status=401, times=None)]
    outcome = apply(project, "--json")
    assert outcome.code == 4
    assert "nothing was sent" in outcome.json["error"]


# ---------------------------------------------------------------- it moves between the look and the write


def test_what_changes_after_the_look_is_refused_at_the_moment_of_writing(project: Project) -> None:
    updated_from_177(project, OVERWRITE)
    save(project)
    reads = project.board.requests["GET"]
    moved: list[bool] = []

    def move() -> None:
        """Between the look of the plan and the read of the run."""
        if project.board.requests["GET"] == reads + 1 and not moved:
            moved.append(True)
            project.board.put_by_hand(DAY, "line-1", "scrap", None, {"actual": Decimal(180)})

    app = App(load(Path("kpisync.yaml"), dict(os.environ)), stopped=move)
    (result,) = app.apply(load_plan(Path("plan.json")), over_guard=False)
    assert moved
    assert (result.exit_code, result.status) == (Exit.HELD, RunStatus.HELD)
    assert "180 → 190" in (result.report.held or "")
    assert project.records()["2026-11-19", "line-1"]["actual"] == "180"
    assert project.run()["exit"] == 0


def test_a_run_that_was_stopped_after_it_sent_something_is_partial_and_says_why() -> None:
    report = Report("scrap-daily", created=1, waiting=1)
    enter(NotPlanned("not in the saved plan"), report)
    assert (report.status, report.notes) == (RunStatus.PARTIAL, ["not in the saved plan"])


# ---------------------------------------------------------------- what is no plan


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"version": 2, "request": {}, "jobs": []}', '{"version": 1, "jobs": []}', "\xff"],
)
def test_a_file_that_is_no_plan_is_wrong_usage(project: Project, text: str) -> None:
    (project.folder / "plan.json").write_bytes(text.encode("latin-1"))
    outcome = apply(project)
    assert outcome.code == 2
    assert "plan.json: is not a saved plan" in outcome.err
    assert "kpisync plan --out" in outcome.err


def test_a_plan_file_that_is_not_there_is_wrong_usage(project: Project) -> None:
    outcome = apply(project, "--json")
    assert outcome.code == 2
    assert "plan.json" in outcome.json["error"]


@pytest.mark.parametrize("more", [("scrap-daily",), ("--from", "2026-11-19"), ("--kpi", "scrap"), ("--team", "line-1")])
def test_a_saved_plan_says_itself_what_to_look_at(project: Project, more: tuple[str, ...]) -> None:
    project.source("L1;19.11.2026;1")
    save(project)
    assert apply(project, *more).code == 2


def test_a_plan_of_no_job_does_nothing(project: Project) -> None:
    project.config(CONFIG + "    enabled: false\n")
    project.source("L1;19.11.2026;1")
    save(project)
    project.config()
    assert (apply(project).code, project.board.requests) == (0, {})


# ---------------------------------------------------------------- two jobs, one value


def two_jobs(project: Project, config: str = CONFIG) -> None:
    project.config(config + JOB.replace("scrap-daily", "second").replace("scrap.csv", "second.csv"))
    project.source("L1;19.11.2026;1")
    project.source("L1;19.11.2026;2", "L2;19.11.2026;3", name="second.csv")


def test_a_plan_rejects_the_later_job_for_a_value_naming_the_first(project: Project) -> None:
    two_jobs(project)
    outcome = project.call("plan", "--json")
    first, second = outcome.json["jobs"]
    assert outcome.code == 1
    assert (len(first["changes"]), first["rejects"]) == (1, [])
    assert [change["team"] for change in second["changes"]] == ["line-2"]
    assert second["rejects"] == [
        {
            "source": "second.csv:2",
            "code": "other-job",
            "reason": "job scrap-daily already sends this value; one value has one job",
        }
    ]


def test_a_run_rejects_it_too_where_the_first_could_not_send_it(project: Project) -> None:
    two_jobs(project)
    project.board.faults = [Fault(kind="status", status=400, method="PUT")]
    first, second = project.call("run", "--json").json["runs"]
    assert (first["rejects"][0]["code"], second["rejects"][0]["code"]) == ("refused", "other-job")
    assert set(project.records()) == {("2026-11-19", "line-2")}


def test_a_value_stays_with_the_job_that_the_state_store_knows_to_send_it(project: Project) -> None:
    two_jobs(project)
    project.call("run", "second")
    project.source("L1;19.11.2026;4", name="second.csv")
    for command, key in (("plan", "jobs"), ("run", "runs")):
        first, second = project.call(command, "--json").json[key]
        assert "job second already sends this value" in first["rejects"][0]["reason"]
        assert second["rejects"] == []
    assert project.records()["2026-11-19", "line-1"]["actual"] == "4"


def test_a_long_table_that_names_its_kpis_is_compared_value_by_value(project: Project) -> None:
    two_jobs(project)
    long = "{kpi: {column: K}, value: actual, column: Ausschuss}"
    text = (project.folder / "kpisync.yaml").read_text(encoding="utf-8")
    before, _, after = text.rpartition("{kpi: scrap, value: actual, column: Ausschuss}")
    project.config(before + long + after)
    project.source("L1;19.11.2026;2;scrap", name="second.csv", header="Linie;Datum;Ausschuss;K")
    assert project.call("plan", "--json").json["jobs"][1]["rejects"][0]["code"] == "other-job"


def test_an_aggregate_that_another_job_states_is_one_reject(project: Project) -> None:
    two_jobs(project)
    text = (project.folder / "kpisync.yaml").read_text(encoding="utf-8")
    before, _, after = text.rpartition("column: Ausschuss}")
    project.config(before + "column: Ausschuss, aggregate: sum}" + after)
    project.source("L1;19.11.2026;1", "L1;19.11.2026;2", name="second.csv")
    assert len(project.call("plan", "--json").json["jobs"][1]["rejects"]) == 1


def test_two_jobs_for_two_value_kinds_of_one_record_are_no_rivals(project: Project) -> None:
    project.config(CONFIG + JOB.replace("scrap-daily", "targets").replace("value: actual", "value: target"))
    project.source("L1;19.11.2026;1")
    outcome = project.call("plan", "--json")
    assert (outcome.code, [len(job["changes"]) for job in outcome.json["jobs"]]) == (0, [1, 1])
