"""Lives in which runs are killed: several side by side, until there were enough kills."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shop_floor import Build, killed

LANES = 3  # lives side by side: each of them waits most of its time

KillsOfALife = Callable[[Path, Build, int], int]  # of the life with this seed in this folder


def was_killed(build: Build, folder: Path, seconds: float, *arguments: str) -> bool:
    """Whether a run was killed after so long, or had ended before."""
    with build.begun(folder, *arguments) as child:
        time.sleep(seconds)
        child.send(signal.SIGKILL)
        ended = child.end()
    assert killed(ended) or ended.code in (0, 1, 4), ended
    return killed(ended)


def live_until(kills: int, folder: Path, part: int, of_a_life: KillsOfALife) -> None:
    """Lives of the sound build, one after the other in each lane, until there were so many kills in each."""
    with ThreadPoolExecutor(LANES) as pool:
        seeds = [10**6 * part + 10**5 * number for number in range(LANES)]
        lanes = [pool.submit(_lane, folder, first_seed, kills, of_a_life) for first_seed in seeds]
        assert sum(each.result() for each in lanes) >= kills * LANES


def _lane(folder: Path, first_seed: int, kills: int, of_a_life: KillsOfALife) -> int:
    done = 0
    with Build() as build:
        for seed in range(first_seed, first_seed + 100_000):
            if done >= kills:
                break
            done += of_a_life(folder / str(seed), build, seed)
    return done
