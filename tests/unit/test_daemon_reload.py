"""A configuration that changes under a running daemon: a mistake in it stops no job that ran before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from kpisync.config.schema import ServeOptions
from kpisync.daemon.aside import in_thread
from kpisync.daemon.changes import Changes, picture
from kpisync.daemon.service import Service
from kpisync.errors import ConfigError
from kpisync.watch.model import Topic
from tests.unit.daemon_plant import FRIDAY, Plant, berlin, here

DAILY = "15 6 * * *"


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(tmp_path)
    plant.job("scrap", DAILY)
    plant.job("oee", DAILY)
    yield plant
    plant.close()


@pytest.fixture
def service(plant: Plant) -> Service:
    service = plant.service()
    service.tick()
    return service


def notice(plant: Plant, service: Service) -> None:
    """Two looks at the files: they have changed, and are not changing any more."""
    for _ in range(2):
        plant.clock.sleep(2)
        service.tick()


def said(service: Service) -> dict[str | None, str]:
    return {trouble.job: trouble.said for trouble in service.live().troubles if trouble.topic is Topic.CONFIG}


def test_a_new_job_is_taken_up(plant: Plant, service: Service) -> None:
    plant.job("energy", DAILY)
    notice(plant, service)
    plant.pass_time(service, berlin(21, 7))
    assert plant.read("energy") == 1


def test_a_job_that_is_taken_out_runs_no_more(plant: Plant, service: Service) -> None:
    del plant.jobs["oee"]
    plant.write()
    notice(plant, service)
    plant.pass_time(service, berlin(21, 7))
    assert {job for job, _ in plant.reads} == {"scrap"}


def test_files_that_are_still_being_written_are_not_read(plant: Plant, service: Service) -> None:
    plant.job("energy", DAILY)
    plant.clock.sleep(2)
    service.tick()
    plant.job("waste", DAILY)
    plant.clock.sleep(2)
    service.tick()
    assert set(service.loaded().jobs) == {"scrap", "oee"}
    plant.clock.sleep(2)
    service.tick()
    assert set(service.loaded().jobs) == {"scrap", "oee", "energy", "waste"}


def test_a_broken_job_goes_on_with_its_last_good_version_and_says_so(plant: Plant, service: Service) -> None:
    plant.job("scrap", "0 7 * * *", "lookbak: 2d")
    plant.job("oee", "0 8 * * *")
    notice(plant, service)
    assert service.live().kept == {"scrap"}
    assert "its last good version goes on: " in said(service)["scrap"]
    assert "lookbak" in said(service)["scrap"]
    assert service.live().next_due == {"scrap": berlin(21, 6, 15), "oee": berlin(21, 8)}
    assert set(service.loaded().jobs) == {"scrap", "oee"}
    plant.pass_time(service, berlin(21, 9))
    assert plant.ended == [("scrap", 0), ("oee", 0)]


def test_a_job_that_is_mended_is_no_trouble_any_more(plant: Plant, service: Service) -> None:
    plant.job("scrap", DAILY, "lookbak: 2d")
    notice(plant, service)
    plant.job("scrap", DAILY, "lookback: 2d")
    notice(plant, service)
    assert service.live().kept == frozenset()
    assert said(service) == {}


def test_a_job_that_was_never_sound_does_not_run_and_says_so(plant: Plant) -> None:
    plant.job("scrap", DAILY, "lookbak: 2d")
    service = plant.service()
    plant.pass_time(service, berlin(21, 7))
    assert plant.ended == [("oee", 0)]
    assert "it does not run: " in said(service)["scrap"]
    assert service.live().kept == frozenset()


@pytest.mark.parametrize("text", ["jobs: [", "version: 7\n", None], ids=["no YAML", "another version", "no file"])
def test_a_file_that_cannot_be_used_as_a_whole_changes_nothing(
    plant: Plant, service: Service, text: str | None
) -> None:
    if text is None:
        plant.file.unlink()
    else:
        plant.file.write_text(text)
    notice(plant, service)
    assert "the last good one goes on: " in said(service)[None]
    plant.pass_time(service, berlin(21, 7))
    assert sorted(plant.ended) == [("oee", 0), ("scrap", 0)]
    plant.write()
    notice(plant, service)
    assert said(service) == {}


def test_without_a_usable_configuration_nothing_starts(plant: Plant) -> None:
    plant.file.write_text("version: 7\n")
    with pytest.raises(ConfigError, match="cannot be used"):
        plant.service()


def test_a_trouble_lasts_since_it_was_first_seen(plant: Plant, service: Service) -> None:
    plant.job("scrap", DAILY, "lookbak: 2d")
    notice(plant, service)
    (first,) = service.live().troubles
    plant.clock.sleep(3600)
    service.reload()
    service.tick()
    (later,) = service.live().troubles
    assert later == first


def test_of_another_schedule_only_later_due_times_count(plant: Plant, service: Service) -> None:
    plant.pass_time(service, berlin(21, 5))
    plant.job("scrap", "0 4 * * *")
    notice(plant, service)
    plant.pass_time(service, berlin(22, 3))
    assert plant.read("scrap") == 0
    restarted = plant.service()
    plant.pass_time(restarted, berlin(22, 3, 30))
    assert plant.read("scrap") == 0  # a restart knows that too
    plant.pass_time(restarted, berlin(22, 5))
    assert plant.read("scrap") == 1


def test_another_version_with_the_same_schedule_misses_nothing(plant: Plant, service: Service) -> None:
    plant.fails("scrap")
    plant.pass_time(service, berlin(21, 6, 16))
    plant.works("scrap")
    plant.job("scrap", DAILY, "lookback: 2d")
    notice(plant, service)
    service.tick()
    assert plant.ended[-1] == ("scrap", 0)  # at once: somebody may have put it right


def test_a_secret_that_changed_is_read_again(plant: Plant) -> None:
    secret = plant.folder / "secret"
    secret.write_text("2d")
    plant.job("scrap", DAILY, "lookback: ${file:secret}")
    service = plant.service()
    service.tick()
    secret.write_text("3d")
    notice(plant, service)
    assert service.loaded().jobs["scrap"].lookback == (3, "d")


def test_who_asks_for_it_has_it_read_at_once(plant: Plant, service: Service) -> None:
    plant.job("energy", DAILY)
    service.reload()
    service.tick()
    assert "energy" in service.loaded().jobs


def test_where_the_state_is_needs_a_restart(plant: Plant, service: Service) -> None:
    plant.head = "state: sqlite:///elsewhere.db\nserve: {port: 1234}\n" + plant.head
    plant.write()
    notice(plant, service)
    assert (
        said(service)[None] == "state and serve in the configuration changed, and the old ones go on. Restart kpisync"
    )
    settings = service.loaded().settings
    assert settings is not None
    assert settings.state.endswith("state/kpisync.db")
    assert settings.serve == ServeOptions()
    plant.pass_time(service, berlin(21, 7))
    assert len(plant.runs()) == 2


def test_a_run_ends_on_the_version_that_it_began_on(plant: Plant) -> None:
    plant.job("scrap", DAILY, "lookback: 2d")
    plant.service().tick()
    plant.go_to(berlin(21, 7))
    way = Event()
    plant.on_read["scrap"] = lambda: way.wait(60)
    service = plant.service(in_thread)
    service.tick()
    plant.wait(lambda: plant.read("scrap") == 1)
    del plant.jobs["scrap"]
    plant.write()
    service._reload.aside.spawn = here
    service.reload()
    service.tick()
    assert "scrap" not in service.loaded().jobs
    way.set()
    plant.wait(lambda: ("scrap", 0) in plant.ended)


def test_jobs_that_wait_for_each_other_by_different_versions_do_not_wait_for_ever(plant: Plant) -> None:
    plant.job("scrap", DAILY, "after: [oee]")
    plant.cron("oee")
    plant.cron("scrap")
    service = plant.service()
    service.tick()
    plant.job("scrap", DAILY, "lookbak: 2d")
    plant.job("oee", DAILY, "after: [scrap]")
    notice(plant, service)
    plant.pass_time(service, berlin(21, 7))
    assert sorted(plant.ended) == [("oee", 0), ("scrap", 0)]


# ---------------------------------------------------------------- files


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "a.yaml"
    path.write_text("a")
    yield path


def test_a_file_of_the_same_size_and_time_that_took_another_s_place_has_changed(file: Path) -> None:
    before = picture([file])
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    other = file.with_name("b.yaml")
    other.write_text("b")
    os.utime(other, ns=times)
    other.replace(file)
    assert picture([file]) != before


def test_a_folder_has_changed_when_a_file_came_or_went(tmp_path: Path, file: Path) -> None:
    before = picture([tmp_path])
    (tmp_path / ".a.yaml.swp").touch()
    assert picture([tmp_path]) == before  # an editor's own
    (tmp_path / "c.yaml").touch()
    assert picture([tmp_path]) != before


def test_a_file_that_was_written_while_it_was_read_is_read_again(file: Path) -> None:
    changes = Changes.since(file.stat().st_mtime_ns, [file])
    assert changes.are_there() is None
    assert changes.are_there() is not None
    assert Changes.since(file.stat().st_mtime_ns + 1, [file]).now() == picture([file])


def test_what_did_not_change_is_not_read_again(plant: Plant, service: Service) -> None:
    before = service.loaded()
    plant.pass_time(service, FRIDAY + timedelta(minutes=5))
    assert service.loaded() is before
