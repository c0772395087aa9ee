"""The page of the sandbox: what it is, how to use it, what it holds and what it was asked."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined

from kpisync.sandbox.exact import written
from kpisync.sandbox.platform import Response
from kpisync.sandbox.settings import SandboxSettings
from kpisync.sandbox.snapshot import Snapshot, shown

LINES = 200
ENTRIES = 50
_REFRESH = 2  # seconds
_ID = re.compile(r"\b([0-9a-fA-F]{8})(?:-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{16})\b")

_HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
)


class Page:
    """Renders snapshots; everything in them is escaped."""

    def __init__(self) -> None:
        loader = PackageLoader("kpisync.sandbox", "templates")
        templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        templates.filters |= {"digits": written, "short": _short}
        self._page = templates.get_template("page.html")
        self._style = templates.get_template("page.css").render()

    def style(self) -> Response:
        return Response(200, self._style.encode(), "text/css; charset=utf-8", _HEADERS)

    def render(self, snapshot: Snapshot, url: str, refresh: bool) -> Response:
        """`refresh`: the page loads itself again every two seconds."""
        text = self._page.render(
            url=url,
            refresh=_REFRESH if refresh else None,
            snapshot=snapshot,
            behaviour=_behaviour(snapshot.settings),
            most_lines=LINES,
            most_entries=ENTRIES,
        )
        return Response(200, text.encode(), "text/html; charset=utf-8", _HEADERS)


def _behaviour(settings: SandboxSettings) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each setting."""
    fields = SandboxSettings.model_fields
    return [
        (name, _plain(value), fields[name].description or "")
        for name, value in shown(settings).items()
        if name not in ("username", "account")
    ]


def _short(text: str) -> str:
    """Requests with the first eight digits of each id: enough to tell them apart."""
    return _ID.sub(r"\1…", text)


def _plain(value: object) -> str:
    return (", ".join(str(item) for item in value) or "none") if isinstance(value, list) else str(value)
