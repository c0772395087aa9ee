"""HTTP/1.1 on loopback: requests read whole, answers sent in one piece, connections that can be dropped."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from kpisync.errors import ConfigError
from kpisync.sandbox.platform import Refusal, Request, Response

_HOST = "127.0.0.1"
_MOST_BYTES = 1_000_000  # of a request's body
_POLL = 0.01  # seconds between two looks at whether to end
_PATIENCE = 5.0  # seconds for a connection's thread to end


class Connection(BaseHTTPRequestHandler):
    """One connection, kept alive until either side closes it."""

    server: Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        try:
            body = self._body()
        except Refusal as refusal:
            self._send(refusal.response, close=True)
            return
        if body is None:
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        answer = self.server.respond(Request(self.command, self.path, path, query, self.headers, body))
        if answer is None:
            self.close_connection = True
        else:
            self._send(answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = _serve

    def _body(self) -> bytes | None:
        """The whole body; None if the client went away in the middle of it. Raises `Refusal`."""
        if "Transfer-Encoding" in self.headers:
            raise Refusal(411, "Send the body with a Content-Length.")
        text = self.headers.get("Content-Length", "0")
        if not (text.isascii() and text.isdigit()):
            raise Refusal(400, "The Content-Length is not a number.")
        length = int(text[:20])
        if length > _MOST_BYTES:
            raise Refusal(413, f"The body may have {_MOST_BYTES} bytes at most.")
        body = self.rfile.read(length) if length else b""
        return body if len(body) == length else None

    def _send(self, answer: Response, close: bool = False) -> None:
        headers = {"content-type": answer.content_type, "content-length": str(len(answer.body))}
        if answer.status in (204, 304):
            headers = {}
        headers |= {name.lower(): value for name, value in answer.headers}
        if close or headers.get("content-length", "0") != str(len(answer.body)):
            self.close_connection = True
        if self.close_connection:
            headers["connection"] = "close"
        lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, '')}", f"Date: {self.date_time_string()}"]
        lines += [f"{name.title()}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        bodiless = self.command == "HEAD" or answer.status in (204, 304)
        self.wfile.write(head if bodiless else head + answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """The journal says it all."""


class Listener(ThreadingHTTPServer):
    """Accepts connections on loopback, a thread each; `end` closes them too."""

    request_queue_size = 128

    def __init__(self, port: int, respond: Callable[[Request], Response | None]) -> None:
        self.respond = respond
        self._open: dict[socket.socket, threading.Thread] = {}
        self._open_lock = threading.Lock()
        self._accepting: threading.Thread | None = None
        try:
            super().__init__((_HOST, port), Connection)
        except OSError as error:
            raise ConfigError(
                f"cannot listen: {error.strerror}",
                where=f"{_HOST}:{port}",
                hint="Choose another port, or 0 for a free one.",
            ) from None

    def begin(self) -> None:
        self._accepting = threading.Thread(target=self.serve_forever, args=(_POLL,), name="sandbox", daemon=True)
        self._accepting.start()

    def end(self) -> None:
        """Stop listening, close every connection, and wait for their threads."""
        if self._accepting is not None:
            self.shutdown()
            self._accepting.join()
        self.server_close()
        with self._open_lock:
            left = dict(self._open)
        for connection, thread in left.items():
            _shut(connection)
            thread.join(_PATIENCE)

    def server_bind(self) -> None:
        """As the plainest of servers does: without looking the host's name up."""
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._open_lock:
            self._open[request] = thread
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._open_lock:
                del self._open[request]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is none of our business; anything else is a bug and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
