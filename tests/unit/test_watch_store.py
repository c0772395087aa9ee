"""The pages and their store: not there yet, replaced, damaged, old; and whether the daemon can do its work."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from watch_builders import Plant, a_job, at, days_ago, key, rejected, text

from kpisync.cli.rejects import rejects
from kpisync.errors import StateError
from kpisync.testing.clock import NOON
from kpisync.watch.model import Topic, Trouble, Word


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    found = Plant(tmp_path, text(a_job()))
    yield found
    found.close()


def damage(plant: Plant) -> None:
    plant.file.parent.mkdir(exist_ok=True)
    plant.file.write_bytes(b"this is no database, however long it is looked at" * 100)


# ---------------------------------------------------------------- reading


def test_a_store_that_is_not_there_is_an_empty_one_until_it_is(plant: Plant) -> None:
    assert plant.watch.runs() == []
    assert plant.health().word is Word.NEVER
    assert not plant.file.exists()
    run = plant.ran()
    assert [each["run"] for each in plant.watch.runs()] == [run]
    assert plant.health().word is Word.OK


def test_a_store_that_was_replaced_is_read_from_then_on(plant: Plant, tmp_path: Path) -> None:
    first = plant.ran()
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(plant.file)) as live, closing(sqlite3.connect(copy)) as kept:
        live.backup(kept)
    plant.ran("another", key(days_ago(1)))
    assert len(plant.watch.runs()) == 2
    copy.replace(plant.file)
    assert [each["run"] for each in plant.watch.runs()] == [first]
    plant.clock.sleep(2)
    assert [each.job for each in plant.watch.overview().jobs] == ["scrap-daily"]


def test_a_damaged_store_is_said_and_read_again_when_it_was_brought_back(plant: Plant, tmp_path: Path) -> None:
    run = plant.ran()
    shutil.copy(plant.file, tmp_path / "copy.db")
    plant.file.unlink()
    damage(plant)
    for look in (plant.watch.overview, plant.watch.runs, plant.watch.destinations, plant.watch.board):
        with pytest.raises(StateError, match="damaged, or is not a state store"):
            look()
    (tmp_path / "copy.db").replace(plant.file)
    plant.clock.sleep(2)
    assert [each["run"] for each in plant.watch.runs()] == [run]
    assert plant.health().word is Word.OK


def test_a_store_that_was_damaged_where_it_lies_is_read_again_when_it_was_mended(plant: Plant) -> None:
    run = plant.ran()
    assert len(plant.watch.runs()) == 1
    whole = plant.file.read_bytes()
    plant.file.write_bytes(b"no database" * 10_000)
    with pytest.raises(StateError, match="damaged"):
        plant.watch.runs()
    plant.file.write_bytes(whole)
    assert [each["run"] for each in plant.watch.runs()] == [run]


def test_why_there_is_no_overview_is_looked_for_every_two_seconds(plant: Plant) -> None:
    damage(plant)
    for _ in range(2):
        with pytest.raises(StateError):
            plant.watch.overview()
    plant.file.unlink()
    with pytest.raises(StateError):
        plant.watch.overview()
    plant.clock.sleep(2)
    assert plant.watch.overview().jobs[0].word is Word.NEVER


def test_threads_may_read_while_a_store_is_replaced(plant: Plant, tmp_path: Path) -> None:
    plant.ran()
    shutil.copy(plant.file, tmp_path / "copy.db")

    def look(turn: int) -> int:
        if turn % 10 == 0:
            shutil.copy(tmp_path / "copy.db", tmp_path / f"{turn}.db")
            (tmp_path / f"{turn}.db").replace(plant.file)
        return len(plant.watch.runs())

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(look, range(100))) == {1}


def test_threads_may_read_while_a_store_comes_to_be(plant: Plant, tmp_path: Path) -> None:
    plant.ran()
    plant.close()
    plant.file.rename(tmp_path / "kept.db")

    def look(turn: int) -> int:
        if turn == 50:
            (tmp_path / "kept.db").replace(plant.file)
        return len(plant.watch.runs())

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(look, range(100))) <= {0, 1}
    assert len(plant.watch.runs()) == 1


# ---------------------------------------------------------------- readiness


def test_a_daemon_that_looks_and_has_its_store_is_ready(plant: Plant) -> None:
    plant.ran()
    plant.live_now = replace(plant.live_now, started=NOON, beat=0.4)
    found = plant.watch.readiness()
    assert (found.ready, found.troubles) == (True, ())


def test_without_its_store_it_is_not_ready_and_since_when(plant: Plant) -> None:
    damage(plant)
    since = plant.clock.now()
    plant.watch.readiness()
    plant.clock.sleep(60)
    found = plant.watch.readiness()
    assert not found.ready
    (trouble,) = found.troubles
    assert (trouble.topic, trouble.stops, trouble.since) == (Topic.STATE, True, since)
    assert "kpisync state restore" in trouble.said
    plant.file.unlink()
    assert plant.watch.readiness().ready


def test_a_store_of_an_older_schema_says_what_to_do(plant: Plant) -> None:
    plant.ran()
    with closing(sqlite3.connect(plant.file)) as store, store:
        store.execute("UPDATE alembic_version SET version_num = '0001'")
    found = plant.watch.readiness()
    assert not found.ready
    assert "kpisync state upgrade" in found.troubles[0].said


def test_the_trouble_that_the_daemon_knows_is_not_said_twice(plant: Plant) -> None:
    damage(plant)
    known = Trouble(Topic.STATE, "the disk is full", NOON, stops=True)
    plant.live_now = replace(plant.live_now, troubles=(known,))
    assert plant.watch.readiness().troubles == (known,)


def test_a_trouble_that_stops_nothing_leaves_it_ready(plant: Plant) -> None:
    plant.live_now = replace(plant.live_now, troubles=(Trouble(Topic.ALERTS, "no mail goes out", NOON),))
    found = plant.watch.readiness()
    assert found.ready
    assert len(found.troubles) == 1


@pytest.mark.parametrize(
    ("beat", "ready", "alive"),
    [(0.0, True, True), (9.9, True, True), (10.0, False, True), (59.9, False, True), (60.0, False, False)],
)
def test_a_scheduler_that_does_not_look_is_first_not_ready_and_then_not_alive(
    plant: Plant, beat: float, ready: bool, alive: bool
) -> None:
    plant.live_now = replace(plant.live_now, started=NOON, beat=beat)
    assert (plant.watch.readiness().ready, plant.watch.alive()) == (ready, alive)


def test_a_scheduler_that_is_about_to_begin_is_alive_and_not_ready(plant: Plant) -> None:
    plant.live_now = replace(plant.live_now, started=NOON)
    assert (plant.watch.readiness().ready, plant.watch.alive()) == (False, True)


def test_without_a_daemon_the_store_alone_decides(plant: Plant) -> None:
    assert (plant.watch.readiness().ready, plant.watch.alive()) == (True, True)


# ---------------------------------------------------------------- metrics, and a configuration that is none


def test_metrics_are_there_without_a_store(plant: Plant) -> None:
    plant.ran("scrap-daily", key(days_ago(1)), at=at(6, 15))
    assert b"kpisync_missing{" in plant.watch.metrics()
    plant.file.unlink()
    damage(plant)
    plant.clock.sleep(2)
    found = plant.watch.metrics()
    assert b"kpisync_missing{" not in found
    assert b"kpisync_build_info" in found


def test_a_configuration_that_cannot_be_used_is_said(plant: Plant) -> None:
    plant.reload("version: 7\n")
    assert plant.watch.timezone().key == "UTC"
    with pytest.raises(StateError, match="the configuration cannot be used"):
        plant.watch.overview()
    found = plant.watch.readiness()
    assert not found.ready
    assert "the configuration cannot be used" in found.troubles[0].said
    assert plant.watch.metrics()


# ---------------------------------------------------------------- the command


def test_rejects_of_a_job_that_was_removed_say_so(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    plant.rejects(rejected(None), job="gone")
    plant.rejects(rejected(None))
    plant.close()
    rejects(None, plant.folder)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "gone (not in the configuration any more)"
    assert "scrap-daily" in lines


def test_a_store_that_the_daemon_had_and_that_is_gone_is_not_taken_for_an_empty_one(plant: Plant) -> None:
    plant.ran()
    plant.file.unlink()
    gone = Trouble(Topic.STATE, "the state store is gone", NOON, stops=True)
    plant.live_now = replace(plant.live_now, troubles=(gone,))
    with pytest.raises(StateError, match="is gone"):
        plant.watch.overview()
