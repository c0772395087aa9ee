"""A gateway before the board that does, with chosen requests, what a gateway, a proxy or a network may do."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

Write = Callable[[bytes], None]


@dataclass(frozen=True)
class Behaviour:
    """`answer` gets what the board answered (nothing if it was not asked) and yields what is sent, piece by piece."""

    name: str
    answer: Callable[[bytes], Iterator[bytes]]
    reaches: bool = False  # whether the board is asked
    ends: str = "keep"  # the connection: keep, close, reset


def whole(status: int, body: bytes = b"{}", headers: str = "Content-Type: application/json\r\n") -> bytes:
    return f"HTTP/1.1 {status} x\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


def says(name: str, *pieces: bytes, ends: str = "keep") -> Behaviour:
    return Behaviour(name, lambda real: iter(pieces), ends=ends)


def status(code: int, headers: str = "", name: str = "", body: bytes = b'{"message": "no"}') -> Behaviour:
    return says(name or f"status-{code}", whole(code, body, f"Content-Type: application/json\r\n{headers}"))


def turned(name: str, turn: Callable[[bytes], bytes], ends: str = "keep") -> Behaviour:
    """The board does what is asked, and its answer arrives otherwise."""
    return Behaviour(name, lambda real: iter([turn(real)]), reaches=True, ends=ends)


def slow(real: bytes) -> Iterator[bytes]:
    for at in range(60):
        yield real[at : at + 1]
        time.sleep(0.05)


def _body(real: bytes) -> bytes:
    return real.partition(b"\r\n\r\n")[2]


RETRY_AFTER = {
    "seconds": "7",
    "zero": "0",
    "negative": "-1",
    "fraction": "1.5",
    "ages": "999999999999",
    "exponent": "1e9",
    "empty": "",
    "garbage": "soon; or later",
    "past": "Fri, 31 Dec 1999 23:59:59 GMT",
    "bad-date": "Fri, 99 Foo 2026 99:99:99 GMT",
    "joined": "1, 3",
    "twice": "1\r\nRetry-After: nonsense",
}

BEHAVIOURS = [
    *(status(code) for code in (400, 401, 403, 404, 405, 407, 408, 409, 412, 413, 415, 422, 425, 429, 451)),
    *(status(code) for code in (500, 501, 502, 503, 504, 507, 520, 524, 599)),
    *(status(429, f"Retry-After: {text}\r\n", f"retry-after-{name}") for name, text in RETRY_AFTER.items()),
    status(503, "Retry-After: 3\r\n", "retry-after-503"),
    *(status(code, "Location: http://127.0.0.1:9/elsewhere\r\n") for code in (301, 302, 307, 308)),
    says("captive-portal", whole(200, b"<!doctype html><title>Log in</title>", "Content-Type: text/html\r\n")),
    says("error-in-200", whole(200, b'{"error": "something went wrong"}')),
    says("empty-200", whole(200, b"")),
    says("not-json", whole(200, b'[{"date": "2026-01')),
    says("deep", whole(200, b"[" * 100_000)),
    says("null", whole(200, b"null")),
    says("not-http", b"BANANA\r\n\r\n", ends="close"),
    says("silence-then-close", ends="close"),
    says("reset-before", ends="reset"),
    says("only-informed", b"HTTP/1.1 102 x\r\n\r\n", ends="close"),
    says("204", b"HTTP/1.1 204 x\r\n\r\n"),
    turned("closed-after", lambda real: b"", ends="close"),
    turned("reset-after", lambda real: b"", ends="reset"),
    turned("cut-off", lambda real: real[: len(real) // 2], ends="close"),
    turned("body-cut-off", lambda real: real[:-3], ends="close"),
    turned("too-long", lambda real: real.replace(b"Content-Length: ", b"Content-Length: 9"), ends="close"),
    turned("portal-after", lambda real: whole(200, b"<html><title>Welcome</title>", "Content-Type: text/html\r\n")),
    turned("empty-after", lambda real: whole(200, b"")),
    turned("bad-gzip", lambda real: whole(200, b"\x1f\x8b\x08broken", "Content-Encoding: gzip\r\n")),
    turned("unknown-encoding", lambda real: whole(200, _body(real), "Content-Encoding: br\r\n")),
    turned("500-after", lambda real: whole(500, b"stored all the same")),
    turned("502-after", lambda real: whole(502, b"")),
    turned("continue-first", lambda real: b"HTTP/1.1 100 Continue\r\n\r\n" + real),
    turned("http-1.0", lambda real: real.replace(b"HTTP/1.1", b"HTTP/1.0", 1), ends="close"),
    turned("no-length", lambda real: b"HTTP/1.1 200 x\r\n\r\n" + _body(real), ends="close"),
    turned("said-twice", lambda real: real + real),
    turned("byte-order-mark", lambda real: whole(200, b"\xef\xbb\xbf" + _body(real))),
    Behaviour("trickle", slow, reaches=True, ends="close"),
]


@dataclass
class Gateway:
    """Listens on loopback between `with` and its end, and passes on what is not chosen."""

    board: str  # the URL
    behaviour: Behaviour | None = None
    method: str = "PUT"
    chosen: Callable[[int], bool] = lambda number: False  # by its number among those of the method
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}{urlsplit(self.board).path}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for each in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(10)

    def misbehave(self, behaviour: Behaviour | None, method: str, chosen: Callable[[int], bool]) -> None:
        self.behaviour, self.method, self.chosen = behaviour, method, chosen
        self.seen.clear()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.add(connection)
            self._start(lambda connection=connection: self._serve(connection))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            while request := _request(connection):
                behaviour = self._due(request[0])
                real = _asked(self.board, *request) if behaviour is None or behaviour.reaches else b""
                for piece in behaviour.answer(real) if behaviour else [real]:
                    connection.sendall(piece)
                if behaviour and behaviour.ends != "keep":
                    if behaviour.ends == "reset":
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return

    def _due(self, method: str) -> Behaviour | None:
        with self._lock:
            self.seen[method] += 1
            return self.behaviour if method == self.method and self.chosen(self.seen[method]) else None


Request = tuple[str, str, dict[str, str], bytes]


def _request(connection: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(each.split(": ", 1) for each in lines)
    length = int({name.lower(): text for name, text in headers.items()}.get("content-length", "0"))
    while len(body) < length:
        body += connection.recv(65536)
    method, target, _ = line.split(" ")
    return method, target, headers, body


def _asked(board: str, method: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
    """What the board answers, as bytes."""
    upstream = http.client.HTTPConnection(urlsplit(board).netloc, timeout=10)
    try:
        upstream.request(method, target, body or None, {**headers, "Host": urlsplit(board).netloc})
        answer = upstream.getresponse()
        return whole(answer.status, answer.read(), f"Content-Type: {answer.headers.get('Content-Type', '')}\r\n")
    finally:
        upstream.close()
