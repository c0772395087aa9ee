"""A due time is met by one run, whoever begins it; one that could not do its work leaves it open."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kpisync.app import App
from kpisync.config.load import load
from kpisync.errors import Exit, Interrupted
from kpisync.jobs import JobResult, Request
from kpisync.model import RunStatus
from kpisync.sandbox.settings import Fault
from kpisync.schedule import last_due
from kpisync.state.dues import is_met, last_met, meet
from kpisync.state.lock import job_lock
from kpisync.state.open import open_store
from kpisync.testing.clock import NOON, FakeClock
from tests.acceptance.conftest import CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

SCHEDULED = CONFIG.replace("  scrap-daily:\n", '  scrap-daily:\n    schedule: "15 6 * * *"\n')
GOOD = "L1;20.11.2026;2,5"


def app(clock: FakeClock | None = None, stopped: Callable[[], Exit | None] = lambda: None) -> App:
    return App(load(Path("kpisync.yaml"), dict(os.environ)), clock or FakeClock(NOON), stopped)


def due(of: App) -> datetime:
    schedule = of.loaded.jobs["scrap-daily"].schedule
    assert schedule is not None
    found = last_due(schedule, of.clock.now())
    assert found is not None
    return found


def run_due(of: App) -> JobResult | None:
    return of.run_due("scrap-daily", due(of), Request(("scrap-daily",)))


def met(of: App) -> bool:
    with closing(open_store(of.settings.state, of.clock)) as store:
        return is_met(store, "scrap-daily", due(of), of.clock.now())


@pytest.fixture
def plant(project: Project) -> Project:
    project.config(SCHEDULED)
    project.source(GOOD)
    return project


def test_a_due_time_is_met_once(plant: Project) -> None:
    first = run_due(app())
    assert first is not None
    assert first.report.confirmed == 1
    asked = len(plant.board.requests)
    assert run_due(app()) is None
    assert len(plant.board.requests) == asked


def test_a_run_by_hand_or_by_cron_meets_it_too(plant: Project) -> None:
    list(app().run(Request()))
    assert run_due(app()) is None


@pytest.mark.parametrize(
    "narrowed",
    [Request(kpi="scrap"), Request(team="line-1"), Request(first=NOON.date()), Request(last=NOON.date())],
    ids=["kpi", "team", "from", "to"],
)
def test_a_run_of_a_part_does_not_meet_it(plant: Project, narrowed: Request) -> None:
    list(app().run(narrowed))
    assert not met(app())


def test_the_next_due_time_is_another_one(plant: Project) -> None:
    run_due(app())
    assert run_due(app(FakeClock(NOON + timedelta(days=1)))) is not None


def test_a_run_that_found_no_source_leaves_it_open(plant: Project) -> None:
    (plant.folder / "scrap.csv").unlink()
    failed = run_due(app())
    assert failed is not None
    assert failed.exit_code is Exit.UNUSABLE
    plant.source(GOOD)
    again = run_due(app())
    assert again is not None
    assert again.exit_code is Exit.OK
    assert met(app())


def test_a_run_with_rejects_meets_it(plant: Project) -> None:
    plant.source(GOOD, "L9;20.11.2026;1")
    partial = run_due(app())
    assert partial is not None
    assert partial.exit_code is Exit.PARTIAL
    assert met(app())


def test_a_run_that_the_guard_held_meets_it_for_a_person_decides(plant: Project) -> None:
    plant.config(SCHEDULED.replace("    destination: board\n", "    destination: board\n    guard: {min_rows: 5}\n"))
    held = run_due(app())
    assert held is not None
    assert held.exit_code is Exit.HELD
    assert met(app())


def test_a_run_in_doubt_leaves_it_open(plant: Project) -> None:
    plant.board.faults = [Fault(kind="drop-before", method="PUT", times=None)]
    doubtful = run_due(app())
    assert doubtful is not None
    assert doubtful.report.in_doubt == 1
    assert not met(app())


def test_one_that_has_to_wait_for_another_job_leaves_it_open(plant: Project) -> None:
    plant.config(SCHEDULED.replace("    destination: board\n", "    destination: board\n    after: [first]\n") + FIRST)
    waiting = run_due(app())
    assert waiting is not None
    assert (waiting.status, waiting.exit_code) == (RunStatus.SKIPPED, Exit.HELD)
    assert not met(app())


FIRST = """\
  first:
    source: {type: csv, path: first.csv}
    map: {date: {column: d}, team: line-2, values: [{kpi: scrap, value: actual, column: n}]}
    destination: board
"""


def test_a_job_that_another_process_runs_leaves_it_open(plant: Project) -> None:
    now = app()
    with job_lock(now.settings.state, "scrap-daily"):
        taken = run_due(now)
    assert taken is not None
    assert (taken.exit_code, taken.status) == (Exit.LOCKED, RunStatus.SKIPPED)
    assert not met(now)


def test_a_deadline_ends_a_run_and_is_no_signal(plant: Project) -> None:
    asked = iter([None, None])
    ended = run_due(app(stopped=lambda: next(asked, Exit.UNUSABLE)))
    assert ended is not None
    assert (ended.exit_code, ended.report.error) == (Exit.UNUSABLE, "ended by its deadline")
    assert not met(app())


def test_a_signal_before_it_begins_is_told(plant: Project) -> None:
    with pytest.raises(Interrupted):
        run_due(app(stopped=lambda: Exit.SIGTERM))
    assert not met(app())


def test_what_a_wrong_clock_met_in_the_future_does_not_count(plant: Project) -> None:
    now = app()
    ahead = due(now) + timedelta(days=365)
    with closing(open_store(now.settings.state, now.clock)) as store:
        meet(store, [("scrap-daily", ahead)], ahead)
        assert last_met(store, now.clock.now()) == {}
        assert last_met(store, ahead) == {"scrap-daily": ahead}
    assert run_due(now) is not None
