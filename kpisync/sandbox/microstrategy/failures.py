"""How the stand-in of MicroStrategy refuses something: its codes, a message and a ticket."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from kpisync.sandbox.platform import Refusal, Response
from kpisync.sandbox.settings import SandboxSettings
from kpisync.support.json import dumps

NO_OBJECT, NO_INSTANCE, NO_PROJECT = -2147216373, -2147468986, -2147209151
NOT_PUBLISHED = -2147072488


class Failure(Refusal):
    """`number` is that of the REST server's table, `server_code` the Intelligence Server's own."""

    def __init__(self, status: int, number: int, message: str, server_code: int | None = None) -> None:
        super().__init__(status, message)
        self.number, self.server_code = number, server_code

    def answer(self, settings: SandboxSettings) -> Response:
        long = settings.error_codes == "long" and self.number >= 10
        body: dict[str, Any] = {
            "code": f"ERR00{self.number}" if long else f"ERR{self.number:03}",
            "message": self.message,
            "ticketId": blake2b(self.message.encode(), digest_size=16).hexdigest(),
        }
        if self.server_code is not None:
            body["iServerCode"] = self.server_code
        return Response(self.status, dumps(body).encode())


class KpiFailure(Failure):
    """The calls for KPIs write the server's code as the code, and give no ticket."""

    def __init__(self, status: int, message: str, server_code: int) -> None:
        super().__init__(status, 0, message, server_code)

    def answer(self, settings: SandboxSettings) -> Response:
        return Response(self.status, dumps({"code": str(self.server_code), "message": f"({self.message})"}).encode())


def session_ended() -> Failure:
    return Failure(401, 9, "The user's session has expired, please reauthenticate")


def no_route() -> Failure:
    return Failure(404, 4, "HTTP 404 Not Found")


def no_object(what: str, id: str) -> Failure:
    return Failure(404, 4, f"The {what} {id[:40]} does not exist in this project.", NO_OBJECT)
