"""The state store knows which platform a destination is, and another one is not taken for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from kpisync.sandbox.server import Sandbox
from tests.acceptance.conftest import CATALOG, CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

BACKFILL = ("backfill", "scrap-daily", "--from", "2026-11-01", "--to", "2026-11-30")


@pytest.fixture
def elsewhere() -> Iterator[Sandbox]:
    with Sandbox(catalogs=CATALOG) as sandbox:
        yield sandbox


def moved(monkeypatch: pytest.MonkeyPatch, platform: Sandbox) -> None:
    monkeypatch.setenv("BOARD_URL", platform.platform_url("valuestreamer"))


@pytest.mark.parametrize("command", [("run",), ("plan",), BACKFILL], ids=["run", "plan", "backfill"])
def test_a_destination_that_is_another_platform_now_is_refused_before_anything_is_sent(
    project: Project, elsewhere: Sandbox, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    project.source("L1;19.11.2026;1")
    project.run()
    old, new = project.board.platform_url("valuestreamer"), elsewhere.platform_url("valuestreamer")
    moved(monkeypatch, elsewhere)
    outcome = project.call(*command, "--json")
    assert outcome.code == 2
    (told,) = outcome.json["jobs" if command == ("plan",) else "runs"]
    assert f"knows destination board as {old}, and the configuration says {new}" in told["error"]
    assert "kpisync state rebind board" in told["error"]
    assert "name of its own" in told["error"]
    assert elsewhere.requests == {}


def test_a_platform_under_a_new_address_is_rebound_and_what_is_known_stays(
    project: Project, elsewhere: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.source("L1;19.11.2026;1")
    project.run()
    moved(monkeypatch, elsewhere)
    outcome = project.call("state", "rebind", "board")
    assert outcome.code == 0
    old, new = project.board.platform_url("valuestreamer"), elsewhere.platform_url("valuestreamer")
    assert outcome.out == f"board is {new} now; it was {old}\n"
    run = project.run()
    assert (run["exit"], run["unchanged"], run["requests"]) == (0, 1, {})
    assert project.call("state", "rebind", "board").out == f"board is {new} now\n"


def test_a_new_name_for_a_new_platform_starts_with_nothing_known(
    project: Project, elsewhere: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.source("L1;19.11.2026;1")
    project.run()
    moved(monkeypatch, elsewhere)
    project.config(CONFIG.replace("  board:", "  new-board:").replace("destination: board", "destination: new-board"))
    assert project.run()["created"] == 1


def test_the_same_address_written_otherwise_is_the_same_platform(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.source("L1;19.11.2026;1")
    project.run()
    url = project.board.platform_url("valuestreamer")
    monkeypatch.setenv("BOARD_URL", f"{url.replace('http', 'HTTP')}/")
    assert project.run()["unchanged"] == 1


def test_an_address_that_never_took_a_value_is_not_remembered(
    project: Project, elsewhere: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.source("L1;19.11.2026;1")
    monkeypatch.setenv("BOARD_PASSWORD", "wrong")
    assert project.run()["exit"] == 4
    monkeypatch.setenv("BOARD_PASSWORD", "sandbox")
    moved(monkeypatch, elsewhere)
    assert project.run()["created"] == 1


def test_there_is_nothing_to_rebind_before_the_first_value_and_no_destination_of_another_name(project: Project) -> None:
    assert project.call("state", "rebind", "board").out.startswith("nothing is known of board yet")
    outcome = project.call("state", "rebind", "bord")
    assert outcome.code == 2
    assert "did you mean board?" in outcome.err


def test_check_says_of_each_job_what_holds_for_its_values(project: Project) -> None:
    sentence = (
        "each value is stored once; it is confirmed by reading it back; what others keep in the same record is kept; "
        "a value that someone else wrote is held back and reported; an edit by hand in the up to 60 s between our read "
        "and our write can be overwritten, the number from before it is in the history"
    )
    assert f"board: {sentence}. Jobs: scrap-daily\n" in project.call("check").out
    document = json.loads(project.call("check", "--json").out)
    assert document["guarantees"] == {"scrap-daily": sentence}
