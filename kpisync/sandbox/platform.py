"""What a stand-in of a platform must do: the seam between the shared server and one module per platform."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from email.message import Message
from typing import Any, NamedTuple, Protocol, runtime_checkable

from kpisync.model import RecordKey
from kpisync.sandbox.settings import SandboxSettings


class Request(NamedTuple):
    """One request, whole. `target` is `path` with its query."""

    method: str
    target: str
    path: str
    query: str
    headers: Message[str, str]
    body: bytes


class Response(NamedTuple):
    """One answer. `headers` stand beside the usual ones and replace them where the name is the same."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Refusal(Exception):
    """A request that a stand-in does not carry out: its status, and a sentence for the caller."""

    def __init__(self, status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.status, self.message, self.headers = status, message, headers
        super().__init__(message)

    @property
    def response(self) -> Response:
        body = json.dumps({"status": self.status, "message": self.message}).encode()
        return Response(self.status, body, headers=self.headers)


class Line(NamedTuple):
    """One record in the words of the catalog, for people: ids stand only where the catalog has no name."""

    kpi: str
    team: str | None
    sub_tile: str | None
    period: date
    values: tuple[tuple[str, Decimal], ...]
    details: tuple[tuple[str, str], ...] = ()  # what else there is to say of it, by name


class Platform(Protocol):
    """One stand-in: all paths under `/<name>`. Every call comes with the server's one lock held, so it is quick."""

    @property
    def name(self) -> str:
        """The platform's type in a configuration, and the first segment of its paths."""

    @property
    def api_path(self) -> str:
        """The path that goes into a configuration behind the host."""

    def login(self, settings: SandboxSettings) -> Mapping[str, str]:
        """What a configuration needs beside the url, by option."""

    def answer(self, request: Request, settings: SandboxSettings) -> Response:
        """Carry out one request; also decides whether the caller is logged in. Never raises."""

    def edit(self, key: RecordKey, values: Mapping[str, Decimal], settings: SandboxSettings) -> None:
        """Write as a person would: these values change, all others stay. Names or ids; raises `Refusal`."""

    def remove(self, key: RecordKey) -> None:
        """Delete one record as a person would. Names or ids; raises `Refusal`."""

    def records(self) -> dict[RecordKey, dict[str, Decimal]]:
        """A copy of all records by their ids, oldest write first; `destination` is the name of the platform."""

    def lines(self, count: int | None = None) -> list[Line]:
        """The records written last, newest first; None: all."""

    def clear(self) -> None:
        """Forget all records, and whatever else was changed since the beginning."""


@runtime_checkable
class IsSource(Protocol):
    """What a platform has besides that values come from: it is filled by hand, and no client changes it."""

    def put(self, document: Any) -> None:
        """One object with all that it shows, in place of the one with its id. Raises pydantic's ValidationError."""

    def facts(self, settings: SandboxSettings) -> tuple[tuple[str, str], ...]:
        """What else there is to say of it, by name: sessions, objects."""
