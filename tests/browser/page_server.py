"""The pages served for real, on a port of their own, for as long as a block lasts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from kpisync.config.schema import ServeOptions
from kpisync.testing.clock import FakeClock
from kpisync.web.app import build_app
from tests.browser.plant_views import NOW, Plant

_SECONDS = 20.0


class _Announced(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listens.set()


async def _at_once(seconds: float) -> None:
    """What a wrong token waits for is not waited for here."""


@contextmanager
def served(plant: Plant, token: str | None = None) -> Iterator[str]:
    """The address of the pages of this plant, whose clock stands still at half past six."""
    app = build_app(plant, plant, ServeOptions(token=token), clock=FakeClock(NOW), pause=_at_once)
    server = _Announced(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.listens.wait(_SECONDS), "the pages are not served"
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_SECONDS)
