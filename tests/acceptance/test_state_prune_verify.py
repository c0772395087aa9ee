"""`kpisync state prune` and `verify` as they are called, and a run after history was forgotten."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.acceptance.conftest import CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

LONG_AGO = 500 * 86_400 * 1000  # milliseconds
VALUE = "board/scrap/line-1/actual/2026-11-19"


def aged(project: Project) -> None:
    """Three runs with a number each and one that rejects a row, all of them long ago."""
    for number in (1, 2, 3):
        project.source(f"L1;19.11.2026;{number}", "L9;19.11.2026;2")
        assert project.run()["exit"] == 1
    project.source("L1;19.11.2026;3")
    assert project.run()["exit"] == 0
    with closing(sqlite3.connect(project.folder / "state" / "kpisync.db")) as store, store:
        store.execute(f"UPDATE run SET started = started - {LONG_AGO}, ended = ended - {LONG_AGO}")
        store.execute(f"UPDATE job SET confirmed = confirmed - {LONG_AGO}")


def test_forgetting_leaves_nothing_to_send_and_every_number_explained(project: Project) -> None:
    aged(project)
    shown = project.call("explain", VALUE, "--json").json
    pruned = project.call("state", "prune", "--json")
    assert pruned.code == 0
    assert {name: pruned.json[name] for name in ("plan", "runs", "changes", "rejects", "whole")} == {
        "plan": False,
        "runs": 2,
        "changes": 2,
        "rejects": 2,
        "whole": True,
    }
    project.board.journal.clear()
    again = project.run()
    assert (again["exit"], again["requests"], again["unchanged"]) == (0, {}, 1)
    explained = project.call("explain", VALUE, "--json").json
    assert explained["known"] == shown["known"]
    assert explained["changes"] == shown["changes"][-1:]
    assert explained["changes"][0]["digest"].startswith("sha256:")
    assert project.call("state", "verify").code == 0


def test_a_plan_counts_and_changes_nothing(project: Project) -> None:
    aged(project)
    file = project.folder / "state" / "kpisync.db"
    before = file.read_bytes()
    outcome = project.call("state", "prune", "--plan")
    assert outcome.code == 0
    assert "would go: 2 runs, 2 changes, 2 closed rejects" in outcome.out
    assert file.read_bytes() == before


def test_nothing_younger_than_a_day_is_forgotten(project: Project) -> None:
    outcome = project.call("state", "prune", "--before", "2999-01-01")
    assert outcome.code == 2
    assert "--before is later than a day ago" in outcome.err


def test_without_a_sound_retention_the_day_must_be_named(project: Project) -> None:
    project.config(CONFIG + "retention: {runs: 1h}\n")
    outcome = project.call("state", "prune")
    assert outcome.code == 2
    assert "`kpisync check` names them" in outcome.err
    assert project.call("state", "prune", "--before", "2020-01-01").code == 0


def test_a_sound_store_is_called_so_with_its_counts(project: Project) -> None:
    aged(project)
    outcome = project.call("state", "verify")
    assert outcome.code == 0
    assert "is sound: 1 value known, 0 in doubt, 0 open rejects, 3 changes in 4 runs" in outcome.out
    project.call("state", "backup", "saved.db")
    assert "saved.db is sound" in project.call("state", "verify", "saved.db").out


def test_an_unsound_copy_ends_with_6_and_says_why(project: Project) -> None:
    aged(project)
    project.call("state", "backup", "saved.db")
    with closing(sqlite3.connect(project.folder / "saved.db")) as copy, copy:
        copy.execute("UPDATE value SET number = 'many'")
    outcome = project.call("state", "verify", "saved.db")
    assert outcome.code == 6
    assert "saved.db: 1 row of value hold a number that cannot be read (number)" in outcome.err
    found = project.call("state", "verify", "saved.db", "--json")
    assert (found.code, found.json["ok"]) == (6, False)


def test_a_copy_that_is_not_there_ends_with_6(project: Project) -> None:
    assert project.call("state", "verify", "nothing.db").code == 6
