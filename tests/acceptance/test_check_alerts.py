"""`check` tells which addresses of alerts cannot be meant, before anybody waits for a message to one of them."""

from __future__ import annotations

import sys

import pytest

from tests.acceptance.conftest import CONFIG, Project

WELL = 'alerts: {urls: ["json://plant.example", ""]}\n'
WRONG = 'alerts: {urls: ["json://plant.example", "", "nosuch://secret-token", "slack://onlyonetoken"]}\n'


def test_an_address_of_no_known_kind_is_a_problem_that_names_its_place_and_no_secret(project: Project) -> None:
    pytest.importorskip("apprise", reason="needs the extra `alerts`")
    project.config(CONFIG + WRONG)
    outcome = project.call("check")
    assert outcome.code == 2
    for name in ("address 3 of alerts.urls (nosuch)", "address 4 of alerts.urls (slack)"):
        assert f"{name} is of no kind that apprise knows, or a part of it is missing" in outcome.err
    assert "secret-token" not in outcome.err
    assert "onlyonetoken" not in outcome.err
    problems = project.call("check", "--json").json["problems"]
    assert [problem["message"][:9] for problem in problems] == ["address 3", "address 4"]


def test_jobs_run_all_the_same(project: Project) -> None:
    project.config(CONFIG + WRONG)
    project.source("L1;20.11.2026;3,5")
    assert project.run()["exit"] == 0


def test_addresses_that_can_be_meant_are_sound(project: Project) -> None:
    pytest.importorskip("apprise", reason="needs the extra `alerts`")
    project.config(CONFIG + WELL)
    outcome = project.call("check", "--json")
    assert (outcome.code, outcome.json["problems"], "warnings" in outcome.json) == (0, [], False)


def test_without_the_extra_nobody_would_be_told_and_that_is_a_warning(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    project.config(CONFIG + WELL)
    outcome = project.call("check")
    assert outcome.code == 0
    assert "warning: " in outcome.err
    assert "apprise is not installed, so nobody is told" in outcome.err
