"""kill -9 at random instants, over a board that commits late and drops answers: nothing lost, doubled or clobbered."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from lives import LANES, live_until, was_killed
from measure import amount
from shop_floor import ARGUMENTS, Build, Fault, Floor, floor, numbers, places, undisturbed

from kpisync.sandbox.settings import FaultKind, PartialSets

RECORDS = 10
LATEST = 0.6  # seconds; a run without faults is over by then
PARTS = amount(2, 8)


def fault(dice: random.Random, latest: float = 0.2) -> Fault:
    """Mostly to writes, and mostly such that nobody can tell from the answer what was stored."""
    after = dice.randint(0, RECORDS)
    if dice.random() < 0.2:
        return Fault(kind="drop-before", method="GET", after=dice.randint(0, 2))
    kind = dice.choice((*get_args(FaultKind), "late-commit", "late-commit", "drop-after"))
    if kind == "status":
        status = dice.choice((429, 500, 502, 503))
        return Fault(kind="status", method="PUT", after=after, status=status, headers={"Retry-After": "0"})
    late = timedelta(seconds=dice.uniform(latest / 4, latest)) if kind in ("late-commit", "stall") else timedelta()
    return Fault(kind=kind, method="PUT", after=after, delay=late)


class Life:
    """One plant through several versions of its source, each brought to the board against all odds."""

    def __init__(self, place: Floor, build: Build, dice: random.Random, latest: float = 0.2) -> None:
        self.place, self.build, self.dice, self.latest = place, build, dice, latest
        self.kills = 0
        for at in dice.sample(places(RECORDS), 4):
            place.key_in(at, note=self._number())
        beside = dice.sample(places(RECORDS), 6)
        for at in beside[:3]:
            place.key_in(at, target=self._number())
        place.targets_of_another_job(build, {at: self._number() for at in beside[3:]})

    def version(self) -> None:
        self.place.state(numbers(self.dice, RECORDS))
        self.place.board.faults = [fault(self.dice, self.latest) for _ in range(self.dice.randint(1, 4))]
        for _ in range(self.dice.randint(1, 4)):
            if not self._killed():
                break
            if self.dice.random() < 0.7:  # the source goes on while the platform may still be working
                self.place.state({**self.place.stated, **numbers(self.dice, self.dice.randint(1, RECORDS))})
            self.place.others_must_stand()
        undisturbed(self.place, self.build)

    def _killed(self) -> bool:
        seconds = self.dice.uniform(0.1, LATEST)
        was = was_killed(self.build, self.place.folder, seconds, *ARGUMENTS, "actuals")
        self.kills += was
        return was

    def _number(self) -> Decimal:
        return Decimal(self.dice.randint(1, 9999)) / 10


def kills_of_a_life(folder: Path, build: Build, seed: int, settle: str = "0.5s", latest: float = 0.2) -> int:
    dice = random.Random(seed)
    with floor(folder, dice.choice(get_args(PartialSets)), settle=settle, concurrency=dice.choice((1, 2, 4))) as place:
        life = Life(place, build, dice, latest)
        for _ in range(3):
            life.version()
    return life.kills


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_value_is_lost_doubled_or_clobbered_by_a_kill(tmp_path: Path, part: int) -> None:
    each = -(-amount(100, 5000) // (PARTS * LANES))
    live_until(each, tmp_path, part, kills_of_a_life)


def goes_wrong(folder: Path, name: str, settle: str = "0.5s", latest: float = 0.2) -> bool:
    """Whether the oracle objects to one of so many lives of a broken build."""
    with Build(name) as build:
        for seed in range(20):
            try:
                kills_of_a_life(folder / str(seed), build, seed, settle, latest)
            except AssertionError:
                return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sends-first", "begins-anew"])
def test_a_broken_build_is_found(tmp_path: Path, name: str) -> None:
    assert goes_wrong(tmp_path, name)


@pytest.mark.slow
def test_no_settle_time_before_a_late_commit_is_found(tmp_path: Path) -> None:
    assert goes_wrong(tmp_path, "sound", settle="0s", latest=1.5)


# ---------------------------------------------------------------- the real command


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(amount(6, 100)))
def test_the_real_command_killed_at_a_random_instant_is_made_good_by_the_next(
    tmp_path: Path, sound: Build, seed: int
) -> None:
    dice = random.Random(seed)
    with floor(tmp_path) as place:
        Life(place, sound, dice)
        place.state(numbers(dice, RECORDS))
        place.board.faults = [fault(dice) for _ in range(3)]
        command = [sys.executable, "-m", "kpisync", *ARGUMENTS, "actuals"]
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            time.sleep(dice.uniform(0.3, 2.5))
            process.kill()
        undisturbed(place, sound)


# ---------------------------------------------------------------- two at once


def two_at_once(folder: Path, name: str) -> list[int]:
    """The exit codes of two processes that run one job over a board that takes its time."""
    with floor(folder, concurrency=1) as place, Build(name) as one, Build(name) as other:
        place.state(numbers(random.Random(1), RECORDS))
        usual = place.board.settings
        place.board.settings = usual.model_copy(update={"latency": timedelta(milliseconds=500)})
        with one.begun(folder, *ARGUMENTS, "actuals") as first:
            until = time.monotonic() + 10
            while not place.board.requests["PUT"] and time.monotonic() < until:
                time.sleep(0.005)
            second = other.call(folder, *ARGUMENTS, "actuals")
            place.board.settings = usual  # only now can the first end
            first.end()
        undisturbed(place, one)
    return sorted((first.end().code, second.code))


def test_of_two_processes_that_run_one_job_one_leaves_with_5(tmp_path: Path) -> None:
    assert two_at_once(tmp_path, "sound") == [0, 5]


def test_a_build_without_the_lock_is_found(tmp_path: Path) -> None:
    try:
        codes = two_at_once(tmp_path, "without-lock")
    except AssertionError:
        return
    assert codes != [0, 5]
