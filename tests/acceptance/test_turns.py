"""Jobs that may write the same records take turns, whatever processes they run in."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kpisync.app import App
from kpisync.config.load import load
from kpisync.config.loaded import Loaded
from kpisync.errors import Exit, Interrupted, LockedError
from kpisync.jobs import Request
from kpisync.mapping.options import LookbackSpan
from kpisync.state.lock import job_lock, turn
from kpisync.testing.clock import NOON, FakeClock
from tests.acceptance.conftest import CONFIG, SCRAP
from tests.acceptance.test_signals import DAYS, JOB, RANGE, started

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

TARGETS = JOB.replace("scrap-daily", "targets").replace("value: actual", "value: target")
RUN = Request(("scrap-daily",))


def loaded() -> Loaded:
    return load(Path("kpisync.yaml"), dict(os.environ))


def held(stack: ExitStack) -> None:
    """Another run of these records is going on, until the stack is closed."""
    found = loaded()
    assert found.settings is not None
    stack.enter_context(turn(found.settings.state, found.groups["scrap-daily"], "targets", lambda taken: None))


# ---------------------------------------------------------------- runs


def test_two_processes_with_different_jobs_for_the_same_records_lose_nothing(project: Project) -> None:
    project.config(CONFIG.replace("settle: 1s", "settle: 1s\n    on_conflict: overwrite") + TARGETS)
    project.source(*DAYS)
    with started(project, "run", "scrap-daily") as process:
        outcome = project.call("run", "targets", "--json")
        assert process.wait(timeout=30) == 0
    records = {day: values for (day, _), values in project.records().items()}
    assert len(records) == len(DAYS)
    stated = {day: str(int(day[-2:])) for day in records}
    assert records == {day: {"actual": number, "target": number} for day, number in stated.items()}
    assert outcome.code == 0
    assert outcome.err.count("waiting until it ends (job targets): another process") == 1
    assert f"pid {process.pid} " in outcome.err
    assert "runs job scrap-daily" in outcome.err


def test_a_signal_ends_the_wait(project: Project) -> None:
    project.source("L1;15.01.2026;1")
    asked: list[LockedError] = []
    with ExitStack() as other:
        held(other)
        app = App(
            loaded(),
            FakeClock(NOON),
            stopped=lambda: Exit.SIGTERM if asked else None,
            queued=lambda job, taken: asked.append(taken),
        )
        with pytest.raises(Interrupted):
            list(app.run(RUN))
    assert project.board.requests == {}
    assert project.call("run").code == 0


def test_a_wait_without_end_is_given_up_with_exit_code_5(project: Project) -> None:
    project.source("L1;15.01.2026;1")
    told: list[str] = []
    clock = FakeClock(NOON)
    with ExitStack() as other:
        held(other)
        (result,) = App(loaded(), clock, queued=lambda job, taken: told.append(job)).run(RUN)
    assert (result.exit_code, result.status, told) == (Exit.LOCKED, "skipped", ["scrap-daily"])
    assert "runs job targets, and did not end within 30 minutes" in (result.report.error or "")
    assert 30 * 60 <= clock.monotonic() < 31 * 60
    assert project.board.requests == {}
    assert project.call("history", "--json").json["runs"] == []


def test_the_same_job_is_refused_at_once(project: Project) -> None:
    project.source("L1;15.01.2026;1")
    clock = FakeClock(NOON)
    app = App(loaded(), clock)
    with job_lock(app.settings.state, "scrap-daily"):
        (result,) = app.run(RUN)
    assert (result.exit_code, clock.monotonic()) == (Exit.LOCKED, 0)


# ---------------------------------------------------------------- backfill


def test_a_backfill_waits_for_a_run_of_the_same_records(project: Project) -> None:
    project.source("L1;15.01.2026;1")
    with ExitStack() as other:
        held(other)
        app = App(loaded(), queued=lambda job, taken: other.close())
        chunks = app.backfill(Request(("scrap-daily",), date(2026, 1, 1), date(2026, 1, 31)), LookbackSpan(1, "m"))
        assert [result.exit_code for result in chunks] == [Exit.OK]
    assert len(project.records()) == 1


def test_between_two_chunks_another_run_of_the_job_goes_through(project: Project) -> None:
    project.source("L1;15.01.2026;1", "L1;15.02.2026;2")
    app = App(loaded())
    chunks = app.backfill(Request(("scrap-daily",), date(2026, 1, 1), date(2026, 2, 28)), LookbackSpan(1, "m"))
    next(chunks)
    assert project.run()["created"] == 1
    (last,) = chunks
    assert (last.exit_code, last.report.unchanged) == (Exit.OK, 1)


def test_a_run_that_comes_while_a_chunk_is_sent_gets_its_turn_after_it(project: Project) -> None:
    project.source(*DAYS)
    with started(project, "backfill", "scrap-daily", *RANGE) as process:
        run = project.run()
        assert process.wait(timeout=30) == 0
    assert (run["exit"], len(project.records())) == (0, len(DAYS))
    ended = sorted(project.call("history", "--json").json["runs"], key=lambda entry: str(entry["run"]))
    kinds = [entry["kind"] for entry in ended]
    assert sorted(kinds) == ["backfill", "backfill", "backfill", "run"]
    assert kinds[-1] == "backfill", "it came last, although it did not begin last"
    assert sum(entry["created"] for entry in ended) == len(DAYS)


# ---------------------------------------------------------------- who meets whom

OTHER = "2f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10"
TWO_KPIS = CONFIG.replace(
    "lookups:", f"      energy: {{id: {OTHER}, interval: day, values: {{actual: {OTHER}}}}}\nlookups:"
)
ENERGY = JOB.replace("scrap-daily", "energy-daily").replace("kpi: scrap", "kpi: energy")
LONG = JOB.replace("scrap-daily", "long").replace("kpi: scrap", "kpi: {column: KPI}")


def groups(project: Project, *jobs: str, text: str = TWO_KPIS) -> dict[str, str]:
    project.config(text + "".join(jobs))
    found = loaded()
    assert found.problems == ()
    return dict(found.groups)


def test_jobs_of_different_kpis_are_different_groups_told_by_platform_and_kpi(project: Project) -> None:
    url = os.environ["BOARD_URL"].lower()
    assert groups(project, ENERGY) == {"scrap-daily": f"{url} {SCRAP}", "energy-daily": f"{url} {OTHER}"}


def test_jobs_of_one_kpi_are_one_group_whatever_values_they_state(project: Project) -> None:
    assert len(set(groups(project, TARGETS, ENERGY).values())) == 2


def test_a_job_whose_rows_name_the_kpi_may_meet_every_job(project: Project) -> None:
    assert set(groups(project, ENERGY, LONG).values()) == {os.environ["BOARD_URL"].lower()}


def test_jobs_that_meet_by_a_third_are_one_group(project: Project) -> None:
    third = TARGETS.replace("targets", "third").rstrip().removesuffix("destination: board")
    third += "    - {kpi: energy, value: actual, column: Ausschuss}\n    destination: board\n"
    assert len(set(groups(project, ENERGY, third).values())) == 1


def test_two_names_of_one_platform_are_one_platform(project: Project) -> None:
    place, other = TWO_KPIS.index("  board:\n    type"), TWO_KPIS.index("catalog:")
    twice = TWO_KPIS[:other] + TWO_KPIS[place:other].replace("board:", "second:") + TWO_KPIS[other:]
    catalog = twice[twice.index("  board:\n    teams") : twice.index("lookups:")]
    twice = twice.replace("lookups:", catalog.replace("board:", "second:") + "lookups:")
    second = TARGETS.replace("destination: board", "destination: second")
    assert len(set(groups(project, second, text=twice).values())) == 1
