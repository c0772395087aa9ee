"""No secret in anything that a command prints, logs or leaves on disk, whatever goes wrong."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from circumstances import BOARD, CANARIES, CIRCUMSTANCES, ENVIRON, READING, WRITING, Circumstance, arrange, forms
from measure import amount
from shop_floor import Build, floor

from kpisync.config.secrets import Secrets

pytestmark = pytest.mark.slow
COMMANDS = (*READING, *WRITING)
OURS = ("kpisync.yaml", "go")


def leaks(folder: Path) -> list[str]:
    """Where a canary stands in a file of a folder."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in OURS:
            text = path.read_bytes().decode("utf-8", "replace")
            found += [f"{path.name}: {form}" for canary in CANARIES for form in forms(canary) if form in text]
    return found


def leaked(folder: Path, build: Build, circumstance: Circumstance, commands: int) -> list[str]:
    found = []
    with floor(folder) as place:
        chosen = random.Random(circumstance.name).sample(COMMANDS, commands)
        for command in sorted(chosen, key=COMMANDS.index):
            arrange(place, circumstance)
            ended = build.call(folder, "--config", "kpisync.yaml", *command, **ENVIRON)
            assert ended.code in range(7), (command, ended)
            found += [f"{' '.join(command)}: {leak}" for leak in leaks(folder)]
    return found


@pytest.mark.parametrize("circumstance", CIRCUMSTANCES, ids=lambda one: one.name)
def test_no_canary_is_seen(tmp_path: Path, sound: Build, circumstance: Circumstance) -> None:
    assert leaked(tmp_path, sound, circumstance, amount(4, len(COMMANDS))) == []


def test_a_build_that_does_not_redact_is_found(tmp_path: Path) -> None:
    echo = next(one for one in CIRCUMSTANCES if one.name == "echo-400")
    with Build("talks") as build:
        assert leaked(tmp_path, build, echo, len(COMMANDS))


def test_a_canary_is_recognised_in_its_forms() -> None:
    secrets = Secrets(frozenset({BOARD}), frozenset({("sandbox", BOARD)}))
    texts = [BOARD, repr(BOARD), "c2FuZGJveDpLQU5BUklib2FyZFo5", "S0FOQVJJYm9hcmRaOQ"]
    for text in texts:
        assert any(form in text for form in forms(BOARD)), text
    assert not any(form in secrets.redact(BOARD) for form in forms(BOARD))
