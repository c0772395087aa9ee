"""One process a job, decided by the kernel."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from test_state_builders import python, url_of

from kpisync.errors import Exit, LockedError, StateError
from kpisync.state.lock import all_jobs_stopped, job_lock, locks_folder, store_lock

HOLD = """
    import sys
    from kpisync.state.lock import job_lock
    with job_lock(sys.argv[1], sys.argv[2]):
        print("ready", flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return url_of(tmp_path / "state" / "kpisync.db")


def test_a_second_process_is_refused_and_told_the_first(url: str) -> None:
    with python(HOLD, url, "scrap-daily") as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        with pytest.raises(LockedError, match=rf"pid {owner.pid} on .* runs job scrap-daily") as caught:
            job_lock(url, "scrap-daily").__enter__()
    assert caught.value.exit_code == Exit.LOCKED


def test_a_killed_owner_is_replaced_at_once(url: str) -> None:
    with python(HOLD, url, "scrap-daily") as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        owner.kill()
    with job_lock(url, "scrap-daily"):
        pass


def test_two_runs_of_a_job_in_one_process_are_refused_too(url: str) -> None:
    with job_lock(url, "scrap-daily"), pytest.raises(LockedError, match=f"pid {os.getpid()} "):
        job_lock(url, "scrap-daily").__enter__()


def test_a_job_can_run_again_after_it_ended(url: str) -> None:
    for _ in range(2):
        with job_lock(url, "scrap-daily"):
            pass


def test_a_failed_job_gives_its_lock_back(url: str) -> None:
    with pytest.raises(RuntimeError), job_lock(url, "scrap-daily"):
        raise RuntimeError
    with job_lock(url, "scrap-daily"):
        pass


@pytest.mark.parametrize("other", ["energy", "scrap daily", "SCRAP-DAILY", "scrap-dail\u00fd"])
def test_different_jobs_do_not_wait_for_each_other(url: str, other: str) -> None:
    with job_lock(url, "scrap-daily"), job_lock(url, other):
        pass


@pytest.mark.parametrize("job", ["../../x", "/etc/passwd", "..", "", "a" * 500, "a\0b", "a\ud800b", "con:1"])
def test_no_job_name_leads_out_of_the_folder(url: str, tmp_path: Path, job: str) -> None:
    with job_lock(url, job):
        made = [path for path in tmp_path.rglob("*") if path.is_file()]
    folder = locks_folder(tmp_path / "state" / "kpisync.db")
    assert {path.suffix for path in made} == {".lock", ".owner"}
    assert {path.parent for path in made} == {folder}


def test_an_unreadable_owner_is_no_obstacle_to_the_message(url: str, tmp_path: Path) -> None:
    with job_lock(url, "scrap-daily"):
        for owner in tmp_path.rglob("*.owner"):
            owner.write_text("half")
        with pytest.raises(LockedError, match="another process runs job scrap-daily"):
            job_lock(url, "scrap-daily").__enter__()


def test_locks_are_their_owners_alone(url: str, tmp_path: Path) -> None:
    with job_lock(url, "scrap-daily"):
        folder = locks_folder(tmp_path / "state" / "kpisync.db")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.lock")} == {0o600}


def test_a_folder_can_be_named_for_a_store_that_is_no_file(tmp_path: Path) -> None:
    with job_lock("postgresql://host/db", "scrap-daily", tmp_path / "locks"), pytest.raises(LockedError):
        job_lock("sqlite://", "scrap-daily", tmp_path / "locks").__enter__()


def test_a_server_that_does_not_answer_is_a_state_error() -> None:
    with pytest.raises(StateError, match="cannot be used"):
        job_lock("postgresql://u@127.0.0.1:1/db", "scrap-daily").__enter__()


def test_a_store_in_memory_is_one_process_s_own() -> None:
    with job_lock("sqlite://", "scrap-daily"), job_lock("sqlite://", "scrap-daily"):
        pass


def test_a_folder_that_cannot_be_made_is_a_state_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StateError, match="cannot be used"):
        job_lock(url_of(tmp_path / "state" / "kpisync.db"), "scrap-daily").__enter__()


def test_while_all_jobs_are_stopped_none_that_ever_ran_can_start(tmp_path: Path) -> None:
    file = tmp_path / "kpisync.db"
    with job_lock(url_of(file), "scrap-daily"):
        pass
    with store_lock(file), all_jobs_stopped(file), pytest.raises(LockedError):
        job_lock(url_of(file), "scrap-daily").__enter__()
    with job_lock(url_of(file), "scrap-daily"):
        pass


def test_jobs_are_not_stopped_while_one_runs(tmp_path: Path) -> None:
    file = tmp_path / "kpisync.db"
    with job_lock(url_of(file), "scrap-daily"), pytest.raises(LockedError, match="runs job scrap-daily"):
        all_jobs_stopped(file).__enter__()
