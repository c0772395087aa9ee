"""One request to the stand-in of MicroStrategy: who asks, what is in it, and what it may reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from kpisync.sandbox import exact
from kpisync.sandbox.microstrategy import failures
from kpisync.sandbox.microstrategy.content import PROJECT_ID, Thing
from kpisync.sandbox.microstrategy.failures import Failure, no_object
from kpisync.sandbox.microstrategy.sessions import PROJECT as PROJECT_HEADER
from kpisync.sandbox.microstrategy.sessions import Instance, Session, Sessions
from kpisync.sandbox.platform import Request, Response
from kpisync.sandbox.settings import SandboxSettings
from kpisync.support.json import dumps

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One request. Every member raises `Failure` for what a client got wrong."""

    request: Request
    settings: SandboxSettings
    sessions: Sessions
    things: Mapping[str, Thing]

    @cached_property
    def session(self) -> Session:
        return self.sessions.of(self.request, self.settings)

    def in_project(self) -> Session:
        session, project = self.session, self.request.headers.get(PROJECT_HEADER)
        if project is None:
            raise Failure(400, 5, f"The header {PROJECT_HEADER} is missing.")
        if project != PROJECT_ID:
            raise Failure(500, 2, f"The project {project[:40]} does not exist.", failures.NO_PROJECT)
        return session

    def thing(self, kind: type[T], what: str, id: str) -> T:
        found = self.things.get(id)
        if not isinstance(found, kind):
            raise no_object(what, id)
        return found

    def instance(self, of: str, id: str) -> Instance:
        found = self.in_project().instances.get(id)
        if found is None or found.of != of:
            raise Failure(404, 4, "The message is not found in the inbox.", failures.NO_INSTANCE)
        return found

    def body(self, *known: str) -> dict[str, Any]:
        if self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            raise Failure(415, 1, "HTTP 415 Unsupported Media Type")
        try:
            body = exact.read(self.request.body)
        except ValueError as error:
            raise Failure(400, 6, f"The body is not JSON: {error}.") from None
        if not isinstance(body, dict):
            raise Failure(400, 6, "The body must be a JSON object.")
        if strange := sorted(body.keys() - set(known)):
            raise Failure(400, 6, f"Unknown field {strange[0][:80]!r}.")
        return body

    def query(self, *known: str) -> dict[str, str]:
        found = dict(parse_qsl(self.request.query, keep_blank_values=True))
        if strange := sorted(found.keys() - set(known)):
            raise Failure(400, 6, f"Unknown query parameter {strange[0][:80]!r}.")
        return found

    def window(self) -> tuple[int, int]:
        """Offset and limit."""
        query = self.query("offset", "limit", "fields", "executionStage")
        try:
            offset, limit = int(query.get("offset", "0")), int(query.get("limit", "1000"))
        except ValueError:
            raise Failure(400, 6, "offset and limit must be whole numbers.") from None
        if offset < 0 or limit < -1:
            raise Failure(400, 6, "offset must not be negative, and limit not less than -1.")
        return offset, limit


def as_json(document: Any, status: int = 200) -> Response:
    return Response(status, dumps(document).encode())
