"""Verify, adopt and undo where a platform keeps values apart: doubles are found, and only what is ours is deleted."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from kpisync.sandbox.settings import Fault
from tests.acceptance.quantive_okr import UNITS, Account, account_of

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

MONDAY = "2026-11-02"
PATH = "okr/units/actual/2026-W45"


@pytest.fixture
def okr(project: Project, monkeypatch: pytest.MonkeyPatch) -> Account:
    return account_of(project, monkeypatch)


def entry(okr: Account, *arguments: str) -> Any:
    """What a command shows with --json, with its exit code."""
    outcome = okr.call(*arguments, "--json")
    (found,) = outcome.json.values()
    return {**(found[0] if isinstance(found, list) else found), "exit": outcome.code}


def test_a_second_number_beside_ours_is_a_duplicate_and_is_not_repaired(okr: Account) -> None:
    okr.source(w45=5)
    okr.run()
    okr.by_hand(MONDAY, 2)
    found = entry(okr, "verify", "--repair")
    assert (found["exit"], found["repaired"]) == (1, 0)
    assert [(double["path"], double["old"], double["copies"]) for double in found["duplicates"]] == [(PATH, 5, 2)]
    assert set(found["requests"]) == {"GET"}


def test_an_update_is_undone_by_replacing_our_own_snapshot(okr: Account) -> None:
    okr.source(w45=5)
    okr.run()
    okr.source(w45=6)
    second = okr.run()["run"]
    assert (entry(okr, "undo", second)["updated"], okr.snapshots()) == (1, {MONDAY: "5"})
    assert (okr.run()["undone"], okr.snapshots()) == (1, {MONDAY: "5"})
    okr.source(w45=7)
    assert (okr.run()["updated"], okr.snapshots()) == (1, {MONDAY: "7"})


def test_a_created_snapshot_is_deleted_by_an_undo(okr: Account) -> None:
    okr.source(w45=5)
    first = okr.run()["run"]
    assert (entry(okr, "undo", first)["withdrawn"], okr.snapshots()) == (1, {})


def test_an_adopted_number_is_never_deleted(okr: Account) -> None:
    okr.by_hand(MONDAY, 2)
    okr.source(w45=5)
    adopted = entry(okr, "adopt", "weekly")
    assert (adopted["exit"], adopted["adopted"], adopted["changing"]) == (0, 1, 1)
    assert (okr.run()["conflicts"], okr.snapshots()) == (1, {MONDAY: "2"})


def test_an_adoption_keeps_the_id_of_what_we_created(okr: Account) -> None:
    okr.source(w45=5)
    okr.run()
    assert entry(okr, "adopt", "weekly")["known"] == 1
    okr.source(w45=6)
    assert (okr.run()["updated"], okr.snapshots()) == (1, {MONDAY: "6"})


def test_what_is_missing_is_posted_again_and_is_ours(okr: Account) -> None:
    okr.source(w45=5)
    okr.run()
    okr.sandbox.delete_by_hand(date.fromisoformat(MONDAY), None, UNITS, None, "quantive")
    assert (entry(okr, "verify", "--repair")["repaired"], okr.snapshots()) == (1, {MONDAY: "5"})
    okr.source(w45=6)
    assert okr.run()["updated"] == 1


def test_what_the_first_attempt_of_a_run_deleted_is_what_an_undo_puts_back(okr: Account) -> None:
    okr.source(w45=5)
    okr.run()
    okr.source(w45=6)
    okr.sandbox.faults = [Fault(kind="drop-before", method="POST")]
    second = okr.run()
    assert (second["exit"], okr.snapshots()) == (0, {MONDAY: "6"})
    assert (entry(okr, "undo", second["run"])["exit"], okr.snapshots()) == (0, {MONDAY: "5"})


def test_what_is_resolved_as_stored_is_ours_and_can_be_replaced(okr: Account) -> None:
    okr.source(w45=5)
    okr.sandbox.faults = [
        Fault(kind="drop-after", method="POST"),
        Fault(kind="status", status=500, method="GET", after=3, times=None),
    ]
    assert okr.run()["in_doubt"] == 1
    okr.sandbox.faults = []
    outcome = okr.call("resolve", PATH, "--stored", "--json")
    assert (outcome.code, outcome.json["resolve"][0]["shows"]) == (0, 5)
    okr.source(w45=6)
    assert (okr.run()["updated"], okr.snapshots()) == (1, {MONDAY: "6"})
