"""What MicroStrategy says when it refuses something, in words that tell what to do next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kpisync.errors import SourceError
from kpisync.support.addresses import place
from kpisync.support.json import loads
from kpisync.support.statuses import Response, plain

_RIGHTS = "Ask the administrator for the right to do that, or use another login"
_SESSIONS = "Close sessions of this user, or wait until they end; a user of its own for kpisync avoids it"
_NOT_READY = "Publish the cube, and run again"
_NO_OBJECT = "Check its id, and that it is in this project and visible to this login"

# The Intelligence Server's own codes.
_BY_SERVER_CODE: Mapping[int, str] = {
    -2147073423: _SESSIONS,  # MSI_E_MAX_SESSION_EXCEEDED
    -2147468648: _SESSIONS,  # MSI_SESSIONMGR_MAXSERVERUSERS_EXCEEDED
    -2147072488: _NOT_READY,  # MSI_CUBE_NOT_PUBLISHED
    -2147072195: _NOT_READY,  # MSI_INBOXMSG_CUBENOTREADY
    -2147206497: "Narrow what is asked for, or ask the administrator to allow more time",  # MSI_REQUEST_TIMEOUT
    -2147214568: _RIGHTS,  # SEC_E_USER_ACCESS_DENIED
    -2147209151: "Check project",  # E_MSI_PROJECT_NOT_FOUND
    -2147216373: _NO_OBJECT,  # MDSVR_E_NO_ID
    -2147468986: "Run again; often, it means that something else uses up this user's instances",  # …INBOX_MSG_NOT_FOUND
}
# Those of the REST server; its table and its answers differ in zeros (ERR0014, ERR014), so the numbers count.
_BY_CODE: Mapping[int, str] = {
    4: _NO_OBJECT,
    13: "The Intelligence Server is not reached from there; tell its administrator",
    14: _RIGHTS,
    16: "Wait until the service is up again",
    17: _RIGHTS,
}
_NO_ROUTE = "Check that url ends with /MicroStrategyLibrary/api; if it does, this server is too old for it"


@dataclass(frozen=True, slots=True)
class Said:
    """An error body. `code` as it is written, `number` what it comes to."""

    code: str = ""
    number: int | None = None
    message: str = ""
    ticket: str = ""
    server_code: int | None = None

    def __str__(self) -> str:
        ticket = f" (ticket {self.ticket})" if self.ticket else ""
        return f"{self.code}: {self.message}{ticket}" if self.code else self.message


def said(response: Response) -> Said:
    """What an answer says of its failure: `code`, `message`, `ticketId`, `iServerCode`, or a list of them."""
    try:
        body = loads(response.body)
    except ValueError:
        return Said(message=response.words)
    if isinstance(body, Mapping) and isinstance(body.get("errors"), list) and body["errors"]:
        body = body["errors"][0]
    if not isinstance(body, Mapping) or "code" not in body:
        return Said(message=response.words)

    def text(name: str) -> str:
        return plain(str(body.get(name) or ""), response.redact)

    code = text("code")
    number = _whole(code)
    server_code = _whole(text("iServerCode"))
    if number is not None and number < 0:  # the KPI calls write the server's code as the code
        number, server_code = None, number
    return Said(code, number, text("message"), text("ticketId"), server_code)


def _whole(code: str) -> int | None:
    match = re.fullmatch(r"(?:ERR)?(-?[0-9]{1,12})", code)
    return int(match[1]) if match else None


def refused(response: Response, doing: str, where: str) -> SourceError:
    """The error for an answer that is no success; `doing` is what was tried, as a sentence's beginning."""
    status = response.status
    if 300 <= status < 400:
        target = plain(place(response.headers.get("location", "")), response.redact) or "another address"
        what = f"{doing}: the platform redirects to {target} (status {status}); redirects are never followed"
        return SourceError(what, where=where, hint="Correct url; a redirect to a login page means single sign-on")
    if status == 407:
        return SourceError(
            f"{doing}: the proxy wants a login (status 407)", where=where, hint="Write it into the URL of the proxy"
        )
    if response.is_markup:
        what = f"{doing}: {response.words} came, where JSON was expected (status {status})"
        return SourceError(what, where=where, hint="Check url; a proxy or a gateway may stand in between")
    found = said(response)
    words = f": {found}" if str(found) else ""
    return SourceError(
        f"{doing}: the platform refuses it (status {status}){words}", where=where, hint=_hint(status, found)
    )


def _hint(status: int, found: Said) -> str:
    if found.server_code is not None and found.server_code in _BY_SERVER_CODE:
        return _BY_SERVER_CODE[found.server_code]
    if "interactive sessions" in found.message:
        return _SESSIONS
    if found.message == "HTTP 404 Not Found" or status == 405 or (status == 404 and not found.code):
        return _NO_ROUTE
    if status == 401:
        return "Check login, username, password or token"
    if found.number is not None and found.number in _BY_CODE:
        return _BY_CODE[found.number]
    if status == 403:
        return _RIGHTS
    if status == 429 or status >= 500:
        return "Run again later; if it stays so, give the administrator the ticket, if there is one"
    return "Check the ids in the job, and what the platform says of them"


def misread(doing: str, why: str, where: str) -> SourceError:
    """An answer that is not as documented."""
    hint = "Nothing of it is used; tell the makers of kpisync which version of the platform this is"
    return SourceError(f"{doing}: {why}", where=where, hint=hint)


def part(document: Any, *path: str | int) -> Any:
    """A part of a JSON document; None where any step of the way is missing."""
    for step in path:
        if isinstance(step, int):
            document = document[step] if isinstance(document, list) and -len(document) <= step < len(document) else None
        else:
            document = document.get(step) if isinstance(document, Mapping) else None
    return document


def items(document: Any, *path: str | int) -> list[Any]:
    """A list in a JSON document; empty where it is missing, or is none."""
    found = part(document, *path)
    return found if isinstance(found, list) else []
