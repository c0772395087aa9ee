"""`resolve`: what is in doubt with its evidence, and a person's answer, taken unless the platform contradicts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from kpisync.sandbox.settings import Fault
from tests.acceptance.conftest import CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

DAY = date(2026, 11, 19)
PATH = "board/scrap/line-1/actual/2026-11-19"
QUICK = CONFIG.replace("settle: 1s", "settle: 1ms")
NEVER_STORED = Fault(kind="drop-before", method="PUT", times=None)


def resolve(project: Project, *arguments: str) -> Any:
    """What `resolve --json` shows, with the exit code."""
    outcome = project.call("resolve", "--json", *arguments)
    return {**outcome.json, "exit": outcome.code}


def refusal(found: Any) -> str:
    return str(found["resolve"][0]["refused"]).removesuffix("; --force takes the answer all the same")


def known(project: Project) -> Any:
    return project.call("explain", PATH, "--json").json["known"]


@pytest.fixture
def doubtful(project: Project) -> Project:
    """One value of which nobody knows whether it is stored: it is not, and cannot land any more."""
    project.config(QUICK)
    project.source("L1;19.11.2026;12,5")
    project.board.faults = [NEVER_STORED]
    assert project.run()["in_doubt"] == 1
    project.board.faults = []
    return project


@pytest.fixture
def landed(doubtful: Project) -> Project:
    """The same value, which the board holds in the end."""
    doubtful.board.put_by_hand(DAY, "line-1", "scrap", None, {"actual": Decimal("12.5")})
    return doubtful


def test_nothing_in_doubt_is_good(project: Project) -> None:
    found = resolve(project)
    assert (found["exit"], found["resolve"], found["requests"]) == (0, [], {})
    assert "Nothing is in doubt." in project.call("resolve").out


def test_what_is_in_doubt_is_listed_with_what_the_board_shows(doubtful: Project) -> None:
    found = resolve(doubtful)
    (entry,) = found["resolve"]
    assert (found["exit"], found["requests"]) == (1, {"GET": 1})
    assert (entry["path"], entry["old"], entry["new"], entry["asked"], entry["shows"]) == (PATH, None, 12.5, True, None)
    assert (entry["job"], entry["source"], entry["answer"]) == ("scrap-daily", "scrap.csv:2", None)
    assert entry["words"]


def test_offline_asks_nobody(doubtful: Project) -> None:
    before = doubtful.board.requests["GET"]
    (entry,) = resolve(doubtful, "--offline")["resolve"]
    assert (entry["asked"], doubtful.board.requests["GET"]) == (False, before)


def test_what_is_stored_becomes_known_and_is_not_sent_again(landed: Project) -> None:
    found = resolve(landed, PATH, "--stored")
    assert (found["exit"], found["resolve"][0]["answer"]) == (0, "stored")
    assert (known(landed)["number"], known(landed)["status"], known(landed)["source"]) == (
        12.5,
        "confirmed",
        "scrap.csv:2",
    )
    assert landed.run()["requests"] == {}


def test_what_is_not_stored_is_sent_by_the_next_run(doubtful: Project) -> None:
    assert resolve(doubtful, PATH, "--not-stored")["exit"] == 0
    assert resolve(doubtful)["resolve"] == []
    assert doubtful.run()["created"] == 1


def test_an_answer_that_the_board_contradicts_is_not_taken(doubtful: Project) -> None:
    found = resolve(doubtful, PATH, "--stored")
    assert (found["exit"], refusal(found)) == (1, "the platform shows nothing there")
    doubtful.board.put_by_hand(DAY, "line-1", "scrap", None, {"actual": Decimal("12.5")})
    found = resolve(doubtful, PATH, "--not-stored")
    assert (found["exit"], refusal(found)) == (1, "the platform shows 12.5, as it was sent")


def test_force_takes_it_as_somebodys_word_only(doubtful: Project) -> None:
    assert resolve(doubtful, PATH, "--stored", "--force")["exit"] == 0
    assert (known(doubtful)["number"], known(doubtful)["status"]) == (12.5, "sent")


def test_an_answer_without_a_look_needs_to_be_asked_for(doubtful: Project) -> None:
    doubtful.board.faults = [Fault(kind="status", status=500, method="GET", times=None)]
    refused = resolve(doubtful, PATH, "--not-stored")
    assert (refused["exit"], "could not be asked" in refused["resolve"][0]["refused"]) == (1, True)
    assert resolve(doubtful, PATH, "--not-stored", "--offline")["exit"] == 0


def test_all_takes_what_fits_and_leaves_the_rest(project: Project) -> None:
    job = QUICK[QUICK.index("  scrap-daily:") :]
    project.config(QUICK + job.replace("scrap-daily", "second").replace("scrap.csv", "second.csv"))
    project.source("L1;19.11.2026;12,5")
    project.source("L2;19.11.2026;3", name="second.csv")
    project.board.faults = [NEVER_STORED]
    project.call("run")
    project.board.faults = []
    project.board.put_by_hand(DAY, "line-1", "scrap", None, {"actual": Decimal("12.5")})
    found = resolve(project, "--all", "--stored")
    assert [(entry["job"], entry["answer"]) for entry in found["resolve"]] == [
        ("scrap-daily", "stored"),
        ("second", None),
    ]
    assert [entry["job"] for entry in resolve(project)["resolve"]] == ["second"]


def test_the_doubt_of_a_job_that_is_no_more_can_be_resolved(landed: Project) -> None:
    landed.config(CONFIG.replace("scrap-daily", "other"))
    assert "job scrap-daily is not in the configuration any more" in landed.call("resolve").out
    assert resolve(landed, PATH, "--stored")["exit"] == 0
    assert known(landed)["job"] == "scrap-daily"


def test_a_destination_that_is_no_more_can_not_be_asked_but_is_listed(doubtful: Project) -> None:
    doubtful.config(QUICK.replace("board", "wall"))
    (entry,) = resolve(doubtful)["resolve"]
    assert "destination board" in entry["error"]
    assert resolve(doubtful, entry["path"], "--not-stored", "--offline")["exit"] == 0


@pytest.mark.parametrize(
    "arguments", [["--stored"], [PATH, "--all", "--stored"], [PATH, "--stored", "--not-stored"], [PATH]], ids=" ".join
)
def test_an_answer_is_about_one_value_that_is_in_doubt_or_about_all(project: Project, arguments: list[str]) -> None:
    assert project.call("resolve", *arguments).code == 2


def test_people_read_the_evidence(doubtful: Project) -> None:
    shown = doubtful.call("resolve").out
    assert f"{PATH}: nothing → 12.5" in shown
    assert "of job scrap-daily (scrap.csv:2)" in shown
    assert "it shows now: nothing" in shown
    assert "kpisync run scrap-daily asks again; or give --stored or --not-stored" in shown
