"""The sandbox's own paths: its page, its state in JSON, and the switches that change it while it runs.

No login: instead it is reachable on loopback only, under a loopback name only (a foreign name could be rebound to us),
and a switch takes nothing but `application/json` (which a foreign web page cannot send here without being asked for).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from kpisync.fields import Options
from kpisync.model import RecordKey
from kpisync.sandbox import exact
from kpisync.sandbox.core import Core
from kpisync.sandbox.page import ENTRIES, LINES, Page
from kpisync.sandbox.platform import IsSource, Refusal, Request, Response
from kpisync.sandbox.settings import Fault, SandboxSettings
from kpisync.sandbox.snapshot import as_json, shown, taken

PREFIX = "/_sandbox/"
_TAIL = 200
_FAULTS = TypeAdapter(tuple[Fault, ...])


class HandEdit(Options):
    """A record as another hand writes it; `values: null` deletes it."""

    platform: str = "valuestreamer"
    kpi: str = Field(description="a catalog name or an id, as for the others")
    team: str | None = None
    sub_tile: str | None = None
    date: date
    values: Annotated[dict[str, Annotated[Decimal, Field(max_digits=40)]], Field(min_length=1)] | None


class Control:
    """Answers `/` and everything under `/_sandbox/`; `url` is the sandbox's own."""

    def __init__(self, core: Core, url: str) -> None:
        self._core, self._url, self._page = core, url, Page()
        self._reads: dict[str, Callable[[Request], Response]] = {
            "/": self._show,
            "/_sandbox/page.css": lambda _: self._page.style(),
            "/_sandbox/state": self._state,
        }
        self._switches: dict[str, Callable[[bytes], object]] = {
            "/_sandbox/settings": self._settings,
            "/_sandbox/faults": self._faults,
            "/_sandbox/record": self._record,
            "/_sandbox/object": self._object,
            "/_sandbox/reset": self._reset,
        }

    def answer(self, request: Request) -> Response:
        try:
            if request.path in self._reads:
                if request.method not in ("GET", "HEAD"):
                    raise Refusal(405, "This can only be read.", (("Allow", "GET, HEAD"),))
                return self._reads[request.path](request)
            if request.path in self._switches:
                return self._switch(request, self._switches[request.path])
            paths = ", ".join([*self._reads, *self._switches])
            raise Refusal(404, f"There is nothing here; the sandbox knows {paths}.")
        except Refusal as refusal:
            return refusal.response

    def _show(self, request: Request) -> Response:
        snapshot = taken(self._core, self._url, LINES, ENTRIES)
        return self._page.render(snapshot, self._url, refresh="refresh" in request.query)

    def _state(self, request: Request) -> Response:
        return _json({"url": self._url, **as_json(taken(self._core, self._url, None, _TAIL))})

    def _switch(self, request: Request, change: Callable[[bytes], object]) -> Response:
        if request.method != "POST":
            raise Refusal(405, "This takes a POST.", (("Allow", "POST"),))
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "The Content-Type must be application/json. Nothing was changed.")
        try:
            return _json(change(request.body))
        except ValidationError as error:
            raise Refusal(400, f"{_in_words(error)}. Nothing was changed.") from None
        except ValueError as error:
            raise Refusal(400, f"The body is not JSON: {error}. Nothing was changed.") from None

    def _settings(self, body: bytes) -> object:
        posted = json.loads(body)
        if not isinstance(posted, dict):
            raise Refusal(400, 'A JSON object is expected, such as {"latency": "1s"}. Nothing was changed.')
        now = self._core.settings.model_dump(exclude={"faults"})
        self._core.set_settings(SandboxSettings.model_validate({**now, **posted}))
        return shown(self._core.settings)

    def _faults(self, body: bytes) -> object:
        self._core.set_faults(_FAULTS.validate_python(json.loads(body)))
        return [fault.model_dump(mode="json") for fault in self._core.faults.pending()]

    def _record(self, body: bytes) -> object:
        write_by_hand(self._core, HandEdit.model_validate(exact.read(body)))
        return {}

    def _object(self, body: bytes) -> object:
        document = exact.read(body)
        if not isinstance(document, dict):
            raise Refusal(400, 'A JSON object is expected, such as {"kind": "cube", …}. Nothing was changed.')
        platform = document.pop("platform", "microstrategy")
        put_object(self._core, platform, document)
        return {}

    def _reset(self, body: bytes) -> object:
        self._core.reset()
        return {}


def write_by_hand(core: Core, edit: HandEdit) -> None:
    """Raises `Refusal` for a name that is not known, or for a record to delete that is not there."""
    platform = core.platforms.get(edit.platform)
    if platform is None:
        raise Refusal(400, f"There is no platform {edit.platform[:80]!r} here.")
    key = RecordKey(edit.platform, edit.kpi, edit.team, edit.sub_tile, edit.date)
    with core.lock:
        if edit.values is None:
            platform.remove(key)
        else:
            platform.edit(key, edit.values, core.settings)


def put_object(core: Core, platform: str, document: Any) -> None:
    """Raises `Refusal` for a platform that takes none, and ValidationError."""
    found = core.platforms.get(platform)
    if not isinstance(found, IsSource):
        raise Refusal(400, f"There is no source {platform[:80]!r} here.")
    with core.lock:
        found.put(document)


def _in_words(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'body'}: {item['msg']}" for item in error.errors()
    )


def _json(document: Any) -> Response:
    return Response(200, json.dumps(document).encode(), headers=(("Cache-Control", "no-store"),))
