"""A disk that is full or fails at any write: exit 6 with one clear line, and the next run makes all good."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from measure import amount
from shop_floor import Build, Floor, floor, numbers, undisturbed
from traced import Point, call_until, needs_strace, points

pytestmark = [needs_strace, pytest.mark.slow]
RUN = ("--config", "kpisync.yaml", "run", "actuals")
WRITES, SYNCS = amount(29, 1), amount(9, 1)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Floor]:
    with floor(tmp_path, settle="0.05s", concurrency=1) as place:
        yield place


def attempts(place: Floor, build: Build, on: bool) -> Callable[[Point], bool]:
    """Tries of a first run in which one write fails, or with `on` every one from then on."""

    def attempt(point: Point) -> bool:
        shutil.rmtree(place.folder / "state", ignore_errors=True)
        place.board.reset()
        place.state(numbers(random.Random(1), 5))
        fails = Point(point.call, point.number, point.what, on)
        ended, hit = call_until(fails, build, place.folder, *RUN)
        if not hit:
            assert ended.code == 0, ended
            return False
        if on_a_folder(hit):  # a failure that SQLite does not look at
            assert ended.code in (0, 6), (point, ended)
            return True
        said = [line for line in (ended.out + ended.err).splitlines() if "kpisync.db" in line]
        assert ended.code == 6, (point, ended)
        assert len(said) == 1, (point, ended)
        assert "Traceback" not in ended.err, (point, ended)
        place.state({**place.stated, **numbers(random.Random(2), 2)})
        undisturbed(place, build)
        return True

    return attempt


def on_a_folder(call: str) -> bool:
    path = re.search("<(/[^>]*)>", call)
    return path is not None and Path(path[1]).is_dir()


@pytest.mark.parametrize("on", [False, True], ids=["once", "from-then-on"])
@pytest.mark.parametrize(
    ("call", "error", "step"),
    [("pwrite64", "ENOSPC", WRITES), ("pwrite64", "EIO", WRITES), ("fdatasync", "EIO", SYNCS)],
)
def test_a_write_that_fails_ends_the_run_with_6_and_the_next_makes_all_good(
    place: Floor, sound: Build, call: str, error: str, step: int, on: bool
) -> None:
    assert list(points(attempts(place, sound, on), step, call, what=f"error={error}"))


def test_a_build_that_goes_on_without_a_record_is_found(place: Floor) -> None:
    with Build("hopes-for-the-best") as build, pytest.raises(AssertionError):
        list(points(attempts(place, build, False), 1, "fdatasync", what="error=EIO"))
