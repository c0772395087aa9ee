"""Commands under strace, which ends them, or has the disk fail them, at their nth call of one kind to the kernel."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from shop_floor import Build, Ended, killed

STRACE = shutil.which("strace")
needs_strace = pytest.mark.skipif(STRACE is None, reason="strace is not installed")
CALLS = ("fdatasync", "fsync", "pwrite64", "ftruncate", "sendto", "connect", "rename", "unlink")


@dataclass(frozen=True)
class Point:
    """The `number`th `call` of a thread, and what befalls it: `signal=KILL`, `error=ENOSPC`, `error=EIO`."""

    call: str
    number: int
    what: str = "signal=KILL"
    on: bool = False  # whether all calls after it meet the same

    @property
    def expression(self) -> str:
        return f"inject={self.call}:{self.what}:when={self.number}{'+' if self.on else ''}"


def call_until(point: Point, build: Build, folder: Path, *arguments: str) -> tuple[Ended, str]:
    """Carry out a command of a build up to a point; also the call that was hit, empty if it did not come to it."""
    (folder / "go").unlink(missing_ok=True)
    os.mkfifo(folder / "go")
    with build.begun(folder, *arguments, waits=True) as child:
        command = [
            STRACE or "",
            "-f",
            "-y",
            "-o",
            str(folder / "trace"),
            "-e",
            f"trace={point.call}",
            "-e",
            point.expression,
        ]
        with subprocess.Popen([*command, "-p", str(child.pid)], stderr=subprocess.PIPE, text=True) as tracer:
            said = tracer.stderr.readline() if tracer.stderr else ""
            (folder / "go").write_bytes(b"!")
            ended = child.end()
            tracer.communicate()
    assert "attached" in said, said
    calls = (folder / "trace").read_text().splitlines()
    hit = next((call for call in calls if "INJECTED" in call), "killed" if killed(ended) else "")
    return ended, hit


def points(attempt: Callable[[Point], bool], step: int, *calls: str, what: str = "signal=KILL") -> Iterator[Point]:
    """Try every `step`th point of each kind of call until one is not reached any more; each that was."""
    for each in calls or CALLS:
        number = 1 + len(each) % min(step, 4)
        while attempt(point := Point(each, number, what)):
            yield point
            number += step
