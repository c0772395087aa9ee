"""One process a group of jobs at a time, in the order in which they wait."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_state_builders import python, url_of

from kpisync.errors import LockedError
from kpisync.state.lock import all_jobs_stopped, job_lock, turn

TAKE = """
    import sys
    from time import sleep
    from kpisync.state.lock import turn
    told = []
    def wait(taken):
        if not told:
            told.append(print(f"waits: {taken}", flush=True))
        sleep(0.01)
    with turn(sys.argv[1], "board kpi-1", sys.argv[2], wait):
        print("its turn", flush=True)
        sys.stdin.readline()
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return url_of(tmp_path / "state" / "kpisync.db")


def give_up(taken: LockedError) -> None:
    raise taken


def take(url: str, group: str = "board kpi-1", job: str = "targets") -> None:
    with turn(url, group, job, give_up):
        pass


def test_who_finds_the_group_taken_waits_and_hears_by_whom(url: str) -> None:
    with python(TAKE, url, "scrap-daily") as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "its turn\n"
        with pytest.raises(LockedError, match=rf"another process \(pid {owner.pid} on .*, since 20.*\) runs (a )?job "):
            take(url)


def test_a_killed_owner_is_no_obstacle(url: str) -> None:
    with python(TAKE, url, "scrap-daily") as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "its turn\n"
        owner.kill()
    take(url)


def test_who_waits_comes_before_who_wants_another_turn(url: str) -> None:
    heard: list[str] = []
    with python(TAKE, url, "daily") as daily:
        assert daily.stdout is not None
        assert daily.stdin is not None
        assert daily.stdout.readline() == "its turn\n"
        with python(TAKE, url, "other") as other:
            assert other.stdout is not None
            assert other.stdin is not None
            assert other.stdout.readline().startswith("waits: another process")
            daily.stdin.close()

            def wait(taken: LockedError) -> None:
                if not heard:
                    assert other.stdout is not None
                    assert other.stdin is not None
                    heard.append(other.stdout.readline())
                    other.stdin.close()

            with turn(url, "board kpi-1", "daily", wait):
                assert heard == ["its turn\n"]


def test_different_groups_do_not_wait_for_each_other(url: str) -> None:
    with turn(url, "board kpi-1", "a", give_up):
        take(url, group="board kpi-2")
        take(url, group="board")


def test_a_file_also_says_which_job_its_owner_runs(tmp_path: Path) -> None:
    url = url_of(tmp_path / "kpisync.db")
    with turn(url, "board", "scrap-daily", give_up), pytest.raises(LockedError, match="runs job scrap-daily"):
        take(url, group="board")


def test_a_turn_and_the_lock_of_a_job_are_different_things(url: str) -> None:
    with turn(url, "scrap-daily", "a", give_up), job_lock(url, "scrap-daily"):
        pass


def test_a_job_and_its_backfill_have_different_locks_and_each_is_held_once(url: str) -> None:
    with job_lock(url, "a"), job_lock(url, "a", kind="backfill"):
        taken = pytest.raises(LockedError, match="runs a backfill of job a")
        with taken, job_lock(url, "a", kind="backfill"):
            pass


def test_while_somebody_has_the_turn_the_store_is_not_replaced(url: str, tmp_path: Path) -> None:
    with turn(url, "board", "scrap-daily", give_up), pytest.raises(LockedError, match="runs job scrap-daily"):
        all_jobs_stopped(tmp_path / "state" / "kpisync.db").__enter__()


def test_a_store_in_memory_is_one_process_s_own() -> None:
    with turn("sqlite://", "board", "a", give_up):
        take("sqlite://", group="board")
