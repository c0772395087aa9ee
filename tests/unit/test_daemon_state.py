"""A state store that cannot be used stops the daemon, loudly; it goes on as soon as it can."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from kpisync.daemon.aside import Aside, Work
from kpisync.daemon.service import Hooks, Service
from kpisync.daemon.storage import Storage
from kpisync.errors import StateError
from kpisync.testing.clock import FakeClock
from kpisync.watch.model import Topic, Trouble
from tests.unit.daemon_plant import Plant, berlin

DAILY = "15 6 * * *"


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(tmp_path)
    plant.job("scrap", DAILY)
    yield plant
    plant.close()


def look(plant: Plant, service: Service, seconds: float = 15) -> None:
    """Long enough for the store to be tried."""
    plant.clock.sleep(seconds)
    service.tick()


def trouble(service: Service) -> Trouble | None:
    return next((each for each in service.live().troubles if each.topic is Topic.STATE), None)


def test_a_store_that_is_gone_is_seen_without_a_run_and_waited_for(plant: Plant) -> None:
    service = plant.service()
    service.tick()
    away = plant.folder / "away.db"
    plant.store_file.rename(away)
    look(plant, service)
    found = trouble(service)
    assert found is not None
    assert found.stops
    assert f"{plant.store_file}: the state store is gone. Mount its volume again" in found.said
    plant.pass_time(service, berlin(21, 7))
    assert plant.reads == []
    assert not plant.store_file.exists()  # none is begun anew in its place
    away.rename(plant.store_file)
    look(plant, service, 3)
    assert trouble(service) is None
    service.tick()
    assert plant.ended == [("scrap", 0)]


def test_a_trouble_of_the_store_lasts_since_it_began(plant: Plant) -> None:
    service = plant.service()
    service.tick()
    plant.store_file.unlink()
    look(plant, service)
    first = trouble(service)
    look(plant, service)
    assert first is not None
    assert trouble(service) == first


def test_a_store_that_cannot_be_made_at_the_start_is_tried_until_it_can(plant: Plant) -> None:
    folder = plant.store_file.parent
    folder.write_text("not a folder")
    service = plant.service()
    service.tick()
    assert trouble(service) is not None
    folder.unlink()
    look(plant, service, 3)
    assert trouble(service) is None
    plant.pass_time(service, berlin(21, 7))
    assert plant.ended == [("scrap", 0)]


def test_what_came_due_while_the_store_was_away_from_the_start_is_run_then(plant: Plant) -> None:
    folder = plant.store_file.parent
    folder.write_text("not a folder")
    service = plant.service()
    plant.pass_time(service, berlin(21, 7))
    folder.unlink()
    look(plant, service, 3)
    service.tick()
    assert plant.ended == [("scrap", 0)]


def test_a_store_that_was_replaced_is_opened_anew_without_a_trouble(plant: Plant) -> None:
    with capture_logs() as events:
        service = plant.service()
        service.tick()
        copy = plant.folder / "copy.db"
        shutil.copy(plant.store_file, copy)
        copy.replace(plant.store_file)
        look(plant, service)
        assert trouble(service) is None
        assert "the state store is opened anew" in str(events)
        plant.pass_time(service, berlin(21, 7))
        assert plant.ended == [("scrap", 0)]


@contextmanager
def no_space() -> Iterator[None]:
    """No file of this process may grow."""
    resource = pytest.importorskip("resource", reason="needs the limits of Unix")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_store_that_takes_no_writes_is_told_once_and_not_at_every_try(plant: Plant) -> None:
    with capture_logs() as events:
        service = plant.service()
        service.tick()
        with no_space():
            for _ in range(5):
                look(plant, service)
            assert trouble(service) is not None
        told = [event["event"] for event in events]
        assert told.count("the state store cannot be used") == 1
        assert "the state store is opened anew" not in told
        look(plant, service)
        assert trouble(service) is None
        assert events[-1]["event"] == "the state store can be used again"


def test_another_store_in_its_place_is_told(plant: Plant) -> None:
    with capture_logs() as events:
        other = Plant(plant.folder / "other")
        other.folder.mkdir()
        other.job("scrap", DAILY)
        other.service().tick()
        other.close()
        service = plant.service()
        service.tick()
        other.store_file.replace(plant.store_file)
        look(plant, service)
        assert "the state store is another one than before" in str(events)


def test_a_damaged_store_is_told(plant: Plant) -> None:
    service = plant.service()
    service.tick()
    damaged = plant.folder / "damaged.db"
    damaged.write_bytes(b"no database" * 1000)
    damaged.replace(plant.store_file)
    look(plant, service)
    found = trouble(service)
    assert found is not None
    assert "is damaged, or is not a state store" in found.said


def test_a_store_that_does_not_answer_is_a_trouble_before_it_fails() -> None:
    waiting: list[Work] = []
    clock = FakeClock()
    aside = Aside("state", clock, lambda name, work: waiting.append(work))
    storage = Storage("postgresql://user@localhost/db", clock, aside)
    aside.begin(lambda: None)
    clock.sleep(44)
    assert storage.trouble is None
    clock.sleep(1)
    found = storage.trouble
    assert found is not None
    assert (found.topic, found.stops) == (Topic.STATE, True)
    with pytest.raises(StateError, match="does not answer"):
        storage.require()
    waiting[0]()
    assert storage.trouble is None


# ---------------------------------------------------------------- chores


def test_nightly_work_is_done_once_a_day_at_night(plant: Plant) -> None:
    nights: list[str] = []
    service = plant.service(hooks=Hooks(daily=lambda: nights.append(f"{plant.clock.now():%d %H:%M}")))
    for day, hour in [(20, 13), (20, 14), (21, 2), (21, 3), (21, 4), (22, 5)]:
        plant.go_to(berlin(day, hour))
        service.tick()
    assert nights == ["20 12:00", "21 02:00", "22 04:00"]  # in UTC; the first one as soon as it runs


def test_nightly_work_that_fails_is_a_trouble_and_is_tried_again(plant: Plant) -> None:
    tried: list[int] = []

    def fails_once() -> None:
        tried.append(1)
        if len(tried) == 1:
            raise StateError("the disk is full")

    service = plant.service(hooks=Hooks(daily=fails_once))
    service.tick()
    (found,) = service.live().troubles
    assert (found.topic, found.said, found.stops) == (Topic.SCHEDULER, "daily work: the disk is full", False)
    look(plant, service, 15 * 60)
    assert len(tried) == 2
    assert service.live().troubles == ()


def test_others_look_around_each_minute_and_after_each_run(plant: Plant) -> None:
    looks: list[int] = []
    service = plant.service(hooks=Hooks(look_around=lambda: looks.append(1)))
    for _ in range(61):
        service.tick()
        plant.clock.sleep(1)
    service.tick()
    assert len(looks) == 2
    service.run_now("scrap")
    service.tick()
    assert len(looks) == 3


def test_a_listener_that_breaks_breaks_nothing_else(plant: Plant) -> None:
    def breaks(*heard: object) -> None:
        raise ZeroDivisionError

    service = plant.service(hooks=Hooks(ended=breaks, look_around=breaks))
    plant.pass_time(service, berlin(22, 7))
    assert plant.read("scrap") == 2
    (found,) = service.live().troubles
    assert found.said.startswith("look around: a bug in kpisync: ZeroDivisionError in test_daemon_state.py")
