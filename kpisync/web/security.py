"""Stands before all pages: who may come in, from where, with how much; and what browsers are told about the pages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kpisync.config.schema import LOOPBACK, ServeOptions
from kpisync.web.forms import own_path, same_site_path
from kpisync.web.problems import Problem
from kpisync.web.rendering import Painter, is_fragment
from kpisync.web.session import Answer, Door, Visitor

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_OPEN = ("/livez", "/readyz", "/login", "/logout", "/language")  # each of them looks itself at who asks
_OPEN_BELOW = "/static/"
_LONGEST_QUERY = 4096  # bytes
_CONTROL = re.compile("[\0-\x1f\x7f\ud800-\udfff]")
_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([a-zA-Z0-9.-]+?)\.?)(?::\d{1,5})?", re.ASCII)
DELAY = 1.0  # seconds that a wrong token waits for its answer

Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Guard:
    """An ASGI application around the one of the pages."""

    app: ASGIApp
    door: Door
    painter: Painter
    serve: ServeOptions
    pause: Pause = asyncio.sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message))
            await send(message)

        refusal = await self._refusal(Request(scope, receive))
        await (refusal or self.app)(scope, receive, send_with_headers)

    async def _refusal(self, request: Request) -> Response | None:
        if self._is_rebound(request):
            return PlainTextResponse(
                "This name is not one of this machine: kpisync has no token here, so it answers to localhost only.\n"
                f"Open http://localhost:{self.serve.port}/, or set serve.token to be reached by other names.\n",
                HTTPStatus.MISDIRECTED_REQUEST,
            )
        visitor = self.door.visitor(request)
        request.scope["kpisync.visitor"] = visitor
        problem = _problem(request)
        if not visitor.inside and not _is_open(request):
            return await self._outside(request, visitor)
        return None if problem is None else await run_in_threadpool(self.painter.problem, request, problem)

    def _is_rebound(self, request: Request) -> bool:
        """Whether a name from elsewhere was made to lead here, so that a page of that name could read ours."""
        if self.door.needs_token or self.serve.host not in LOOPBACK:
            return False
        return not _is_loopback(request.headers.get("host", ""))

    async def _outside(self, request: Request, visitor: Visitor) -> Response:
        if visitor.answer is Answer.LIMITED:
            return too_many()
        if visitor.answer is Answer.WRONG:
            await self.pause(DELAY)
        elif "text/html" in request.headers.get("accept", "") or is_fragment(request):
            return RedirectResponse(f"/login?to={quote(_wanted(request), safe='')}", HTTPStatus.SEE_OTHER)
        said = "That is not the token" if visitor.answer else "This needs the token of the page"
        return PlainTextResponse(
            f"{said}. Send it as `Authorization: Bearer TOKEN`, or log in at /login.\n",
            HTTPStatus.UNAUTHORIZED,
            {"WWW-Authenticate": 'Bearer realm="kpisync"'},
        )


def add_headers(headers: MutableHeaders) -> None:
    """What every answer says; what one says already about keeping it stands."""
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-store")


def too_many() -> Response:
    return PlainTextResponse(
        "Too many wrong tokens came from this address. Wait a minute, then try again.\n",
        HTTPStatus.TOO_MANY_REQUESTS,
        {"Retry-After": "60"},
    )


def _is_open(request: Request) -> bool:
    path = request.scope["path"]
    return path in _OPEN or path.startswith(_OPEN_BELOW)


def _wanted(request: Request) -> str:
    """Where somebody should come to once he is logged in."""
    if request.method not in ("GET", "HEAD"):
        return same_site_path(request, request.headers.get("referer", ""))
    query = request.url.query
    return own_path(quote(request.scope["path"]) + (f"?{query}" if query else ""))


def _problem(request: Request) -> Problem | None:
    """What is wrong with a request whoever sends it."""
    if len(request.scope.get("query_string", b"")) > _LONGEST_QUERY:
        return Problem("long_query", HTTPStatus.REQUEST_URI_TOO_LONG, limit=_LONGEST_QUERY)
    if _CONTROL.search(request.scope["path"]):
        return Problem("not_found", HTTPStatus.NOT_FOUND, path=request.scope["path"])
    for name, value in request.query_params.multi_items():
        if _CONTROL.search(name + value):
            return Problem("unreadable", HTTPStatus.BAD_REQUEST, name=name)
    return Problem("foreign", HTTPStatus.FORBIDDEN) if request.method == "POST" and _is_foreign(request) else None


def _is_foreign(request: Request) -> bool:
    """Whether a page of another site made the browser send this. Behind a proxy the scheme may be another one."""
    if site := request.headers.get("sec-fetch-site"):
        return site != "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and _network_location(origin) != request.headers.get("host", "").lower()


def _network_location(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = (found[1] or found[2]).lower()
    try:
        return name in LOOPBACK or ip_address(name).is_loopback
    except ValueError:
        return False
