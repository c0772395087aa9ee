"""Each kind of bad input: one clear message, the contract's exit code, nothing lost, nothing invented, no secret."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kpisync.sandbox.settings import Fault

if TYPE_CHECKING:
    from tests.acceptance.conftest import Outcome, Project

HEADER = "Linie;Datum;Ausschuss\n"
GOOD = "L1;19.11.2026;1\n"
SECRET = "s3cret-canary"


def clean(outcome: Outcome) -> str:
    """All that was printed, which must never hold a traceback or a secret."""
    text = outcome.out + outcome.err
    assert "Traceback" not in text
    assert SECRET not in text
    return text


UNREADABLE: list[tuple[str, bytes, str]] = [
    ("cut in the last line", (HEADER + GOOD + "L2;19.11.2026;123").encode(), "line break"),
    ("another encoding", (HEADER + "Lä1;19.11.2026;1\n").encode("cp1252"), "cp1252"),
    ("a renamed column", b"Linie;Datum;Ausschuss 2\nL1;19.11.2026;1\n", "Ausschuss 2"),
    ("a missing column", b"Linie;Datum\nL1;19.11.2026\n", "Ausschuss"),
    ("a login page", b"<!DOCTYPE html>\n<html><body>Login</body></html>\n", "HTML"),
    ("an empty file", b"", "empty"),
    ("an open quote", (HEADER + '"L1;19.11.2026;1\n').encode(), "quote"),
    ("a workbook", b"PK\x03\x04" + b"\0" * 40, "Excel"),
]


@pytest.mark.parametrize(("content", "word"), [case[1:] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE])
def test_a_file_that_is_not_readable_as_configured_stops_the_job(project: Project, content: bytes, word: str) -> None:
    (project.folder / "scrap.csv").write_bytes(content)
    outcome = project.call("run")
    assert outcome.code == 4
    text = clean(outcome)
    assert "scrap.csv" in text
    assert word in text
    assert project.board.requests == {}


def test_a_missing_file_stops_the_job(project: Project) -> None:
    outcome = project.call("run")
    assert outcome.code == 4
    assert "scrap.csv" in clean(outcome)


def test_a_header_without_rows_is_held_by_the_guard_which_names_its_flag(project: Project) -> None:
    project.source()
    outcome = project.call("run")
    assert outcome.code == 3
    assert "--yes-over-guard" in clean(outcome)
    assert project.board.requests == {}


@pytest.mark.parametrize("cell", ["nan", "1e999", "inf", "١٢", "1_000", "12.5", "#DIV/0!", "1.2.3"])
def test_what_is_no_number_is_rejected_with_its_line_and_the_rest_goes_on(project: Project, cell: str) -> None:
    project.source("L1;19.11.2026;1", f"L2;19.11.2026;{cell}")
    run = project.run()
    assert (run["exit"], run["rejected"], run["confirmed"]) == (1, 1, 1)
    reject = run["rejects"][0]
    assert (reject["source"], reject["code"]) == ("scrap.csv:3", "bad-number")
    assert cell in reject["reason"]
    assert set(project.records()) == {("2026-11-19", "line-1")}


@pytest.mark.parametrize("day", ["30.02.2026", "2026-11-19", "31.12.1899", "", "١٩.١١.٢٠٢٦"])
def test_a_date_that_does_not_exist_is_rejected(project: Project, day: str) -> None:
    project.source("L1;19.11.2026;1", f"L2;{day};2")
    run = project.run()
    assert (run["exit"], run["rejected"], run["confirmed"]) == (1, 1, 1)
    assert run["rejects"][0]["source"] == "scrap.csv:3"


def test_two_rows_for_one_value_are_both_rejected_each_naming_the_other(project: Project) -> None:
    project.source("L1;19.11.2026;1", "L1;19.11.2026;2", "L2;19.11.2026;3")
    run = project.run()
    assert (run["exit"], run["rejected"], run["confirmed"]) == (1, 2, 1)
    first, second = run["rejects"]
    assert (first["source"], second["source"]) == ("scrap.csv:2", "scrap.csv:3")
    assert "scrap.csv:3" in first["reason"]
    assert "scrap.csv:2" in second["reason"]
    assert set(project.records()) == {("2026-11-19", "line-2")}


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


MISTAKES: list[tuple[str, Callable[[str], str], str]] = [
    ("an unknown key", replaced("delimiter:", "delimitr:"), "delimiter"),
    ("a duplicate key", lambda text: text + "version: 1\n", "version"),
    ("a missing variable", replaced("${env:BOARD_PASSWORD}", "${env:NO_SUCH_VARIABLE}"), "NO_SUCH_VARIABLE"),
    ("an unknown lookup", replaced("lookup: lines", "lookup: linse"), "lines"),
    ("an unknown KPI", replaced("{kpi: scrap,", "{kpi: scarp,"), "scrap"),
    ("an id that is none", replaced("8dca904d-9134", "8dca904d_9134"), "8-4-4-4-12"),
    ("plain http to another machine", replaced("${env:BOARD_URL}", "http://board.example/api"), "https"),
]


@pytest.mark.parametrize(("spoil", "word"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES])
def test_a_mistake_in_the_configuration_is_told_with_file_line_and_column(
    project: Project, spoil: Callable[[str], str], word: str
) -> None:
    from tests.acceptance.conftest import CONFIG

    project.config(spoil(CONFIG))
    project.source("L1;19.11.2026;1")
    for command in ("check", "run"):
        outcome = project.call(command)
        assert outcome.code == 2
        text = clean(outcome)
        assert "kpisync.yaml:" in text
        assert word in text
    assert project.board.requests == {}


def test_a_refused_login_stops_at_once_and_rejects_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARD_PASSWORD", SECRET)
    project.source("L1;19.11.2026;1", "L2;19.11.2026;2")
    outcome = project.call("run", "--json")
    clean(outcome)
    run = outcome.json["runs"][0]
    assert outcome.code == 4
    assert (run["status"], run["rejected"], run["confirmed"]) == ("failed", 0, 0)
    assert "401" in run["error"]
    assert sum(project.board.requests.values()) <= 2
    assert SECRET not in (project.folder / "state" / "kpisync.db").read_bytes().decode("latin-1")


def test_a_platform_that_is_not_reached_stops_the_job(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARD_URL", "http://127.0.0.1:9/api")
    project.source("L1;19.11.2026;1")
    outcome = project.call("run")
    assert outcome.code == 4
    assert "not reached" in clean(outcome)


@pytest.mark.parametrize(("status", "code"), [(404, "refused"), (500, "platform-error")])
def test_one_record_that_fails_is_rejected_alone_and_tried_again_next_time(
    project: Project, status: int, code: str
) -> None:
    project.board.faults = [Fault(kind="status", method="PUT", path="6f1c0a52", status=status, times=3)]
    project.source("L1;19.11.2026;1", "L2;19.11.2026;2")
    run = project.run()
    assert (run["exit"], run["status"], run["rejected"], run["confirmed"]) == (1, "partial", 1, 1)
    assert (run["rejects"][0]["source"], run["rejects"][0]["code"]) == ("scrap.csv:3", code)
    assert str(status) in run["rejects"][0]["reason"]
    project.board.faults = []
    again = project.run()
    assert (again["exit"], again["created"], again["unchanged"]) == (0, 1, 1)


def test_a_failed_read_means_that_nothing_of_its_window_is_written(project: Project) -> None:
    project.board.faults = [Fault(kind="status", method="GET", path="6f1c0a52", status=500, times=None)]
    project.source("L1;19.11.2026;1", "L2;19.11.2026;2")
    assert project.call("run").code in (1, 4)
    assert project.board.requests["PUT"] == 0


@pytest.mark.parametrize("kind", ["drop-before", "drop-after", "late-commit", "garbage"])
def test_an_answer_that_never_came_is_resolved_within_the_run(project: Project, kind: str) -> None:
    delay = timedelta(milliseconds=300 if kind == "late-commit" else 0)
    project.board.faults = [Fault(kind=kind, method="PUT", delay=delay)]  # type: ignore[arg-type]
    project.source("L1;19.11.2026;1", "L2;19.11.2026;2")
    run = project.run()
    assert (run["exit"], run["in_doubt"], run["rejected"]) == (0, 0, 0)
    assert {key: values["actual"] for key, values in project.records().items()} == {
        ("2026-11-19", "line-1"): "1",
        ("2026-11-19", "line-2"): "2",
    }
    assert project.run()["requests"] == {}


def test_a_broken_job_does_not_keep_the_others_from_running(project: Project) -> None:
    from tests.acceptance.conftest import CONFIG

    job = CONFIG[CONFIG.index("  scrap-daily:") :]
    broken = job.replace("scrap-daily", "broken").replace("delimiter", "delimitr")
    project.config(CONFIG + broken)
    project.source("L1;19.11.2026;1")
    outcome = project.call("run", "--json")
    runs = {run["job"]: run for run in outcome.json["runs"]}
    assert outcome.code == 2
    assert runs["scrap-daily"]["confirmed"] == 1
    assert "delimitr" in runs["broken"]["error"]


def test_an_unknown_job_is_wrong_usage(project: Project) -> None:
    project.source("L1;19.11.2026;1")
    outcome = project.call("run", "scrap-dayly")
    assert outcome.code == 2
    assert "did you mean scrap-daily?" in clean(outcome)


def test_a_state_store_that_is_no_database_is_never_begun_anew(project: Project) -> None:
    store = project.folder / "state" / "kpisync.db"
    store.parent.mkdir()
    store.write_bytes(b"not a database" * 100)
    project.source("L1;19.11.2026;1")
    outcome = project.call("run")
    assert outcome.code == 6
    assert "kpisync.db" in clean(outcome)
    assert project.board.requests == {}
    assert store.read_bytes() == b"not a database" * 100


def test_a_plan_leaves_no_trace_on_disk(project: Project, tmp_path: Path) -> None:
    project.source("L1;19.11.2026;1", "L9;19.11.2026;2")
    before = sorted(tmp_path.rglob("*"))
    assert project.call("plan").code == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert set(project.board.requests) == {"GET"}
