"""A small HTTP server whose answers depend on what is asked."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.unit.socket_server import Server, answer


@dataclass(frozen=True)
class Asked:
    """One request."""

    raw: bytes

    @cached_property
    def _lines(self) -> list[str]:
        return self.raw.decode("latin-1").partition("\r\n\r\n")[0].split("\r\n")

    @property
    def method(self) -> str:
        return self._lines[0].split(" ")[0]

    @property
    def target(self) -> str:
        return self._lines[0].split(" ")[1]

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in self._lines[1:])}

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.raw.partition(b"\r\n\r\n")[2].decode()))


def says(document: Any, status: int = 200, headers: str = "") -> bytes:
    """An answer in JSON, or in bytes as they are."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return answer(status, body, f"Content-Type: application/json\r\n{headers}")


class RestServer(Server):
    """`respond` makes the whole answer to a request."""

    def __init__(self, respond: Callable[[Asked], bytes]) -> None:
        def play(connection: socket.socket) -> None:
            connection.sendall(respond(self.asked[-1]))

        super().__init__(play)

    @property
    def asked(self) -> list[Asked]:
        return [Asked(raw) for raw in self.requests]
