"""What a command prints, when nobody listens, the disk is full, or something is wrong: work goes on, codes hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.conftest import CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

JOB = CONFIG[CONFIG.index("  scrap-daily:") :]
DAYS = [f"L1;{day:02}.{month:02}.2026;{day}" for month in range(1, 11) for day in range(1, 29)]


def shell(project: Project, command: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in the project's folder; `kpisync` is this one."""
    program = f'kpisync() {{ "{sys.executable}" -m kpisync "$@"; }}; {command}'
    return subprocess.run(["bash", "-c", program], cwd=project.folder, capture_output=True, text=True, timeout=60)


def silent(done: subprocess.CompletedProcess[str]) -> bool:
    return "Traceback" not in done.stderr and "Exception ignored" not in done.stderr and "bug" not in done.stderr


@pytest.mark.parametrize("reader", ["head -1", "true"])
@pytest.mark.parametrize("arguments", ["plan", "plan --json", "schema"])
def test_a_reader_that_has_enough_is_no_error(project: Project, arguments: str, reader: str) -> None:
    project.source(*DAYS)
    done = shell(project, f"kpisync {arguments} | {reader}; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 0
    assert silent(done)


@pytest.mark.parametrize("end", ["| true", ">&-", "| head -1"])
def test_a_run_that_nobody_watches_runs_every_job_to_its_end(project: Project, end: str) -> None:
    project.config(CONFIG + JOB.replace("scrap-daily", "second").replace("scrap.csv", "second.csv"))
    project.source("L1;19.11.2026;1")
    project.source("L2;19.11.2026;2", "L9;19.11.2026;3", name="second.csv")
    done = shell(project, f"kpisync run {end}; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 1
    assert silent(done)
    assert len(project.records()) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", ["run", "run --json", "plan", "plan --json", "schema"])
def test_a_full_disk_is_told_and_is_no_success(project: Project, arguments: str) -> None:
    project.source("L1;19.11.2026;1")
    done = shell(project, f"kpisync {arguments} > /dev/full")
    assert done.returncode == 1
    assert "the output could not be written: No space left" in done.stderr
    assert silent(done)
    assert len(project.records()) == ("run" in arguments)


def test_neither_stdout_nor_stderr_is_needed(project: Project) -> None:
    project.source("L1;19.11.2026;1")
    assert shell(project, "kpisync run >&- 2>&-").returncode == 0
    assert shell(project, "kpisync run --plan missing >&- 2>&-").returncode == 2
    assert len(project.records()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("run", "--jsom", "--json"), 2, "No such option"),
        (("run", "--json", "--from", "19.11.2026"), 2, "does not match"),
        (("backfill", "--json"), 2, "Missing"),
        (("no-such-command", "--json"), 2, "No such command"),
        (("run", "--json", "no-such-job"), 2, "there is no job no-such-job"),
        (("plan", "-c", "missing.yaml", "--json"), 2, "missing.yaml"),
        (("history", "01XYZ", "--json"), 2, "01XYZ"),
    ],
)
def test_an_error_is_one_json_document_too(project: Project, arguments: tuple[str, ...], code: int, words: str) -> None:
    project.source("L1;19.11.2026;1")
    project.run()
    outcome = project.call(*arguments)
    assert (outcome.code, outcome.json["exit_code"]) == (code, code)
    assert words in outcome.json["error"]
    assert outcome.err


def test_history_and_status_say_that_a_run_was_a_chunk_of_a_backfill(project: Project) -> None:
    project.source("L1;15.01.2026;1")
    project.call("backfill", "scrap-daily", "--from", "2026-01-01", "--to", "2026-01-31")
    for command in ("history", "status"):
        assert "backfill 2026-01-01 to 2026-01-31" in project.call(command).out
