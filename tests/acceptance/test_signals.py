"""Signals end a run early and well; and the exit code of several jobs is the gravest one."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from kpisync.cli.session import SlowProgress, open_session
from kpisync.errors import Exit, combined
from kpisync.state.lock import job_lock
from tests.acceptance.conftest import CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

DAYS = [f"L1;{day:02}.{month:02}.2026;{day}" for month in (1, 2, 3) for day in range(1, 29)]
RANGE = ("--from", "2026-01-01", "--to", "2026-03-31", "--chunk", "1m")
LATENCY = timedelta(milliseconds=50)
JOB = CONFIG[CONFIG.index("  scrap-daily:") :]


@contextmanager
def started(project: Project, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own, over a board that takes its time; on return it has written something."""
    project.board.settings = project.board.settings.model_copy(update={"latency": LATENCY})
    command = [sys.executable, "-m", "kpisync", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            until = time.monotonic() + 30
            while project.board.requests["PUT"] < 3 and process.poll() is None and time.monotonic() < until:
                time.sleep(0.005)
            yield process
        finally:
            process.kill()
    project.board.settings = project.board.settings.model_copy(update={"latency": timedelta(0)})


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("command", [("run",), ("backfill", "scrap-daily", *RANGE)], ids=["run", "backfill"])
def test_a_signal_ends_it_soon_with_its_document_and_the_next_call_completes_it(
    project: Project, command: tuple[str, ...], number: signal.Signals, code: int
) -> None:
    project.source(*DAYS)
    with started(project, *command, "--json") as process:
        begun = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        took = time.monotonic() - begun
    assert process.returncode == code
    assert took < 5
    assert "Traceback" not in err
    run = json.loads(out)["runs"][-1]
    assert (run["status"], run["error"]) == ("failed", "interrupted")
    stored = len(project.records())
    assert 0 < stored < len(DAYS)
    assert run["confirmed"] + run["in_doubt"] == stored
    ended = project.call("history", run["run"], "--json").json
    assert (ended["exit_code"], ended["status"]) == (code, "failed")
    before = project.board.requests["PUT"]
    next_call = project.call(*command, "--json")
    assert next_call.code == 0
    assert len(project.records()) == len(DAYS)
    assert project.board.requests["PUT"] - before == len(DAYS) - stored


def test_a_signal_between_two_jobs_keeps_the_second_from_starting(project: Project) -> None:
    project.config(CONFIG + JOB.replace("scrap-daily", "targets").replace("value: actual", "value: target"))
    project.source(*DAYS)
    with started(project, "run", "--json") as process:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=10)
    assert process.returncode == 143
    assert [run["job"] for run in json.loads(out)["runs"]] == ["scrap-daily"]


def test_a_signal_to_a_plan_ends_it_and_no_file_is_left(project: Project) -> None:
    project.config(CONFIG.replace("    settle: 1s\n", "    settle: 1s\n    concurrency: 1\n"))  # reads are left then
    project.source(*DAYS)
    project.call("run")
    project.source(*(f"{day}0" for day in DAYS))
    project.board.settings = project.board.settings.model_copy(update={"latency": timedelta(seconds=1)})
    command = [sys.executable, "-m", "kpisync", "plan", "--json", "--out", "plan.json"]
    reads = project.board.requests["GET"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 30
        while project.board.requests["GET"] == reads and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 143
    assert json.loads(out)["exit_code"] == 143
    assert "Traceback" not in err
    assert not (project.folder / "plan.json").exists()


# ---------------------------------------------------------------- progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_stderr_leaves_stdout_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.StringIO(), Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    with SlowProgress(_begun=-10.0) as progress:
        progress("2026-01-01 to 2026-01-31, sending", 3, 12)
        print("a line of the result", file=sys.stdout)
    assert out.getvalue() == "a line of the result\n"
    assert "3/12" in err.getvalue()


def test_a_wait_is_told_in_the_time_of_the_plant_where_stderr_is_no_terminal_too(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    open_session(None).waiting("scrap-daily", datetime(2026, 11, 20, 11, 4, 5, tzinfo=UTC))
    assert capsys.readouterr().err == "waiting until 12:04:05 for an earlier request to settle (job scrap-daily)\n"


# ---------------------------------------------------------------- exit codes

ENDS = {  # exit code → a job that ends with it
    2: JOB.replace("scrap-daily", "unsound").replace("column: Ausschuss", "colum: Ausschuss"),
    4: JOB.replace("scrap-daily", "unreadable").replace("scrap.csv", "missing.csv"),
    5: JOB.replace("scrap-daily", "locked"),
    3: JOB.replace("scrap-daily", "held").replace("scrap.csv", "empty.csv"),
    1: JOB.replace("scrap-daily", "partial").replace("scrap.csv", "bad.csv"),
    0: JOB,
}


@pytest.mark.parametrize("codes", [*pairwise(ENDS), (0, 1, 3, 5, 4, 2), (1, 5), (3, 4)], ids=str)
def test_several_jobs_each_run_as_far_as_they_can_and_the_gravest_code_counts(
    project: Project, codes: tuple[int, ...]
) -> None:
    project.config(CONFIG.replace(JOB, "") + "".join(ENDS[code] for code in codes))
    project.source("L1;19.11.2026;1")
    project.source(name="empty.csv")
    project.source("L9;19.11.2026;1", name="bad.csv")
    with ExitStack() as stack:
        if 5 in codes:
            stack.enter_context(job_lock(f"sqlite:///{project.folder}/state/kpisync.db", "locked"))
        outcome = project.call("run", "--json")
    assert outcome.code == next(code for code in ENDS if code in codes)
    assert len(outcome.json["runs"]) == len(codes)


def test_the_order_of_exit_codes_is_that_of_the_contract() -> None:
    order = [Exit(code) for code in (70, 6, 2, 4, 5, 3, 1, 0)]
    for index in range(len(order)):
        assert combined(reversed(order[index:])) is order[index]
    assert combined([Exit.BUG, Exit.SIGTERM]) is Exit.SIGTERM
    assert combined([]) is Exit.OK
