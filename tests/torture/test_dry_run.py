"""What only looks sends nothing but reads and writes nothing, also where it fails."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import pytest
from circumstances import CIRCUMSTANCES, ENVIRON, READING, Circumstance, arrange
from measure import amount
from shop_floor import ARGUMENTS, Build, Floor, floor, places

pytestmark = pytest.mark.slow


def picture(place: Floor) -> dict[str, bytes]:
    """All that a command may leave behind, but for what it was asked to write."""
    state = place.folder / "state"
    return {str(path): path.read_bytes() for path in state.rglob("*") if path.is_file()}


@pytest.mark.parametrize("circumstance", CIRCUMSTANCES, ids=lambda one: one.name)
def test_a_command_that_only_looks_sends_only_reads_and_changes_no_state(
    tmp_path: Path, sound: Build, circumstance: Circumstance
) -> None:
    with floor(tmp_path) as place:
        place.state({at: Decimal(7) for at in places(2)})
        assert sound.call(tmp_path, *ARGUMENTS, "actuals").code == 0
        before, writes = picture(place), writes_to(place)
        chosen = random.Random(circumstance.name).sample(READING, amount(3, len(READING)))
        for command in sorted(chosen, key=READING.index):
            arrange(place, circumstance)
            ended = sound.call(tmp_path, "--config", "kpisync.yaml", *command, **ENVIRON)
            assert ended.code in range(7), (command, ended)
            assert writes_to(place) == writes, command
            assert picture(place) == before, command


def writes_to(place: Floor) -> int:
    return sum(count for method, count in place.board.requests.items() if method not in ("GET", "HEAD"))


def test_a_build_whose_plan_writes_is_found(tmp_path: Path) -> None:
    with floor(tmp_path) as place, Build("plans-in-earnest") as build:
        arrange(place, CIRCUMSTANCES[0])
        build.call(tmp_path, "--config", "kpisync.yaml", "plan", **ENVIRON)
        assert writes_to(place)
