"""The compose file: what it starts can be typed, what it mounts is there, and nothing in it may write or rise."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from kpisync.cli.main import cli
from kpisync.config.load import load

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, Any] = yaml.safe_load(TEXT)["services"]
SHOWN = [
    shlex.split(words, comments=True)
    for words in re.findall(r"^#   docker compose run --rm kpisync (.+)$", TEXT, re.MULTILINE)
]


def parse(arguments: list[str]) -> None:
    group = typer.main.get_command(cli)
    assert isinstance(group, typer.core.TyperGroup)
    context = group.make_context("kpisync", list(arguments))
    name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
    assert command is not None
    command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("arguments", [*(each["command"] for each in SERVICES.values()), *SHOWN], ids=" ".join)
def test_a_command_in_it_can_be_typed(arguments: list[str]) -> None:
    parse(arguments)


def test_it_shows_a_plan_before_a_run() -> None:
    assert [each[0] for each in SHOWN] == ["plan", "run", "status"]


def test_the_jobs_that_it_names_are_those_of_the_demo() -> None:
    jobs = load(ROOT / "config" / "demo" / "kpisync.yaml", {}).job_names
    named = [word for command in (SERVICES["kpisync"]["command"], *SHOWN) for word in command[1:]]
    assert named
    assert set(named) <= set(jobs)


def test_what_it_mounts_and_reads_is_there() -> None:
    for service in SERVICES.values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith(".") or (ROOT / source).is_dir()
        config = service["environment"]["KPISYNC_CONFIG"]
        assert config.startswith("/config/")
        assert (ROOT / config.removeprefix("/")).is_file()


def test_no_service_may_write_outside_its_volume_or_rise() -> None:
    for service in SERVICES.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "ports" not in service
        assert "privileged" not in service


def test_the_state_is_kept_in_the_volume() -> None:
    for service in SERVICES.values():
        assert service["environment"]["KPISYNC_DEMO_STATE"].startswith("sqlite:////data/")
    assert "data:/data" in SERVICES["kpisync"]["volumes"]


def test_it_holds_no_secret() -> None:
    assert not re.search(r"password|token|secret", json.dumps(SERVICES), re.IGNORECASE)
