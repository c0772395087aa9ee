"""The units for systemd: whole, hardened, one story with the program, and what the pages say of them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_lines import parse

from kpisync.errors import Exit

ROOT = Path(__file__).parent.parent.parent
UNITS = sorted((ROOT / "config" / "systemd").iterdir())
PAGE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
PROGRAM = "/opt/kpisync/bin/kpisync"
HARDENED = {
    "NoNewPrivileges": "true",
    "PrivateTmp": "true",
    "ProtectHome": "true",
    "ProtectSystem": "strict",
    "ReadWritePaths": "/srv/kpisync",
    "CapabilityBoundingSet": "",
    "User": "kpisync",
}

Unit = dict[str, dict[str, list[str]]]  # section → key → its values, in order: a key may stand twice


def read(name: str) -> Unit:
    """As systemd reads it: a key may stand twice."""
    unit: Unit = {}
    section: dict[str, list[str]] = {}
    for line in (ROOT / "config" / "systemd" / name).read_text(encoding="utf-8").splitlines():
        if title := re.fullmatch(r"\[(\w+)\]", line):
            section = unit.setdefault(title[1], {})
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals, line
            section.setdefault(key, []).append(value)
    return unit


SERVICES = [unit.name for unit in UNITS if unit.suffix == ".service"]


def test_there_is_a_daemon_and_a_timer_for_those_who_want_none() -> None:
    assert [unit.name for unit in UNITS] == ["kpisync-run.service", "kpisync-run.timer", "kpisync.service"]
    assert [unit.name for unit in UNITS if f"`config/systemd/{unit.name}`" not in PAGE] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_command_in_it_can_be_typed(name: str) -> None:
    (line,) = read(name)["Service"]["ExecStart"]
    program, *arguments = shlex.split(line)
    assert program == PROGRAM
    assert f"python3 -m venv {Path(PROGRAM).parent.parent}" in PAGE, "where the page installs it"
    parse(arguments)


@pytest.mark.parametrize("name", SERVICES)
def test_it_may_write_one_folder_and_nothing_else(name: str) -> None:
    service = read(name)["Service"]
    assert {key: service[key][-1] for key in HARDENED} == HARDENED
    assert service["WorkingDirectory"] == [HARDENED["ReadWritePaths"]]


@pytest.mark.parametrize("name", SERVICES)
def test_every_variable_is_one_that_the_page_explains(name: str) -> None:
    variables = [value.partition("=")[0] for value in read(name)["Service"]["Environment"]]
    assert variables
    assert [variable for variable in variables if f"`{variable}`" not in PAGE] == []


def test_the_daemon_is_reloaded_by_its_signal_and_ends_well_by_another() -> None:
    service = read("kpisync.service")["Service"]
    assert service["Type"] == ["exec"]
    assert service["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert service["SuccessExitStatus"] == [str(int(Exit.SIGTERM))]
    assert int(service["TimeoutStopSec"][0].removesuffix("s")) > 10


def test_the_daemon_comes_back_unless_its_configuration_is_wrong() -> None:
    service = read("kpisync.service")["Service"]
    assert service["Restart"] == ["on-failure"]
    assert service["RestartPreventExitStatus"] == [str(int(Exit.CONFIG))]


def test_the_timer_starts_the_run_of_its_name_and_makes_up_for_a_missed_one() -> None:
    timer = read("kpisync-run.timer")["Timer"]
    assert timer["Persistent"] == ["true"]
    assert "Unit" not in timer
    assert read("kpisync-run.service")["Service"]["Type"] == ["oneshot"]


def test_systemd_has_nothing_to_say(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace(PROGRAM, sys.executable)  # systemd looks whether it is there
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    command = [analyze, "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "kpisync" in line]
    assert (done.returncode, ours) == (0, []), done.stderr
