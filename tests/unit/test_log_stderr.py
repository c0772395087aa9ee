"""A log that nobody reads, or that has no room, does not stop what it tells of."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Barrier, Thread
from typing import TextIO

import pytest

from kpisync.support.stderr import Lines

pytestmark = pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="pipes of a known size are Linux's")
ROOM = 8192  # bytes of a pipe of ours


class Pipe:
    """A small pipe; `reader` is not read unless a test does."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, ROOM)
        self.stream: TextIO = os.fdopen(self.writer, "w")
        os.set_blocking(self.reader, False)

    def read(self) -> str:
        """All that is in it."""
        found = b""
        with suppress(BlockingIOError):
            while piece := os.read(self.reader, 65536):
                found += piece
        return found.decode()

    def close(self) -> None:
        with suppress(OSError):
            self.stream.close()
        with suppress(OSError):
            os.close(self.reader)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def lines(stream: TextIO | None) -> Lines:
    """Without patience."""
    return Lines(stream, lambda count: f"{count} lost", patience=0)


def test_lines_arrive_whole_and_in_order(pipe: Pipe) -> None:
    written = lines(pipe.stream)
    for word in ("one", "zwei ä", "\ud800"):
        written.write(word)
    assert pipe.read() == "one\nzwei ä\n\\ud800\n"


def test_a_full_pipe_that_nobody_reads_takes_no_time_and_loses_only_lines(pipe: Pipe) -> None:
    written = lines(pipe.stream)
    for number in range(1000):
        written.write(f"{number:04} {'x' * 100}")
    found = pipe.read().splitlines()
    assert 0 < len(found) < 100
    assert [line[:4] for line in found] == [f"{number:04}" for number in range(len(found))]


def test_once_it_is_read_again_the_loss_is_told_before_the_next_line(pipe: Pipe) -> None:
    written = lines(pipe.stream)
    for _ in range(1000):
        written.write("x" * 99)
    arrived = pipe.read().count("\n")
    written.write("again")
    written.write("and on")
    assert pipe.read().split("\n")[-4:] == [f"{1000 - arrived} lost", "again", "and on", ""]


def test_a_line_that_was_torn_is_ended_before_the_next_one(pipe: Pipe) -> None:
    written = lines(pipe.stream)
    written.write("x" * 3 * ROOM)
    torn = pipe.read()
    written.write("whole")
    assert torn == "x" * len(torn)
    assert pipe.read() == "\n1 lost\nwhole\n"


def test_a_line_longer_than_the_pipe_arrives_while_somebody_reads() -> None:
    reader, writer = os.pipe()
    found: list[str] = []
    with os.fdopen(reader) as reading:
        thread = Thread(target=lambda: found.extend(reading), daemon=True)
        thread.start()
        with os.fdopen(writer, "w") as stream:
            Lines(stream, str, patience=30).write("x" * 1_000_000)
        thread.join(30)
    assert [len(line) for line in found] == [1_000_001]


def test_a_reader_that_has_gone_is_no_failure(pipe: Pipe) -> None:
    os.close(pipe.reader)
    for _ in range(3):
        lines(pipe.stream).write("x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_no_failure_and_heals() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - its close must find nothing left to write
        written = lines(full)
        written.write("x")
        written.write("y")
        with Pipe().stream as better:
            os.dup2(better.fileno(), full.fileno())
        written.write("z")


def test_a_stream_that_was_closed_is_no_failure(pipe: Pipe) -> None:
    written = lines(pipe.stream)
    pipe.stream.close()
    written.write("x")
    lines(pipe.stream).write("x")


def test_without_a_stream_nothing_is_written() -> None:
    lines(None).write("x")


def test_a_stream_without_a_file_is_written_to_as_well() -> None:
    stream = io.StringIO()
    written = lines(stream)
    written.write("x")
    assert stream.getvalue() == "x\n"
    stream.close()
    written.write("y")


def test_a_handle_that_never_blocks_is_no_failure(pipe: Pipe) -> None:
    os.set_blocking(pipe.writer, False)
    written = lines(pipe.stream)
    for _ in range(1000):
        written.write("x" * 99)
    assert 0 < pipe.read().count("\n") < 1000


def test_lines_of_several_threads_are_not_mixed(tmp_path: Path) -> None:
    together = Barrier(4)
    with (tmp_path / "log").open("w") as stream:
        written = lines(stream)

        def many(letter: str) -> None:
            together.wait(10)
            for _ in range(50):
                written.write(letter * 10_000)

        threads = [Thread(target=many, args=(letter,)) for letter in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    found = (tmp_path / "log").read_text().splitlines()
    assert sorted(found) == sorted([letter * 10_000 for letter in "abcd"] * 50)


TALKS = """
import sys, structlog
from kpisync.support.log import configure
configure("info", str, as_json=True)
log = structlog.get_logger()
for number in range(2000):
    log.info("x" * 200)
sys.stdout.write("done")
"""


def talk(stderr: int) -> str:
    """What a process that logs a lot says at its end, of which nobody reads the log."""
    ended = subprocess.run(
        [sys.executable, "-c", TALKS], stdout=subprocess.PIPE, stderr=stderr, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0
    return ended.stdout


def test_a_process_whose_log_nobody_reads_goes_on_to_its_end(pipe: Pipe) -> None:
    assert talk(pipe.writer) == "done"
    last = pipe.read().splitlines()[0]
    assert json.loads(last)["level"] == "info"


def test_a_process_whose_log_has_gone_goes_on_to_its_end(pipe: Pipe) -> None:
    os.close(pipe.reader)
    assert talk(pipe.writer) == "done"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_process_whose_disk_is_full_goes_on_to_its_end() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            os.write(full, b"x")
        assert talk(full) == "done"
    finally:
        os.close(full)


def test_a_process_that_was_started_without_stderr_goes_on_to_its_end(tmp_path: Path) -> None:
    script = tmp_path / "talks.py"
    script.write_text(TALKS, encoding="utf-8")
    command = ["sh", "-c", 'exec "$0" "$1" 2>&-', sys.executable, str(script)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout) == (0, "done")
