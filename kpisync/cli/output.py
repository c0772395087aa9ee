"""stdout as the commands see it: whoever stops listening, or a full disk, does not stop the work."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


class Output:
    """Passes text on until that fails once, and is silent from then on.

    `trouble` says why, unless it was only that nobody listens any more: then what was done counts, and not who saw it.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = io.StringIO() if stream is None else stream  # None: it was closed before we were started
        self._silent = False
        self.trouble: str | None = None

    def write(self, text: str) -> int:
        if not self._silent:
            try:
                self._stream.write(text)
            except OSError as error:
                self._fall_silent(error)
        return len(text)

    def flush(self) -> None:
        if not self._silent:
            try:
                self._stream.flush()
            except OSError as error:
                self._fall_silent(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _fall_silent(self, error: OSError) -> None:
        """What the stream still holds would be tried again at the end of the program, so it is sent to nowhere."""
        self._silent = True
        if not isinstance(error, BrokenPipeError):
            self.trouble = error.strerror or str(error)
        with suppress(OSError):  # a stream without a file holds nothing back
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self._stream.fileno())
            finally:
                os.close(nowhere)


@contextmanager
def lasting_stdout() -> Iterator[Output]:
    """Put an `Output` in the place of stdout, all of it written at the end."""
    stdout = sys.stdout
    output = Output(stdout)
    sys.stdout = cast(TextIO, output)
    try:
        yield output
    finally:
        sys.stdout = stdout
        output.flush()
