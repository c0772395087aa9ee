"""`kpisync rejects`: what is open, with what was to be sent and since when; and running those jobs again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kpisync.sandbox.settings import Fault
from tests.acceptance.conftest import CONFIG
from tests.acceptance.test_signals import JOB

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

REFUSES_LINE_2 = Fault(kind="status", method="PUT", path="6f1c0a52", status=400, body="no sandbox here", times=None)


def open_now(project: Project, *arguments: str) -> list[dict[str, Any]]:
    outcome = project.call("rejects", *arguments, "--json")
    assert outcome.code == 0
    assert set(outcome.json) == {"rejects"}
    return list(outcome.json["rejects"])


# ---------------------------------------------------------------- what is shown


def test_a_row_that_could_not_be_mapped_is_open_with_its_place_and_reason(project: Project) -> None:
    project.source("L1;19.11.2026;1", "L9;19.11.2026;2")
    run = project.run()
    (reject,) = open_now(project)
    assert reject.pop("since").endswith("+00:00")
    assert reject == {
        "job": "scrap-daily",
        "run": run["run"],
        "source": "scrap.csv:3",
        "code": "unknown-team",
        "reason": run["rejects"][0]["reason"],
        "path": None,
        "number": None,
        "runs": 1,
    }


def test_a_refused_value_is_open_with_its_path_and_number_and_the_platform_s_words_without_secrets(
    project: Project,
) -> None:
    project.source("L1;19.11.2026;1", "L2;19.11.2026;2,5")
    project.board.faults = [REFUSES_LINE_2]
    for runs in (1, 2):
        project.run()
        (reject,) = open_now(project)
        assert (reject["path"], reject["number"]) == ("board/scrap/line-2/actual/2026-11-19", 2.5)
        assert (reject["source"], reject["code"], reject["runs"]) == ("scrap.csv:3", "refused", runs)
        assert "status 400" in reject["reason"]
        assert "here" in reject["reason"]
        assert "sandbox" not in reject["reason"], "it is the password"


def test_people_read_each_reject_with_what_was_to_be_sent_and_since_when(project: Project) -> None:
    project.source("L9;19.11.2026;1", "L2;19.11.2026;2,5")
    project.board.faults = [REFUSES_LINE_2]
    project.run()
    lines = project.call("rejects").out.splitlines()
    assert lines[0] == "scrap-daily"
    assert lines[1].startswith("  rejected unknown-team: scrap.csv:2: L9 ")
    assert lines[2].startswith("    since 20")
    assert lines[3].startswith("  rejected refused: scrap.csv:3: the platform refuses it (status 400)")
    assert lines[4].startswith("    board/scrap/line-2/actual/2026-11-19 = 2.5; since 20")
    assert "in 1 run, the last 01" in lines[4]


def test_only_the_jobs_that_are_named_are_shown(project: Project) -> None:
    project.config(CONFIG + JOB.replace("scrap-daily", "second").replace("value: actual", "value: target"))
    project.source("L9;19.11.2026;1")
    project.call("run")
    assert [reject["job"] for reject in open_now(project)] == ["scrap-daily", "second"]
    assert [reject["job"] for reject in open_now(project, "second")] == ["second"]


def test_nothing_rejected_is_said_and_an_unknown_job_is_wrong_usage(project: Project) -> None:
    assert project.call("rejects", "scrap-daily").out == "nothing is rejected\n"
    outcome = project.call("rejects", "scrap-dayly")
    assert outcome.code == 2
    assert "scrap-daily" in outcome.err


# ---------------------------------------------------------------- how long it is open


@pytest.mark.parametrize(
    ("arguments", "closed"),
    [
        ((), True),
        (("--kpi", "scrap"), False),
        (("--team", "line-1"), False),
        (("--from", "2026-11-19"), False),
        (("--to", "2026-11-19"), False),
    ],
)
def test_a_reject_is_open_until_a_run_of_its_whole_job_is_without_it(
    project: Project, arguments: tuple[str, ...], closed: bool
) -> None:
    project.source("L1;19.11.2026;1", "L9;19.11.2026;2")
    project.run()
    project.source("L1;19.11.2026;1")
    project.run(*arguments)
    assert len(open_now(project)) == (not closed)
    assert project.call("status", "--json").json["jobs"][0]["rejected"] == (not closed)


def test_a_plan_opens_and_closes_nothing(project: Project) -> None:
    project.source("L9;19.11.2026;2")
    project.call("plan")
    assert open_now(project) == []


def test_a_run_that_the_guard_holds_opens_what_it_rejected_and_closes_nothing(project: Project) -> None:
    project.source("L2;19.11.2026;1")
    project.board.faults = [REFUSES_LINE_2]
    project.run()
    project.config(CONFIG + "    guard: {min_rows: 5}\n")
    project.source("L9;19.11.2026;2")
    assert project.run()["exit"] == 3
    assert [reject["code"] for reject in open_now(project)] == ["refused", "unknown-team"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", status=401, times=None),
        Fault(kind="status", status=403, times=None),
        Fault(kind="status", method="PUT", status=403, times=None),
        Fault(kind="status", status=503, times=None, headers={"Retry-After": "0"}),
        Fault(kind="status", status=502, times=None),
        Fault(kind="status", status=500, times=None),
        Fault(kind="drop-before", times=None),
        Fault(kind="drop-after", method="PUT", times=None),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.method}-{fault.status}",
)
def test_what_befalls_the_whole_destination_is_no_reject_and_closes_none(project: Project, fault: Fault) -> None:
    project.config(CONFIG.replace("settle: 1s", "settle: 0s").replace("timeout: 2s", "timeout: 500ms"))
    project.source("L2;19.11.2026;1")
    project.board.faults = [REFUSES_LINE_2]
    project.run()
    project.source(*(f"L1;{day:02}.10.2026;{day}" for day in range(1, 32)), "L2;19.11.2026;1")
    project.board.faults = [fault]
    run = project.run()
    assert run["exit"] in (1, 4)
    (reject,) = open_now(project)
    assert (reject["source"], reject["code"], reject["runs"]) == ("scrap.csv:2", "refused", 1)


# ---------------------------------------------------------------- again


def test_a_retry_runs_the_jobs_with_open_rejects_as_a_run_does(project: Project) -> None:
    project.config(CONFIG + JOB.replace("scrap-daily", "second").replace("scrap.csv", "good.csv"))
    project.source("L9;19.11.2026;1")
    project.source("L1;18.11.2026;1", name="good.csv")
    project.call("run")
    project.source("L2;19.11.2026;1")
    outcome = project.call("rejects", "--retry", "--json")
    (run,) = outcome.json["runs"]
    assert (outcome.code, run["job"], run["status"], run["created"]) == (0, "scrap-daily", "ok", 1)
    assert open_now(project) == []


def test_a_retry_that_does_not_help_ends_with_1_and_says_what_is_rejected(project: Project) -> None:
    project.source("L9;19.11.2026;1")
    project.run()
    outcome = project.call("rejects", "scrap-daily", "--retry")
    assert outcome.code == 1
    assert "rejected unknown-team: scrap.csv:2" in outcome.out
    assert open_now(project)[0]["runs"] == 2


def test_a_retry_without_rejects_has_nothing_to_do(project: Project) -> None:
    project.source("L1;19.11.2026;1")
    project.run()
    before = dict(project.board.requests)
    outcome = project.call("rejects", "--retry")
    assert (outcome.code, outcome.out) == (0, "nothing to retry\n")
    assert project.call("rejects", "--retry", "--json").json == {"runs": []}
    assert dict(project.board.requests) == before


def test_a_disabled_job_is_retried_only_if_it_is_named(project: Project) -> None:
    project.source("L9;19.11.2026;1")
    project.run()
    project.config(CONFIG + "    enabled: false\n")
    assert project.call("rejects", "--retry").out == "nothing to retry\n"
    assert project.call("rejects", "scrap-daily", "--retry").code == 1


def test_what_a_backfill_rejected_is_retried_over_its_dates(project: Project) -> None:
    project.config(CONFIG + "    lookback: 35d\n")
    project.source("L9;15.01.2020;1", "L1;15.02.2020;2")
    project.call("backfill", "scrap-daily", "--from", "2020-01-01", "--to", "2020-02-29", "--chunk", "1m")
    project.source("L1;15.01.2020;1", "L1;15.02.2020;2")
    project.run()
    assert len(open_now(project)) == 1, "the daily run does not look so far back"
    outcome = project.call("rejects", "--retry", "--json")
    assert [(run["from"], run["to"], run["created"]) for run in outcome.json["runs"]] == [
        ("2020-01-01", "2020-01-31", 1)
    ]
    assert open_now(project) == []
    assert {day for day, _ in project.records()} == {"2020-01-15", "2020-02-15"}
