"""What forms set going: runs, retries, reading the configuration again, logging in and out, the language."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kpisync.watch.ports import Actions
from kpisync.web.forms import own_path, read_form, way_back, with_said
from kpisync.web.problems import bad_query
from kpisync.web.rendering import LANGUAGE_COOKIE, Painter, visitor_of
from kpisync.web.security import DELAY, Pause, too_many
from kpisync.web.session import Answer, Door
from kpisync.web.words import LANGUAGES

_A_YEAR = 365 * 24 * 3600  # seconds


@dataclass(frozen=True)
class Deeds:
    """Every one reads its form first, which lets pass our own ones only; then the browser is sent back."""

    actions: Actions
    door: Door
    painter: Painter
    pause: Pause = asyncio.sleep

    async def run(self, request: Request) -> Response:
        job = request.path_params["job"]
        return await self._do(request, "run", lambda: self.actions.run_now(job))

    async def retry(self, request: Request) -> Response:
        job = request.path_params["job"]
        return await self._do(request, "retry", lambda: self.actions.retry(job))

    async def reload(self, request: Request) -> Response:
        return await self._do(request, "reload", self.actions.reload)

    async def _do(self, request: Request, said: str, deed: Callable[[], None]) -> Response:
        fields = await read_form(request, self.door)
        await run_in_threadpool(deed)
        return _see(with_said(way_back(request, fields), said))

    async def language(self, request: Request) -> Response:
        fields = await read_form(request, self.door)
        language = fields.get("lang", "")
        if language not in LANGUAGES:
            raise bad_query("lang", ", ".join(LANGUAGES))
        response = _see(way_back(request, fields))
        response.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=_A_YEAR,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    async def login_page(self, request: Request) -> Response:
        wanted = own_path(request.query_params.get("to", "/"))
        if visitor_of(request).inside:
            return _see(wanted)
        return await run_in_threadpool(self._ask, request, wanted, None, HTTPStatus.OK)

    async def login(self, request: Request) -> Response:
        """A wrong token is answered a second later; meanwhile everybody else is served."""
        fields = await read_form(request, self.door)
        wanted = own_path(fields.get("to") or request.query_params.get("to", "/"))
        if not self.door.needs_token:
            return _see(wanted)
        answer = self.door.answer(request, fields.get("token", "").strip())
        if answer is Answer.RIGHT:
            entered = _see(wanted)
            self.door.log_in(request, entered)
            return entered
        if answer is Answer.WRONG:
            await self.pause(DELAY)
            return await run_in_threadpool(self._ask, request, wanted, "wrong", HTTPStatus.UNAUTHORIZED)
        response = await run_in_threadpool(self._ask, request, wanted, "limited", HTTPStatus.TOO_MANY_REQUESTS)
        response.headers["Retry-After"] = too_many().headers["Retry-After"]
        return response

    async def logout(self, request: Request) -> Response:
        await read_form(request, self.door)
        response = _see("/login" if self.door.needs_token else "/")
        self.door.log_out(request, response)
        return response

    def _ask(self, request: Request, wanted: str, problem: str | None, status: HTTPStatus) -> Response:
        """`problem`: why the last try did not help, as a key of the words below `login`."""
        return self.painter.page(request, "login", "login.html", int(status), to=wanted, problem=problem)


def _see(path: str) -> RedirectResponse:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
