"""Runs beside one another: none waits for one that hangs, none lasts for ever, and an end is an end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Condition, Event

import pytest
from structlog.testing import capture_logs

from kpisync.daemon.aside import in_thread
from kpisync.daemon.planner import Due
from kpisync.daemon.runner import Runner, Stopped, Task, failed
from kpisync.errors import ConfigError, Exit, StateError
from kpisync.jobs import JobResult
from kpisync.testing.clock import NOON, FakeClock
from kpisync.watch.model import Topic
from tests.unit.daemon_plant import Plant, berlin

HOUR = 3600.0


class Shop:
    """Work that lasts until its job is let go; `heard` are the tasks that ended, with their last exit code."""

    def __init__(self, workers: int = 2) -> None:
        self.clock = FakeClock(NOON)
        self.news = Condition()
        self.begun: list[str] = []
        self.heard: list[tuple[str, int | None]] = []
        self.ways: dict[str, Event] = {}
        self.heeds = True  # a request to end
        self.runner = Runner(
            self.clock, self.work, self.ended, lambda job: timedelta(hours=1), lambda: None, in_thread, workers
        )

    def work(self, task: Task, stopped: Stopped) -> Iterable[JobResult]:
        with self.news:
            self.begun.append(task.job)
            self.news.notify_all()
        way = self.ways.setdefault(task.job, Event())
        while not way.wait(0.01):
            code = stopped()
            if code is not None and self.heeds:
                yield failed(task.job, "ended", code)
                return
        yield failed(task.job, "done", Exit.OK)

    def ended(self, task: Task, results: list[JobResult], seconds: float) -> None:
        with self.news:
            self.heard.append((task.job, int(results[-1].exit_code) if results else None))
            self.news.notify_all()

    def submit(self, *jobs: str, group: str | None = None) -> None:
        for job in jobs:
            self.runner.submit(Task(job, Due(job, NOON), group=group))

    def let_go(self, *jobs: str) -> None:
        for job in jobs:
            self.ways.setdefault(job, Event()).set()

    def wait(self, begun: int = 0, ended: int = 0) -> None:
        with self.news:
            assert self.news.wait_for(lambda: len(self.begun) >= begun and len(self.heard) >= ended, 60)


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.let_go(*shop.begun)
    shop.runner.stop(60)


def test_so_many_run_at_once_and_the_others_follow_in_order(shop: Shop) -> None:
    shop.submit("a", "b", "c", "d")
    shop.wait(begun=2)
    assert shop.runner.queued == ("c", "d")
    shop.let_go("b")
    shop.wait(begun=3)
    assert set(shop.runner.running) == {"a", "c"}


def test_a_job_is_queued_once(shop: Shop) -> None:
    shop.submit("a", "b", "c")
    assert not shop.runner.submit(Task("c", Due("c", NOON)))
    assert shop.runner.queued == ("c",)


def test_a_job_that_runs_is_not_begun_a_second_time_before_it_ended(shop: Shop) -> None:
    shop.submit("a")
    shop.wait(begun=1)
    shop.submit("a")
    assert (tuple(shop.runner.running), shop.runner.queued) == (("a",), ("a",))
    shop.let_go("a")
    shop.wait(begun=2, ended=2)


def test_what_a_person_asks_for_comes_before_what_is_due(shop: Shop) -> None:
    shop.submit("a", "b", "due")
    shop.runner.submit(Task("wanted"))
    shop.runner.submit(Task("wanted too"))
    assert shop.runner.queued == ("wanted", "wanted too", "due")


def test_of_a_group_one_runs_at_a_time_and_leaves_room_for_others(shop: Shop) -> None:
    shop.submit("a", "b", group="board kpi-1")
    shop.submit("c")
    shop.wait(begun=2)
    assert set(shop.runner.running) == {"a", "c"}
    shop.let_go("a")
    shop.wait(begun=3)
    assert shop.begun[-1] == "b"


def test_a_run_is_asked_to_end_at_its_deadline_and_that_is_no_signal(shop: Shop) -> None:
    shop.submit("a")
    shop.wait(begun=1)
    shop.clock.sleep(HOUR)
    shop.wait(ended=1)
    assert shop.heard == [("a", 4)]


def test_runs_that_do_not_end_take_nobody_s_place(shop: Shop) -> None:
    shop.heeds = False
    shop.submit("a", "b", "c")
    shop.wait(begun=2)
    shop.clock.sleep(HOUR + 59)
    shop.runner.look()
    assert shop.runner.stuck == {}
    shop.clock.sleep(1)
    shop.runner.look()
    shop.wait(begun=3)
    assert shop.runner.stuck == {"a": NOON + timedelta(hours=1), "b": NOON + timedelta(hours=1)}
    assert {trouble.job for trouble in shop.runner.troubles} == {"a", "b"}
    assert not any(trouble.stops for trouble in shop.runner.troubles)


def test_a_stuck_run_that_ends_after_all_is_none_any_more(shop: Shop) -> None:
    shop.heeds = False
    shop.submit("a")
    shop.wait(begun=1)
    shop.clock.sleep(HOUR + 60)
    shop.runner.look()
    assert list(shop.runner.stuck) == ["a"]
    shop.let_go("a")
    shop.wait(ended=1)
    shop.runner.stop(60)
    assert shop.runner.troubles == ()


def test_too_many_stuck_runs_stop_the_daemon(shop: Shop) -> None:
    shop.heeds = False
    for n in range(9):
        shop.submit(f"job-{n}")
        shop.wait(begun=n + 1)
        shop.clock.sleep(HOUR + 60)
        shop.runner.look()
    assert [trouble.topic for trouble in shop.runner.troubles if trouble.stops] == [Topic.RUNNER]


def test_at_the_end_runs_are_asked_and_waited_for(shop: Shop) -> None:
    shop.submit("a", "b", "c")
    shop.wait(begun=2)
    assert shop.runner.stop(60) == ()
    assert sorted(shop.heard) == [("a", 143), ("b", 143)]
    assert "c" not in shop.begun
    assert not shop.runner.submit(Task("d"))


def test_who_does_not_end_is_named(shop: Shop) -> None:
    shop.heeds = False
    shop.submit("a")
    shop.wait(begun=1)
    assert shop.runner.stop(0) == ("a",)


def test_a_bug_in_a_run_is_its_result() -> None:
    with capture_logs() as events:
        shop = Shop()

        def breaks(task: Task, stopped: Stopped) -> Iterable[JobResult]:
            raise ZeroDivisionError("s3cret/canary")

        shop.runner.carry_out = breaks
        shop.submit("a")
        shop.wait(ended=1)
        assert shop.heard == [("a", 70)]
        said = str(events)
        assert "a bug in kpisync: ZeroDivisionError in test_daemon_runner.py" in said
        assert "canary" not in said

    # ---------------------------------------------------------------- with real runs


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(tmp_path)
    yield plant
    plant.close()


def test_a_source_that_hangs_delays_no_other_job(plant: Plant) -> None:
    way = Event()
    for n in range(7):
        plant.job(f"hangs-{n}", "0 6 * * *")
        plant.on_read[f"hangs-{n}"] = partial(way.wait, 60)
    for n in range(12):
        plant.job(f"works-{n}", "0 6 * * *")
    plant.service().tick()
    plant.go_to(berlin(21, 6))
    service = plant.service(in_thread)
    service.tick()
    plant.wait(lambda: len(plant.ended) == 12)
    assert {job.split("-")[0] for job, _ in plant.ended} == {"works"}
    way.set()
    plant.wait(lambda: len(plant.ended) == 19)
    assert service.stop(60) == ()


def test_a_run_past_its_deadline_is_entered_as_failed_and_tried_again(plant: Plant) -> None:
    plant.job("scrap", "0 6 * * *", "deadline: 10m")
    plant.on_read["scrap"] = lambda: plant.clock.sleep(3600) if len(plant.reads) == 1 else None
    service = plant.service()
    plant.pass_time(service, berlin(21, 9))
    first, second = plant.runs("scrap")
    assert (first.exit_code, first.report["error"]) == (4, "ended by its deadline")
    assert second.exit_code == 0


# ---------------------------------------------------------------- by hand


def test_a_person_may_run_a_job_that_has_no_schedule(plant: Plant) -> None:
    plant.job("scrap")
    service = plant.service()
    service.tick()
    service.run_now("scrap")
    assert plant.ended == [("scrap", 0)]


def test_a_run_by_hand_meets_the_due_time(plant: Plant) -> None:
    plant.job("scrap", "0 6 * * *")
    service = plant.service()
    plant.fails("scrap")
    plant.pass_time(service, berlin(21, 6))
    plant.works("scrap")
    service.run_now("scrap")
    plant.pass_time(service, berlin(21, 12))
    assert plant.ended == [("scrap", 4), ("scrap", 0)]


def test_what_nobody_could_mean_is_said(plant: Plant) -> None:
    plant.job("scrap", more="lookbak: 2d")
    service = plant.service()
    service.tick()
    with pytest.raises(ConfigError, match="there is no job strap"):
        service.run_now("strap")
    with pytest.raises(ConfigError, match=r"job scrap is broken: .*lookbak"):
        service.run_now("scrap")


def test_without_a_store_nothing_is_begun_by_hand_either(plant: Plant) -> None:
    plant.job("scrap")
    plant.store_file.parent.write_text("no folder")
    service = plant.service()
    service.tick()
    with pytest.raises(StateError):
        service.run_now("scrap")
    assert plant.ended == []


def test_a_retry_runs_what_has_open_rejects_over_the_same_dates(plant: Plant) -> None:
    plant.job("scrap")
    service = plant.service()
    service.tick()
    service.retry("scrap")
    assert plant.ended == []  # nothing is rejected
    plant.job("scrap", more="")
    plant.file.write_text(plant.file.read_text().replace("team: line-1", "team: {column: number}"))
    service.reload()
    service.tick()
    service.run_now("scrap")
    assert plant.ended == [("scrap", 1)]
    plant.write()
    service.reload()
    service.tick()
    service.retry("scrap")
    assert plant.ended == [("scrap", 1), ("scrap", 0)]
