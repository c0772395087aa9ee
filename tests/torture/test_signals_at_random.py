"""SIGTERM at random instants: an end within ten seconds that leaves nothing open; the next run goes on from there."""

from __future__ import annotations

import json
import random
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest
from measure import amount
from shop_floor import ARGUMENTS, Build, Fault, floor, numbers, undisturbed

pytestmark = pytest.mark.slow
RECORDS = 16
CONCURRENCY = 2
LATENCY = timedelta(milliseconds=40)
LATEST = 1.5  # seconds; a run is over by then, mostly


def stop(folder: Path, build: Build, seed: int) -> None:
    """One run with one signal, and all that must be true of it."""
    dice = random.Random(seed)
    with floor(folder, settle="0.3s", timeout="1s", concurrency=CONCURRENCY) as place:
        place.state(numbers(dice, RECORDS))
        place.board.settings = place.board.settings.model_copy(update={"latency": LATENCY})
        if dice.random() < 0.3:
            place.board.faults = [
                Fault(kind="stall", method="PUT", after=dice.randint(0, 9), delay=timedelta(seconds=5))
            ]
        with build.begun(folder, *ARGUMENTS, "actuals") as child:
            time.sleep(dice.uniform(0.05, LATEST))
            asked, before = time.monotonic(), place.board.requests.total()
            child.send(signal.SIGTERM)
            ended = child.end()
        assert time.monotonic() - asked < 10
        assert ended.code in (0, 143, -signal.SIGTERM), ended  # the last: before or after there is anything to finish
        assert "Traceback" not in ended.err
        assert place.board.requests.total() - before <= 3 * CONCURRENCY, "it went on after the signal"
        if ended.code == 143:
            assert ended.out, "it ended without a word"
            stored = len(place.board.records())
            assert ended.runs or not stored, "it was asked to end before the job began"
            for run in ended.runs:
                assert (run["status"], run["error"]) == ("failed", "interrupted")
                assert run["confirmed"] <= stored <= run["confirmed"] + run["in_doubt"], run
        history = build.call(folder, "--config", "kpisync.yaml", "history", "--json")
        assert all(run["ended"] for run in json.loads(history.out)["runs"]), history.out
        place.board.settings = place.board.settings.model_copy(update={"latency": timedelta(0)})
        undisturbed(place, build)


@pytest.mark.parametrize("seed", range(amount(12, 100)))
def test_a_signal_at_any_instant_ends_a_run_well(tmp_path: Path, sound: Build, seed: int) -> None:
    stop(tmp_path, sound, seed)


@pytest.mark.parametrize("name", ["leaves-at-once", "deaf"])
def test_a_broken_build_is_found(tmp_path: Path, name: str) -> None:
    with Build(name) as build:
        for seed in range(20):
            try:
                stop(tmp_path / str(seed), build, seed)
            except AssertionError:
                return
    pytest.fail("the oracle was content with each of 20 runs")
