"""Killed at each call to the kernel that matters: the next run ends where an undisturbed one does."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from measure import amount
from shop_floor import ARGUMENTS, Build, Floor, Place, floor, killed, numbers, places, undisturbed
from traced import Point, call_until, needs_strace, points

pytestmark = [needs_strace, pytest.mark.slow]
RECORDS = 5
STEP = amount(8, 1)
NOTED = places(RECORDS)[1]


@dataclass
class Scene:
    """A floor that can be put back to how it was."""

    place: Floor
    before: dict[Place, Decimal]

    def keep(self) -> None:
        """From now on this is how it was."""
        shutil.copytree(self.place.folder / "state", self.place.folder / "kept", dirs_exist_ok=True)
        self.before = {at: values for at in places(RECORDS) if (values := self.place.holds(at)) is not None}

    def put_back(self) -> None:
        shutil.rmtree(self.place.folder / "state", ignore_errors=True)
        shutil.copytree(self.place.folder / "kept", self.place.folder / "state")
        self.place.board.reset()
        for at, number in self.before.items():
            self.place.board.put_by_hand(*at, "scrap", None, {"actual": number})
        self.place.key_in(NOTED, note=Decimal(7), target=Decimal("2.5"))


@pytest.fixture
def scene(tmp_path: Path, sound: Build) -> Iterator[Scene]:
    """The first version of the source stands on the board."""
    with floor(tmp_path, settle="0.05s", concurrency=1) as place:
        place.key_in(NOTED, note=Decimal(7), target=Decimal("2.5"))
        place.state(numbers(random.Random(1), RECORDS))
        undisturbed(place, sound)
        scene = Scene(place, {})
        scene.keep()
        yield scene


def attempt(scene: Scene, build: Build, point: Point) -> bool:
    """The second version of the source, killed at a point; then a third one, undisturbed. False: it was not reached."""
    scene.put_back()
    scene.place.state(numbers(random.Random(2), RECORDS))
    ended, hit = call_until(point, build, scene.place.folder, *ARGUMENTS, "actuals")
    if not hit:
        assert ended.code == 0, (point, ended)
        return False
    scene.place.state({**scene.place.stated, **numbers(random.Random(3), 3)})
    undisturbed(scene.place, build)
    return True


def test_a_run_killed_at_any_point_is_made_good_by_the_next(scene: Scene, sound: Build) -> None:
    reached = list(points(lambda point: attempt(scene, sound, point), STEP))
    assert {"fdatasync", "pwrite64", "sendto"} <= {point.call for point in reached}


def test_a_build_that_sends_before_it_records_is_found(scene: Scene) -> None:
    with Build("sends-first") as build, pytest.raises(AssertionError):
        list(points(lambda point: attempt(scene, build, point), 2, "fdatasync"))


def test_a_recovery_killed_at_any_point_is_made_good_by_the_next(scene: Scene, sound: Build) -> None:
    scene.place.state(numbers(random.Random(2), RECORDS))
    assert killed(call_until(Point("sendto", 7), sound, scene.place.folder, *ARGUMENTS, "actuals")[0])
    scene.keep()
    reached = list(points(lambda point: attempt(scene, sound, point), STEP))
    assert {"fdatasync", "pwrite64", "sendto"} <= {point.call for point in reached}


# ---------------------------------------------------------------- the store itself


def content(folder: Path) -> list[str]:
    """All that a store holds, but for when it was made."""
    with sqlite3.connect(folder / "state" / "kpisync.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        lines = [line for line in connection.iterdump() if not line.startswith('INSERT INTO "meta"')]
    connection.close()
    return lines


def upgraded(folder: Path, build: Build, point: Point | None) -> bool:
    """`state upgrade` until a point, then once more; False: the point was not reached."""
    arguments = ("--config", "kpisync.yaml", "state", "upgrade")
    reached = point is not None and call_until(point, build, folder, *arguments)[1] != ""
    ended = build.call(folder, *arguments)
    assert ended.code == 0, (point, ended)
    return reached


def test_a_store_whose_making_was_killed_at_any_point_is_made_by_the_next_command(tmp_path: Path, sound: Build) -> None:
    with floor(tmp_path):
        upgraded(tmp_path, sound, None)
        whole = content(tmp_path)

        def attempt(point: Point) -> bool:
            shutil.rmtree(tmp_path / "state")
            reached = upgraded(tmp_path, sound, point)
            assert content(tmp_path) == whole, point
            return reached

        assert list(points(attempt, 2 * STEP))


def test_a_migration_killed_at_any_point_is_made_by_the_next_command(scene: Scene) -> None:
    folder = scene.place.folder
    with Build("of-tomorrow") as build:
        upgraded(folder, build, None)
        whole = content(folder)
        assert any("shade" in line for line in whole)

        def attempt(point: Point) -> bool:
            scene.put_back()
            reached = upgraded(folder, build, point)
            assert content(folder) == whole, point
            return reached

        assert list(points(attempt, 2 * STEP))
