"""The status page as an ASGI application: its addresses, what stands before them, and what becomes of errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kpisync.config.schema import ServeOptions
from kpisync.errors import KpisyncError
from kpisync.ports import Clock, SystemClock
from kpisync.watch.ports import Actions, Views
from kpisync.web.assets import assets
from kpisync.web.deeds import Deeds
from kpisync.web.pages import Pages
from kpisync.web.probes import Probes
from kpisync.web.problems import Problem, of_error
from kpisync.web.rendering import Painter, templates
from kpisync.web.security import Guard, Pause, add_headers
from kpisync.web.session import Door
from kpisync.web.words import dictionary

_FOR_EVER = "public, max-age=31536000, immutable"


def build_app(
    views: Views,
    actions: Actions,
    serve: ServeOptions,
    redact: Callable[[str], str] = str,
    clock: Clock | None = None,
    pause: Pause = asyncio.sleep,
) -> Starlette:
    """The pages over these pictures. Only `actions` can change anything, and only by POST.

    `redact` strikes secrets out of the texts of errors; `pause` is what a wrong token waits for. An error that no
    page knows is answered with a page and raised again, for the server to log.
    """
    time = clock or SystemClock()
    token = serve.token.get_secret_value() if serve.token else ""
    door = Door(token or None, serve.port, time)
    files = assets()
    painter = Painter(views, door, time, dictionary(), files, templates(files))
    errors = _Errors(painter, redact)
    app = Starlette(
        routes=_routes(
            Pages(views, painter), Deeds(actions, door, painter, pause), Probes(views, redact), _Static(painter)
        ),
        middleware=[Middleware(Guard, door=door, painter=painter, serve=serve, pause=pause)],
        exception_handlers={
            Problem: errors.problem,
            KpisyncError: errors.known,
            HTTPException: errors.of_starlette,
            500: errors.bug,
        },
    )
    app.router.redirect_slashes = False
    return app


def _routes(pages: Pages, deeds: Deeds, probes: Probes, static: _Static) -> list[Route]:
    return [
        Route("/", pages.overview),
        Route("/board", pages.board),
        Route("/runs", pages.runs),
        Route("/runs/{run}", pages.run),
        Route("/value", pages.value),
        Route("/rejects", pages.rejects),
        Route("/destinations", pages.destinations),
        Route("/jobs/{job:path}/run", deeds.run, methods=["POST"]),
        Route("/jobs/{job:path}/retry", deeds.retry, methods=["POST"]),
        Route("/jobs/{job:path}", pages.job),
        Route("/reload", deeds.reload, methods=["POST"]),
        Route("/language", deeds.language, methods=["POST"]),
        Route("/login", deeds.login_page),
        Route("/login", deeds.login, methods=["POST"]),
        Route("/logout", deeds.logout, methods=["POST"]),
        Route("/livez", probes.livez),
        Route("/readyz", probes.readyz),
        Route("/metrics", probes.metrics),
        Route("/static/{digest}/{name:path}", static.file),
    ]


@dataclass(frozen=True)
class _Static:
    painter: Painter

    async def file(self, request: Request) -> Response:
        found = self.painter.assets.find(request.path_params["digest"], request.path_params["name"])
        if found is None:
            return PlainTextResponse("There is no such file.\n", HTTPStatus.NOT_FOUND)
        return Response(found.content, headers={"Content-Type": found.type, "Cache-Control": _FOR_EVER})


@dataclass(frozen=True)
class _Errors:
    """Every error as a page that keeps the layout."""

    painter: Painter
    redact: Callable[[str], str]

    def problem(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, Problem):
            raise error
        return self.painter.problem(request, error)

    def known(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, KpisyncError):
            raise error
        said = self.redact(str(error))
        return self.painter.problem(request, of_error(error, said, asked=request.method in ("GET", "HEAD")))

    def of_starlette(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        path = request.scope["path"]
        if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return self.painter.problem(request, Problem("not_found", HTTPStatus.NOT_FOUND, path=path))
        allowed = (error.headers or {}).get("Allow", "")
        problem = Problem("method", HTTPStatus.METHOD_NOT_ALLOWED, method=request.method, allowed=allowed)
        response = self.painter.problem(request, problem)
        response.headers["Allow"] = allowed
        return response

    def bug(self, request: Request, error: Exception) -> Response:
        """Outside of the guard, so it says itself what the guard adds."""
        response = self.painter.problem(request, Problem("bug", HTTPStatus.INTERNAL_SERVER_ERROR))
        add_headers(response.headers)
        return response
