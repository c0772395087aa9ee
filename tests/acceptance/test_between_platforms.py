"""From one KPI platform to another: days on a ValueStreamer board become weeks in Quantive, once they are confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from quantive_okr import CONFIG as OKR
from quantive_okr import Account, account_of

from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import Fault, SandboxSettings
from tests.acceptance.conftest import ACTUAL, CATALOG, CONFIG, LINE_1, SCRAP

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

WEDNESDAY = datetime(2026, 11, 11, 9, tzinfo=UTC)
LAST_WEEK = ("L1;02.11.2026;10", "L1;03.11.2026;20", "L1;04.11.2026;0,5", "L2;02.11.2026;7")

_BOARD, _OKR = CONFIG.split("catalog:\n"), OKR.split("catalog:\n")
BOTH = f"""\
{_BOARD[0]}{_OKR[0].split("destinations:")[1].lstrip(chr(10))}catalog:
{_BOARD[1].split("lookups:")[0]}{_OKR[1].split("jobs:")[0]}lookups:{_BOARD[1].split("lookups:")[1]}  weekly:
    after: [scrap-daily]
    lookback: 3w
    source: {{type: valuestreamer, destination: board, kpis: [scrap], teams: [line-1]}}
    map:
      date: {{column: date, align: true}}
      values:
        - {{kpi: units, value: actual, column: number, aggregate: sum}}
    destination: okr
"""


@pytest.fixture
def board() -> Iterator[Sandbox]:
    with Sandbox(catalogs=CATALOG, now=lambda: WEDNESDAY) as sandbox:
        yield sandbox


@pytest.fixture
def okr(project: Project, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr("kpisync.ports.clock.SystemClock.now", lambda self: WEDNESDAY)
    account = account_of(project, monkeypatch)
    project.config(BOTH)
    project.source(*LAST_WEEK)
    return account


def runs(outcome: Any) -> dict[str, Any]:
    return {run["job"]: run for run in outcome.json["runs"]}


# ---------------------------------------------------------------- one command


def test_days_on_the_board_feed_the_weeks_of_the_other_platform_in_one_command(okr: Account) -> None:
    outcome = okr.call("run", "--json", "--yes-over-guard")
    assert outcome.code == 0, outcome.err
    assert okr.snapshots() == {"2026-11-02": "30.5"}
    assert [run["job"] for run in outcome.json["runs"]] == ["scrap-daily", "weekly"]


def test_a_second_run_changes_nothing(okr: Account) -> None:
    okr.call("run", "--yes-over-guard")
    second = runs(okr.call("run", "--json"))
    assert second["weekly"]["unchanged"] == 1
    assert set(second["weekly"]["requests"]) == {"GET"}  # of the board that it reads
    assert okr.snapshots() == {"2026-11-02": "30.5"}


def test_a_plan_names_the_records_that_a_week_is_made_of(okr: Account) -> None:
    okr.call("run", "scrap-daily")
    (job,) = okr.call("plan", "weekly", "--json").json["jobs"]
    (change,) = job["changes"]
    assert change["period"] == "2026-11-02"
    assert change["values"][0]["source"] == "board/scrap/line-1/actual:20261102,20261103,20261104"


def test_what_another_hand_put_on_the_board_counts_too(okr: Account) -> None:
    okr.call("run", "scrap-daily")
    okr.sandbox.put_by_hand(date(2026, 11, 6), LINE_1, SCRAP, None, {ACTUAL: 100}, "valuestreamer")
    assert okr.call("run", "weekly", "--yes-over-guard").code == 0
    assert okr.snapshots() == {"2026-11-02": "130.5"}


# ---------------------------------------------------------------- after


def test_a_job_does_not_run_after_one_that_did_not_end_well(okr: Account) -> None:
    okr.project.source(*LAST_WEEK, "L9;05.11.2026;1")
    outcome = okr.call("run", "--json", "--yes-over-guard")
    weekly = runs(outcome)["weekly"]
    assert outcome.code == 3
    assert weekly["status"] == "skipped"
    assert weekly["error"] == "not run: it comes after scrap-daily, which did not end well just now (exit 1)"
    assert okr.snapshots() == {}


def test_alone_a_job_looks_at_how_the_other_ended_last(okr: Account) -> None:
    never = okr.call("run", "weekly", "--json")
    assert (never.code, never.json["runs"][0]["status"]) == (3, "skipped")
    assert "scrap-daily, which never ran; run it first, or both: kpisync run scrap-daily weekly" in never.out
    okr.call("run", "scrap-daily")
    assert okr.call("run", "weekly", "--yes-over-guard").code == 0
    okr.project.source(*LAST_WEEK, "L9;05.11.2026;1")
    okr.call("run", "scrap-daily")
    again = okr.call("run", "weekly", "--json").json["runs"][0]
    assert "scrap-daily, whose last run" in again["error"]
    assert "ended with 1" in again["error"]


def test_jobs_run_behind_those_they_come_after_whatever_their_place(okr: Account) -> None:
    head, daily = BOTH.split("  scrap-daily:\n")
    daily, weekly = daily.split("  weekly:\n")
    okr.config(f"{head}  weekly:\n{weekly}  scrap-daily:\n{daily}")
    outcome = okr.call("run", "weekly", "scrap-daily", "--json", "--yes-over-guard")
    assert [run["job"] for run in outcome.json["runs"]] == ["scrap-daily", "weekly"]
    assert okr.snapshots() == {"2026-11-02": "30.5"}


# ---------------------------------------------------------------- the other way


BACK = (
    BOTH.split("  weekly:\n")[0]
    + """\
  back:
    lookback: 3w
    source: {type: quantive, destination: okr, kpis: [units]}
    map:
      date: {column: date}
      team: line-2
      values: [{kpi: scrap, value: target, column: number}]
    destination: board
"""
)


def test_weeks_of_quantive_can_feed_the_board(okr: Account) -> None:
    okr.config(BACK)
    okr.by_hand("2026-11-02", 9)
    assert okr.call("run", "back", "--yes-over-guard").code == 0
    assert okr.project.records()[("2026-11-02", "line-2")]["target"] == "9"


def test_the_platforms_own_statistics_can_be_read(okr: Account) -> None:
    okr.config(BACK.replace("kpis: [units]}", "kpis: [units], statistics: week}"))
    okr.by_hand("2026-11-02", 9)
    okr.by_hand("2026-11-09", 4)
    assert okr.call("run", "back", "--yes-over-guard").code == 0
    stated = {day: values["target"] for (day, _), values in okr.project.records().items()}
    assert stated == {"2026-11-02": "9", "2026-11-09": "4"}


# ---------------------------------------------------------------- what goes wrong


def test_a_board_that_cannot_be_read_stops_the_job_and_nothing_is_sent(
    okr: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kpisync.ports.clock.SystemClock.sleep", lambda self, seconds: None)
    okr.call("run", "scrap-daily")
    okr.requests()
    okr.sandbox.settings = SandboxSettings(faults=[Fault(kind="status", status=500, method="GET", times=99)])
    outcome = okr.call("run", "weekly", "--json")
    assert outcome.code == 4
    assert "board/scrap: the platform could not be read" in outcome.json["runs"][0]["error"]
    assert "POST" not in okr.requests()


def test_a_wrong_login_says_so_as_for_a_destination(okr: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    okr.call("run", "scrap-daily")
    monkeypatch.setenv("BOARD_PASSWORD", "wrong")
    outcome = okr.call("run", "weekly", "--json")
    assert outcome.code == 4
    assert "destination board" in outcome.json["runs"][0]["error"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "{type: valuestreamer, destination: bord, kpis: [scrap]}",
            'there is no destination "bord"; did you mean "board"?',
        ),
        ("{type: valuestreamer, destination: okr, kpis: [units]}", "this destination of type quantive"),
        ("{type: valuestreamer, destination: board}", "kpis"),
    ],
)
def test_a_source_names_a_destination_of_its_own_type(okr: Account, line: str, says: str) -> None:
    before = "{type: valuestreamer, destination: board, kpis: [scrap], teams: [line-1]}"
    okr.config(BOTH.replace(before, line))
    outcome = okr.call("check")
    assert outcome.code == 2
    assert says in outcome.err


def test_a_name_that_the_catalog_does_not_have_is_told_with_the_nearest(okr: Account) -> None:
    okr.call("run", "scrap-daily")
    okr.config(BOTH.replace("kpis: [scrap]", "kpis: [scrab]"))
    outcome = okr.call("run", "weekly", "--json")
    assert outcome.code == 2
    assert "did you mean scrap?" in outcome.json["runs"][0]["error"]
