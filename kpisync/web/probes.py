"""What machines ask: whether the daemon lives, whether it can work, and its metrics."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from kpisync.watch.metrics import CONTENT_TYPE
from kpisync.watch.model import Trouble
from kpisync.watch.ports import Views
from kpisync.web.rendering import visitor_of


@dataclass(frozen=True)
class Probes:
    views: Views
    redact: Callable[[str], str]

    async def livez(self, request: Request) -> Response:
        """On the event loop: it is answered even when every thread waits for the store."""
        if self.views.alive():
            return PlainTextResponse("alive\n")
        said = "The scheduler does not look at the clock any more. Start kpisync again; its log says why.\n"
        return PlainTextResponse(said, HTTPStatus.SERVICE_UNAVAILABLE)

    def readyz(self, request: Request) -> Response:
        """Strangers learn what kind of troubles there are, and nothing of the configuration."""
        readiness = self.views.readiness()
        inside = visitor_of(request).inside
        topics = dict.fromkeys(str(trouble.topic) for trouble in readiness.troubles)
        troubles = [self._told(each) for each in readiness.troubles] if inside else [{"topic": each} for each in topics]
        body = json.dumps({"ready": readiness.ready, "troubles": troubles}) + "\n"
        status = HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(body, status, media_type="application/json")

    def metrics(self, request: Request) -> Response:
        return Response(self.views.metrics(), headers={"Content-Type": CONTENT_TYPE})

    def _told(self, trouble: Trouble) -> dict[str, Any]:
        return {
            "topic": str(trouble.topic),
            "said": self.redact(trouble.said),
            "since": trouble.since.isoformat(timespec="seconds"),
            "job": trouble.job,
            "stops": trouble.stops,
        }
