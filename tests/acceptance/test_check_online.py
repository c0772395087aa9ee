"""`check --online`: logs in, and holds every id of the catalog against the platform."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kpisync.sandbox.settings import Fault
from tests.acceptance.conftest import ACTUAL, CONFIG, LINE_1, LINE_2, SCRAP, TARGET

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

OTHER = "11111111-1111-1111-1111-111111111111"


def detail(project: Project, **members: object) -> None:
    """Let the board say this of its KPI."""
    document = {
        "id": SCRAP,
        "kpiValueTimeReference": "DAY",
        "kpiValues": [{"id": ACTUAL, "name": "actual"}, {"id": TARGET, "name": "target"}],
        **members,
    }
    path = f"/exchange/kpi/{SCRAP}"
    project.board.faults = [Fault(kind="garbage", method="GET", path=path, times=None, body=json.dumps(document))]


def place_of(text: str, what: str) -> str:
    """`file:line:` of the first line that holds a text."""
    line = next(number for number, line in enumerate(text.splitlines(), 1) if what in line)
    return f"kpisync.yaml:{line}:"


def test_a_catalog_whose_ids_are_the_platforms_is_sound(project: Project) -> None:
    outcome = project.call("check", "--online")
    assert outcome.code == 0, outcome.err
    assert "board: the login is good; 1 KPI and 2 teams of the catalog looked up" in outcome.out


def test_without_online_nothing_is_contacted(project: Project) -> None:
    assert project.call("check").code == 0
    assert project.board.requests == {}


@pytest.mark.parametrize(
    ("id", "what"), [(SCRAP, "KPI scrap"), (LINE_2, "team line-2"), (TARGET, "value target of KPI scrap")]
)
def test_an_id_that_the_platform_does_not_have_is_named_with_its_place(project: Project, id: str, what: str) -> None:
    text = CONFIG.replace(id, OTHER)
    project.config(text)
    outcome = project.call("check", "--online")
    assert outcome.code == 2
    assert f"{place_of(text, OTHER)}" in outcome.err
    assert f"{what}: the platform has no such id, {OTHER}. It has that name with the id {id}" in outcome.err


def test_a_value_kind_that_the_catalog_lacks_is_named_and_fails_nothing(project: Project) -> None:
    project.config(CONFIG.replace(f", target: {TARGET}", ""))
    outcome = project.call("check", "--online")
    assert outcome.code == 0
    assert "warning: " in outcome.err
    assert f'KPI scrap has a value "target" on the platform, {TARGET}, which the catalog lacks' in outcome.err


def test_an_interval_that_differs_is_a_problem(project: Project) -> None:
    text = CONFIG.replace("interval: day", "interval: week")
    project.config(text)
    outcome = project.call("check", "--online")
    assert outcome.code == 2
    assert place_of(text, "interval") in outcome.err
    assert 'the catalog says week, the platform "DAY"' in outcome.err


def test_an_interval_that_is_not_understood_is_a_warning(project: Project) -> None:
    detail(project, kpiValueTimeReference="T3")
    outcome = project.call("check", "--online")
    assert outcome.code == 0
    assert '"T3"' in outcome.err


def test_a_team_for_which_the_platform_does_not_record_a_kpi_is_a_warning(project: Project) -> None:
    detail(project, recordingTeams=[{"id": LINE_1, "name": "line-1"}])
    outcome = project.call("check", "--online")
    assert outcome.code == 0
    assert "job scrap-daily may send KPI scrap for line-2. The platform records it for line-1 only" in outcome.err


def test_a_refused_login_is_exit_code_4_after_at_most_two_requests(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOARD_PASSWORD", "s3cret-canary")
    outcome = project.call("check", "--online")
    assert outcome.code == 4
    assert "refuses the login" in outcome.err
    assert "s3cret-canary" not in outcome.out + outcome.err
    assert sum(project.board.requests.values()) <= 2


def test_a_platform_that_is_not_reached_is_exit_code_4(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARD_URL", "http://127.0.0.1:9/api")
    outcome = project.call("check", "--online")
    assert outcome.code == 4
    assert "127.0.0.1:9" in outcome.err


def test_a_kpi_that_cannot_be_looked_up_is_a_warning_that_says_why(project: Project) -> None:
    project.board.faults = [Fault(kind="status", path="/exchange/kpi/", status=403, body="not for you", times=None)]
    outcome = project.call("check", "--online")
    assert outcome.code == 0
    assert "KPI scrap could not be looked up: status 403: not for you" in outcome.err


def test_one_destination_that_cannot_be_used_does_not_hide_the_mistakes_of_another(project: Project) -> None:
    dead = "  dead: {type: valuestreamer, url: http://127.0.0.1:9/api, username: u, password: p}\n"
    project.config(CONFIG.replace("catalog:\n", f"{dead}catalog:\n").replace(LINE_2, OTHER))
    outcome = project.call("check", "--online")
    assert outcome.code == 2
    assert OTHER in outcome.err
    assert "destination dead" in outcome.err


def test_problems_of_the_files_are_told_beside_those_of_the_platform(project: Project) -> None:
    project.config(CONFIG.replace(LINE_2, OTHER).replace("lookup: lines", "lookup: rows"))
    outcome = project.call("check", "--online")
    assert outcome.code == 2
    assert '"rows"' in outcome.err
    assert OTHER in outcome.err


def test_json_has_problems_warnings_and_destinations(project: Project) -> None:
    project.config(CONFIG.replace(f", target: {TARGET}", "").replace(LINE_2, OTHER))
    outcome = project.call("check", "--online", "--json")
    document = outcome.json
    assert outcome.code == 2
    assert not document["ok"]
    assert ["team line-2" in problem["message"] for problem in document["problems"]] == [True]
    assert [TARGET in warning["message"] for warning in document["warnings"]] == [True]
    assert document["destinations"] == [{"destination": "board", "kpis": 1, "teams": 2, "error": None}]
