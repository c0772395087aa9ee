"""A job into Quantive as a user runs it: weeks from a CSV file, corrected, disputed, interrupted."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from quantive_okr import CONFIG, SCRAP, UNITS, Account, account_of

from kpisync.sandbox.settings import Fault, SandboxSettings

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project


@pytest.fixture
def okr(project: Project, monkeypatch: pytest.MonkeyPatch) -> Account:
    return account_of(project, monkeypatch)


# ---------------------------------------------------------------- runs


def test_a_first_run_posts_each_week_and_confirms_it(okr: Account) -> None:
    okr.source(w44=5, w45=6)
    run = okr.run()
    assert (run["exit"], run["created"], run["confirmed"]) == (0, 2, 2)
    assert okr.snapshots() == {"2026-10-26": "5", "2026-11-02": "6"}
    assert okr.requests()["POST"] == 2


def test_a_run_over_what_is_confirmed_makes_no_request(okr: Account) -> None:
    okr.source(w44=5, w45=6)
    okr.run()
    okr.requests()
    run = okr.run()
    assert (run["exit"], run["unchanged"], run["requests"]) == (0, 2, {})
    assert okr.requests() == {}


@pytest.mark.parametrize("reply", ["id-200", "empty-201"])
def test_a_changed_value_is_deleted_and_posted(okr: Account, reply: str) -> None:
    okr.sandbox.settings = SandboxSettings(snapshot_reply=reply)  # type: ignore[arg-type]
    okr.source(w44=5, w45=6)
    okr.run()
    okr.requests()
    okr.source(w44=5, w45=7)
    run = okr.run()
    assert (run["exit"], run["updated"], run["confirmed"]) == (0, 1, 1)
    assert okr.snapshots() == {"2026-10-26": "5", "2026-11-02": "7"}
    requests = okr.requests()
    assert (requests["DELETE"], requests["POST"]) == (1, 1)


def test_a_number_that_a_person_entered_is_a_conflict_and_stays(okr: Account) -> None:
    okr.by_hand("2026-11-02", 9)
    okr.source(w44=5, w45=6)
    run = okr.run()
    assert (run["exit"], run["created"], run["conflicts"]) == (1, 1, 1)
    assert okr.snapshots()["2026-11-02"] == "9"


def test_a_number_of_a_person_that_is_equal_is_adopted_and_not_added(okr: Account) -> None:
    okr.by_hand("2026-11-02", 6)
    okr.source(w45=6)
    assert okr.run()["exit"] == 0
    assert okr.snapshots() == {"2026-11-02": "6"}
    assert "POST" not in okr.requests()


def test_an_adopted_number_of_a_person_is_not_deleted_when_the_source_changes(okr: Account) -> None:
    okr.by_hand("2026-11-02", 6)
    okr.source(w45=6)
    okr.run()
    okr.source(w45=7)
    assert okr.run()["exit"] == 1
    assert okr.snapshots() == {"2026-11-02": "6"}


@pytest.mark.parametrize("kind", ["drop-after", "drop-before"])
def test_a_lost_answer_is_looked_after_and_nothing_is_posted_twice(okr: Account, kind: str) -> None:
    okr.sandbox.faults = [Fault(kind=kind, method="POST", path="/snapshots")]  # type: ignore[arg-type]
    okr.source(w45=6)
    run = okr.run()
    assert (run["exit"], run["in_doubt"]) == (0, 0)
    assert okr.snapshots() == {"2026-11-02": "6"}
    assert okr.run()["requests"] == {}


def test_a_refusal_after_the_deletion_is_told_and_the_next_run_fills_the_gap(okr: Account) -> None:
    okr.source(w45=6)
    okr.run()
    okr.sandbox.faults = [Fault(kind="status", method="POST", path="/snapshots", status=422, body="not now")]
    okr.source(w45=7)
    run = okr.run()
    assert run["exit"] == 1
    assert "not now" in run["rejects"][0]["reason"]
    assert okr.snapshots() == {}
    assert okr.run()["exit"] == 0
    assert okr.snapshots() == {"2026-11-02": "7"}


_CRASH = """
import os, sys
from kpisync.destinations.quantive.snapshots import Snapshots
step, when = sys.argv[1:]
act = getattr(Snapshots, step)

def die(*arguments):
    if when == "after":
        act(*arguments)
    os._exit(9)

setattr(Snapshots, step, die)
sys.argv = ["kpisync", "run", "--yes-over-guard"]
from kpisync.cli.main import main
main()
"""


@pytest.mark.parametrize("step", [("_delete", "before"), ("_delete", "after"), ("_post", "before"), ("_post", "after")])
def test_a_crash_at_any_step_of_a_change_is_made_good_by_the_next_run(okr: Account, step: tuple[str, str]) -> None:
    okr.source(w44=5, w45=6)
    okr.run()
    okr.source(w44=5, w45=7)
    assert subprocess.run([sys.executable, "-c", _CRASH, *step], check=False, cwd=okr.project.folder).returncode == 9
    assert okr.snapshots().get("2026-11-02") == {("_delete", "before"): "6", ("_post", "after"): "7"}.get(step)
    run = okr.run()
    assert (run["exit"], run["in_doubt"]) == (0, 0)
    assert okr.snapshots() == {"2026-10-26": "5", "2026-11-02": "7"}
    assert okr.run()["requests"] == {}


def test_a_crash_after_the_first_post_posts_nothing_twice(okr: Account) -> None:
    okr.source(w45=6)
    assert (
        subprocess.run([sys.executable, "-c", _CRASH, "_post", "after"], check=False, cwd=okr.project.folder).returncode
        == 9
    )
    assert okr.run()["exit"] == 0
    assert okr.snapshots() == {"2026-11-02": "6"}
    okr.source(w45=7)
    assert okr.run()["exit"] == 0
    assert okr.snapshots() == {"2026-11-02": "7"}


# ---------------------------------------------------------------- targets, withdrawals, the other ways


def test_targets_go_beside_actual_values_and_may_lie_ahead(okr: Account) -> None:
    target = "\n        - {kpi: units, value: target, column: Menge, scale: 2}\n    destination"
    okr.config(CONFIG.replace("\n    destination", target))
    okr.source(w44=5)
    assert okr.run()["confirmed"] == 2
    okr.source(w44=6)
    assert okr.run()["confirmed"] == 2
    (record,) = okr.sandbox.records("quantive").values()
    assert {kind: str(number) for kind, number in record.items()} == {"actual": "6", "target": "12"}


def test_a_value_that_the_source_no_longer_has_is_withdrawn_if_it_is_ours(okr: Account) -> None:
    okr.config(CONFIG.replace("    destination: okr", "    absent: withdraw\n    destination: okr"))
    okr.by_hand("2026-10-26", 5)
    okr.source(w44=5, w45=6, w46=7)
    okr.run()
    okr.source(w46=7)
    run = okr.run("--from", "2026-10-26", "--to", "2026-11-15")
    assert (run["exit"], run["withdrawn"]) == (1, 1)
    assert okr.snapshots() == {"2026-10-26": "5", "2026-11-09": "7"}


def test_where_the_platform_replaces_a_changed_value_is_one_post(okr: Account) -> None:
    okr.sandbox.settings = SandboxSettings(snapshots="upsert")
    okr.config(CONFIG.replace("settle:", "snapshot_write: upsert\n    settle:"))
    okr.source(w45=6)
    okr.run()
    okr.source(w45=7)
    assert okr.run()["exit"] == 0
    assert okr.snapshots() == {"2026-11-02": "7"}
    assert "DELETE" not in okr.requests()


@pytest.mark.parametrize(("aggregation", "code", "stands"), [("last", 0, "7"), ("sum", 1, "6")])
def test_gtmhub_corrects_only_what_a_second_number_corrects(
    okr: Account, monkeypatch: pytest.MonkeyPatch, aggregation: str, code: int, stands: str
) -> None:
    monkeypatch.setenv("OKR_URL", okr.sandbox.platform_url("gtmhub"))
    kpi = SCRAP if aggregation == "last" else UNITS
    okr.config(CONFIG.replace("type: quantive", "type: gtmhub").replace("kpi: units", f"kpi: {kpi}"))
    okr.source(w45=6)
    assert okr.run()["exit"] == 0
    okr.source(w45=7)
    assert okr.run()["exit"] == code
    (record,) = okr.sandbox.records("gtmhub").values()
    assert str(record["actual"]) == stands
    okr.requests()
    assert okr.run()["exit"] == code
    assert "POST" not in okr.requests()


def test_a_platform_that_cannot_be_read_is_written_without_reading(okr: Account) -> None:
    okr.sandbox.settings = SandboxSettings(snapshot_shape="odd")
    okr.by_hand("2026-10-26", 5)
    okr.source(w44=5)
    run = okr.run()
    assert run["exit"] == 1
    assert "read_before: never" in run["rejects"][0]["reason"]
    okr.source(w45=6)
    okr.config(CONFIG.replace("settle:", "read_before: never\n    confirm: none\n    settle:"))
    assert okr.run()["sent"] == 1
    okr.source(w45=7)
    assert okr.run()["sent"] == 1
    assert okr.snapshots() == {"2026-10-26": "5", "2026-11-02": "7"}


def test_a_value_is_explained_by_the_name_of_its_week(okr: Account) -> None:
    okr.source(w45=6)
    okr.run()
    outcome = okr.call("explain", "okr/units/actual/2026-W45")
    assert outcome.code == 0, outcome.err
    assert "weeks.csv:2" in outcome.out
