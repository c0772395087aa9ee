"""Writes lines to a stream that may be closed, full or read by nobody: never fails, and waits only a moment."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from threading import RLock
from typing import TextIO

_PIECE = min(getattr(select, "PIPE_BUF", 512), 4096)  # bytes that a pipe takes without a wait once it takes any
_PATIENCE = 1.0  # seconds; a reader that is only slow loses nothing


class Lines:
    """Lines for a stream such as stderr; None: it was closed before we were started. For several threads.

    A log must not stop what it tells of. What cannot be written is dropped: the disk is full, the reader is gone, or
    does not read for a second. From then on nothing waits, until a line passes again; before it stands what
    `lost(count)` says of those that were dropped.
    """

    def __init__(self, stream: TextIO | None, lost: Callable[[int], str], patience: float = _PATIENCE) -> None:
        self._stream, self._said_lost, self._patience = stream, lost, patience
        self._handle = _handle(stream)
        self._dropped = 0
        self._torn = False  # the last line has no end
        self._lock = RLock()  # a signal handler that logs may come in between

    def write(self, line: str) -> None:
        """A line without its end."""
        with self._lock:
            before = "\n" if self._torn else ""
            if self._dropped:
                before += f"{self._said_lost(self._dropped)}\n"
            if self._sent(f"{before}{line}\n"):
                self._dropped, self._torn = 0, False
            else:
                self._dropped += 1

    def _sent(self, text: str) -> bool:
        if self._stream is None:
            return False
        try:
            if self._handle is not None:
                return self._written(self._handle, text.encode("utf-8", "backslashreplace"))
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # gone, full or closed
            return False
        return True

    def _written(self, handle: int, data: bytes) -> bool:
        """Past the stream's buffer, in which a line would stay and fail again at the next one."""
        while data:
            if not self._takes(handle):
                return False
            count = os.write(handle, data[:_PIECE])
            self._torn = data[count - 1 : count] != b"\n"
            data = data[count:]
        return True

    def _takes(self, handle: int) -> bool:
        """Whether a piece can be written without a wait, now or soon."""
        if not hasattr(select, "poll"):
            return True
        waiting = select.poll()
        waiting.register(handle, select.POLLOUT)
        return bool(waiting.poll(0 if self._dropped else self._patience * 1000))


def _handle(stream: TextIO | None) -> int | None:
    """None: there is none below it."""
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError):
        return None
