"""The README's files are written, its commands run, and its output compared; `…` stands for anything."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kpisync.sandbox.server import Sandbox

README = Path(__file__).parent.parent.parent / "README.md"
FILE = re.compile(r"```\w+ file=(\S+)\n(.*?)```", re.DOTALL)
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
EXIT = re.compile(r"\[exit code (\d+)\]")


def commands(text: str) -> list[tuple[str, list[str], int]]:
    """(command, lines of its output, exit code) of every console block, in order."""
    found: list[tuple[str, list[str], int]] = []
    for block in CONSOLE.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *output = part.rstrip("\n").split("\n")
            exit_code = EXIT.fullmatch(output[-1]) if output else None
            found.append((command, output[:-1] if exit_code else output, int(exit_code[1]) if exit_code else 0))
    return found


def as_pattern(lines: list[str]) -> str:
    """`…` at a line's end is the rest of it, a line of its own any number of lines; blanks may be wider."""
    patterns = []
    for line in lines:
        if line.strip() == "…":
            patterns.append(r"(?:.*\n)*")
        else:
            patterns.append(r"\s+".join(re.escape(word).replace("…", ".*") for word in line.split()) + r"\s*\n")
    return r"\s*" + r"\s*".join(patterns) + r"\s*"


def test_the_quickstart_does_what_the_readme_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = README.read_text(encoding="utf-8")
    for name, content in FILE.findall(text):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content, encoding="utf-8")
    shown = commands(text)
    assert len(shown) == 5
    with Sandbox() as board:
        monkeypatch.setenv("BOARD_URL", board.platform_url("valuestreamer"))
        for command, output, exit_code in shown:
            program, *arguments = shlex.split(command)
            assert program == "kpisync"
            done = subprocess.run(
                [sys.executable, "-m", "kpisync", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == exit_code, done.stderr
            assert re.fullmatch(as_pattern(output), done.stdout), done.stdout


def test_every_command_is_in_the_readme() -> None:
    from kpisync.cli.main import cli

    text = README.read_text(encoding="utf-8")
    names = [command.name for command in cli.registered_commands]
    assert names
    assert [name for name in names if f"`kpisync {name}" not in text] == []
