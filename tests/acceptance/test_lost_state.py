"""A state store that was lost, or is an older copy: nothing that differs is overwritten, and nothing is sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest
from quantive_okr import Account, account_of

from kpisync.sandbox.settings import Fault

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project


class Platform(Protocol):
    """A platform with a job that brings it a number for each of some periods."""

    project: Project
    stores: str  # the method of a request that stores a number

    def source(self, *numbers: int) -> None:
        """What the source states of the first period and of those after it."""

    def holds(self) -> list[str]:
        """The numbers of the periods that have one."""


class Board:
    """ValueStreamer, from the 17th of November on."""

    stores = "PUT"

    def __init__(self, project: Project) -> None:
        self.project = project

    def source(self, *numbers: int) -> None:
        self.project.source(*(f"L1;{day}.11.2026;{number}" for day, number in enumerate(numbers, start=17)))

    def holds(self) -> list[str]:
        return [values["actual"] for _, values in sorted(self.project.records().items())]


class Okr:
    """Quantive, where a second snapshot stands beside the first, from the 42nd week on."""

    stores = "POST"

    def __init__(self, account: Account) -> None:
        self.project, self._account = account.project, account

    def source(self, *numbers: int) -> None:
        self._account.source(**{f"w{week}": number for week, number in enumerate(numbers, start=42)})

    def holds(self) -> list[str]:
        return [number for _, number in sorted(self._account.snapshots().items())]


@pytest.fixture(params=["valuestreamer", "quantive"])
def platform(request: pytest.FixtureRequest, project: Project, monkeypatch: pytest.MonkeyPatch) -> Platform:
    return Board(project) if request.param == "valuestreamer" else Okr(account_of(project, monkeypatch))


def bring(platform: Platform, *numbers: int) -> None:
    """The source states them, and a run confirms them."""
    platform.source(*numbers)
    assert run(platform)["exit"] == 0


def run(platform: Platform) -> dict[str, Any]:
    """A run, with the writes among its requests."""
    before = platform.project.board.requests
    ended: dict[str, Any] = platform.project.run()
    made = platform.project.board.requests - before
    return {**ended, "writes": {method: count for method, count in made.items() if method != "GET"}}


def outcome(ended: dict[str, Any]) -> tuple[int, int, int, dict[str, int]]:
    return ended["exit"], ended["conflicts"], ended["unchanged"], ended["writes"]


def lose(platform: Platform) -> None:
    (platform.project.folder / "state" / "kpisync.db").unlink()


def back_up(platform: Platform) -> None:
    assert platform.project.call("state", "backup", "older.db").code == 0


def restore(platform: Platform) -> None:
    assert platform.project.call("state", "restore", "older.db").code == 0


# ---------------------------------------------------------------- lost


def test_after_a_loss_what_is_equal_is_adopted_and_nothing_is_sent(platform: Platform) -> None:
    bring(platform, 5, 6)
    lose(platform)
    assert outcome(run(platform)) == (0, 0, 2, {})
    assert run(platform)["requests"] == {}


def test_after_a_loss_what_differs_is_held_and_what_is_missing_is_sent_once(platform: Platform) -> None:
    bring(platform, 5, 6)
    lose(platform)
    platform.source(5, 7, 8)
    assert outcome(run(platform)) == (1, 1, 1, {platform.stores: 1})
    assert platform.holds() == ["5", "6", "8"]
    assert outcome(run(platform)) == (1, 1, 2, {})


def test_after_a_loss_an_answer_that_never_came_is_no_reason_to_send_again(platform: Platform) -> None:
    platform.project.board.faults = [Fault(kind="drop-after", method=platform.stores)]
    bring(platform, 5)
    lose(platform)
    assert outcome(run(platform)) == (0, 0, 1, {})
    assert platform.holds() == ["5"]


# ---------------------------------------------------------------- older


def test_with_an_older_copy_what_was_sent_since_is_adopted_if_the_source_still_states_it(platform: Platform) -> None:
    bring(platform, 5, 6)
    back_up(platform)
    bring(platform, 5, 7, 8)
    restore(platform)
    assert outcome(run(platform)) == (0, 0, 3, {})
    assert platform.holds() == ["5", "7", "8"]
    assert run(platform)["requests"] == {}


def test_with_an_older_copy_what_was_sent_since_is_held_if_the_source_states_another(platform: Platform) -> None:
    bring(platform, 5, 6)
    back_up(platform)
    bring(platform, 5, 7, 8)
    restore(platform)
    platform.source(5, 9, 10, 11)
    assert outcome(run(platform)) == (1, 2, 1, {platform.stores: 1})
    assert platform.holds() == ["5", "7", "8", "11"]


def test_a_doubt_of_an_older_copy_that_was_answered_since_is_answered_again_by_a_read(platform: Platform) -> None:
    leave_in_doubt(platform, 5)
    back_up(platform)
    assert run(platform)["exit"] == 0
    restore(platform)
    assert outcome(run(platform)) == (0, 0, 1, {})
    assert platform.holds() == ["5"]


def test_a_doubt_of_an_older_copy_is_no_leave_to_overwrite_what_was_sent_since(platform: Platform) -> None:
    leave_in_doubt(platform, 5)
    back_up(platform)
    bring(platform, 6)
    restore(platform)
    platform.source(7)
    assert outcome(run(platform)) == (1, 1, 0, {})
    assert platform.holds() == ["6"]


def leave_in_doubt(platform: Platform, number: int) -> None:
    """The platform never gets it, and never says so."""
    platform.project.board.faults = [Fault(kind="drop-before", method=platform.stores, times=None)]
    platform.source(number)
    assert run(platform)["in_doubt"] == 1
    platform.project.board.faults = []


def test_with_an_older_copy_a_number_that_the_source_took_back_is_found_by_verify(platform: Platform) -> None:
    bring(platform, 5)
    back_up(platform)
    bring(platform, 6)
    restore(platform)
    platform.source(5)
    assert outcome(run(platform)) == (0, 0, 1, {})
    [found] = platform.project.call("verify", "--json").json["verify"]
    assert [(edit["old"], edit["found"]) for edit in found["edited"]] == [(5, 6)]
    assert platform.holds() == ["6"]


# ---------------------------------------------------------------- the way back


def test_a_number_that_was_held_after_a_loss_is_released_by_adopt_where_the_platform_can_replace_it(
    project: Project,
) -> None:
    platform = Board(project)
    bring(platform, 5)
    lose(platform)
    platform.source(6)
    assert run(platform)["conflicts"] == 1
    assert project.call("adopt", "scrap-daily").code == 0
    assert outcome(run(platform)) == (0, 0, 0, {"PUT": 1})
    assert platform.holds() == ["6"]


def test_a_snapshot_that_nobody_knows_to_be_ours_any_more_is_never_deleted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = Okr(account_of(project, monkeypatch))
    bring(platform, 5)
    lose(platform)
    assert run(platform)["exit"] == 0
    platform.source(6)
    assert outcome(run(platform)) == (1, 1, 0, {})
    assert project.call("adopt", "weekly").code == 0
    assert outcome(run(platform)) == (1, 1, 0, {})
    assert platform.holds() == ["5"]
