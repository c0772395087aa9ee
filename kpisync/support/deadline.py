"""Connections that keep one deadline for a whole request, and that know whether any of it was sent.

An HTTP library gives each read of a socket its time; a server that sends a byte now and then would never be given up.
This stands between the library and its sockets. It is made for httpcore's `NetworkBackend` and `NetworkStream`.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kpisync.support.addresses import is_forbidden

_PIECE = 4096  # bytes, which the operating system takes whole; a server that is slow is given up between two of them


class ForbiddenAddress(Exception):
    """A host name leads to an address that is never used."""


class Call:
    """One request of one thread."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.sent = False  # whether the operating system has taken any of its bytes

    def left(self, most: float | None) -> float:
        """Seconds left, at most so many; raises TimeoutError when there are none."""
        seconds = self._until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        return seconds if most is None else min(seconds, most)


class Calls(threading.local):
    """The request that each thread is about; an HTTP library that is not asynchronous stays in the caller's thread."""

    now = Call(0.0)

    @contextmanager
    def begin(self, seconds: float) -> Iterator[Call]:
        self.now = Call(seconds)
        try:
            yield self.now
        finally:
            del self.now


class DeadlineBackend:
    """Opens connections as `inner` does, within the deadline of the call."""

    def __init__(self, inner: Any, calls: Calls) -> None:
        self._inner, self._calls = inner, calls

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> DeadlineStream:
        """The addresses of the host share the time that the library means for each of them.

        Raises ForbiddenAddress before anything is sent; the peer is looked at too, for a name may resolve anew.
        """
        share = self._calls.now.left(timeout) / len(_resolved(host, port))
        stream = self._inner.connect_tcp(host, port, timeout=share, **options)
        peer = stream.get_extra_info("server_addr")
        if is_forbidden(str(peer[0])):
            stream.close()
            raise ForbiddenAddress(host)
        return DeadlineStream(stream, self._calls)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class DeadlineStream:
    """One connection; the thread that uses it lends it its deadline.

    What is written is held until an empty write, the library's sign that a request is whole, or a read: the headers
    and the body of a small request then travel together.
    """

    def __init__(self, inner: Any, calls: Calls) -> None:
        self._inner, self._calls = inner, calls
        self._held = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._send(timeout)
        data: bytes = self._inner.read(max_bytes, timeout=self._calls.now.left(timeout))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._held += buffer
        if not buffer:
            self._send(timeout)

    def _send(self, timeout: float | None) -> None:
        whole, self._held = self._held, b""
        for start in range(0, len(whole), _PIECE):
            self._inner.write(whole[start : start + _PIECE], timeout=self._calls.now.left(timeout))
            self._calls.now.sent = True

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:
        left = self._calls.now.left(timeout)
        return DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, left), self._calls)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError("no valid host name") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if any(map(is_forbidden, addresses)):
        raise ForbiddenAddress(host)
    return addresses
