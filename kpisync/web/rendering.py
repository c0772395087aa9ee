"""Pages from templates: what every one of them knows, in the reader's language and the plant's time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from kpisync import __version__
from kpisync.errors import KpisyncError
from kpisync.ports import Clock
from kpisync.watch.model import Trouble
from kpisync.watch.ports import Views
from kpisync.web.assets import Assets
from kpisync.web.filters import FILTERS, shown
from kpisync.web.problems import Problem
from kpisync.web.session import Door, Visitor
from kpisync.web.words import LANGUAGES, Words, preferred

LANGUAGE_COOKIE = "kpisync_language"


def visitor_of(request: Request) -> Visitor:
    """As the guard saw him; before it did, somebody who may see nothing."""
    found = request.scope.get("kpisync.visitor")
    return found if isinstance(found, Visitor) else Visitor("", is_new=True, inside=False)


def language_of(request: Request) -> str:
    """As chosen on a page, else as the browser asks."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else preferred(request.headers.get("accept-language", ""))


def is_fragment(request: Request) -> bool:
    """Whether a page that is open already asks for its polled part."""
    return request.headers.get("hx-request") == "true"


def templates(assets: Assets) -> Environment:
    """What a template says of others is escaped; a name that a page does not have is a mistake."""
    found = Environment(
        loader=PackageLoader("kpisync.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        auto_reload=False,
    )
    found.filters |= FILTERS
    found.globals |= {"static": assets.url, "version": __version__}
    return found


@dataclass(frozen=True)
class Painter:
    """Makes every page. May be used from several threads."""

    views: Views
    door: Door
    clock: Clock
    words: Mapping[str, Words]
    assets: Assets
    templates: Environment

    def page(self, request: Request, here: str, template: str, code: int = 200, /, **context: Any) -> Response:
        """`here` names the page in the navigation; `troubles` in the context spare asking for them."""
        visitor = visitor_of(request)
        if "troubles" not in context:
            context["troubles"] = self._troubles(visitor)
        text = self.templates.get_template(template).render({**self._surroundings(request, here), **context})
        response = HTMLResponse(text, code)
        if visitor.visit:
            self.door.greet(request, response, visitor)
        return response

    def problem(self, request: Request, problem: Problem) -> Response:
        """The page of what went wrong; to a page that polls, a part in place of the one that it asked for."""
        t = self.words[language_of(request)]
        values = {"said": "", **problem.values}
        texts = {part: t(f"problem.{problem.key}.{part}", **values) for part in ("title", "text", "next")}
        context: dict[str, Any] = {"status": int(problem.status), "problem": texts}
        if problem.key == "bug":
            context["troubles"] = ()
        template = "_problem.html" if is_fragment(request) else "error.html"
        return self.page(request, "error", template, int(problem.status), **context)

    def _surroundings(self, request: Request, here: str) -> dict[str, Any]:
        visitor = visitor_of(request)
        t = self.words[language_of(request)]
        return {
            "lang": t.language,
            "t": t,
            "zone": self._zone(),
            "now": self.clock.now(),
            "csrf": self.door.form_token(visitor),
            "here": here,
            "inside": visitor.inside,
            "asks_login": self.door.needs_token and visitor.inside and not visitor.by_header,
            "query": dict(request.query_params),
        }

    def _troubles(self, visitor: Visitor) -> tuple[Trouble, ...]:
        """Nothing for strangers: a trouble speaks of the configuration."""
        return self.views.readiness().troubles if visitor.inside else ()

    def _zone(self) -> ZoneInfo:
        try:
            return self.views.timezone()
        except KpisyncError:
            return ZoneInfo("UTC")
