"""The image's recipe: linted, pinned, without root and without secrets; no engine is needed to check that."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
from command_lines import parse
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kpisync.config.schema import ServeOptions

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
FINAL = DOCKERFILE.rpartition("\nFROM ")[2]
PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)([^\\\n]*)\\?\n((?:    --hash=\S+(?: \\)?\n?)+)", re.MULTILINE)


def pins(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Name → its version and the hashes of its files."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return {pin[1]: (pin[2], frozenset(re.findall(r"sha256:\w+", pin[4]))) for pin in PIN.finditer(text)}


def required(package: str, extra: str = "") -> set[str]:
    """The packages that a package needs here, with one extra or without."""
    found = [Requirement(line) for line in requires(package) or []]
    return {canonicalize_name(each.name) for each in found if not each.marker or each.marker.evaluate({"extra": extra})}


def shipped_extras() -> list[str]:
    """Those that `make lock` pins for the image."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return re.findall(r"--extra (\S+)", makefile)


def test_the_linter_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint", path=Path(sys.executable).parent) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([hadolint, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_as_nobody_that_the_host_knows() -> None:
    assert re.findall(r"^USER (.*)$", FINAL, re.MULTILINE) == ["10001:10001"]


def test_its_health_check_is_the_light_one() -> None:
    assert 'CMD ["python", "-m", "kpisync.health"]' in FINAL


def test_it_serves_unless_told_otherwise() -> None:
    assert 'ENTRYPOINT ["kpisync"]\nCMD ["serve"]\n' in FINAL
    parse(["serve"])


def test_its_port_is_the_one_that_the_program_takes() -> None:
    assert re.findall(r"^EXPOSE (.*)$", FINAL, re.MULTILINE) == [str(ServeOptions().port)]


def test_it_is_ended_by_the_signal_that_the_daemon_finishes_on() -> None:
    assert re.findall(r"^STOPSIGNAL (.*)$", FINAL, re.MULTILINE) == ["SIGTERM"]


def test_it_is_told_no_secret() -> None:
    assert not re.search(r"^ARG\b", DOCKERFILE, re.MULTILINE)
    assert not re.search(r"password|secret=|token|api_?key", DOCKERFILE, re.IGNORECASE)


def test_what_it_copies_is_there_and_not_ignored() -> None:
    let_in = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    copied = [
        name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()
    ]
    assert sorted(copied) == sorted(let_in)
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_what_runs_is_pinned_as_it_was_tested() -> None:
    tested, shipped = pins("constraints.txt"), pins("constraints-runtime.txt")
    assert len(shipped) > 20
    assert {name: pin for name, pin in shipped.items() if name not in tested} == {}
    assert {name: pin for name, pin in shipped.items() if pin != tested[name]} == {}


def test_what_runs_is_pinned_whole_and_nothing_of_the_workshop_is_in_it() -> None:
    needed, waiting = set[str](), ["kpisync", "psycopg-binary"]  # the latter is an extra of a package of an extra
    for extra in shipped_extras():
        waiting += required("kpisync", extra)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += required(name)
    assert set(pins("constraints-runtime.txt")) - {"colorama"} == needed - {"kpisync"}  # colorama is for Windows


def test_the_image_can_reach_databases_and_people() -> None:
    assert set(shipped_extras()) >= {"alerts", "mysql", "postgres"}


def test_what_builds_the_wheel_is_pinned_whole() -> None:
    program = re.search(r"awk '([^']+)'", DOCKERFILE)
    assert program
    awk = shutil.which("awk")
    if awk is None:
        pytest.skip("awk is not installed")
    done = subprocess.run([awk, program[1], str(ROOT / "constraints.txt")], capture_output=True, text=True, check=True)
    built_with = {pin[1] for pin in PIN.finditer(done.stdout)}
    assert "hatchling" in built_with
    assert required("hatchling") <= built_with
