"""The dead man's switch: an address that is asked after each good run, so that somebody else notices a silence."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from threading import Condition

import structlog

from kpisync.config.schema import AlertOptions
from kpisync.daemon.aside import in_thread
from kpisync.errors import DestinationError, Exit
from kpisync.ports import Clock, Surroundings
from kpisync.support.addresses import base_url
from kpisync.support.http import ENVIRONMENT, HttpClient, HttpOptions, Unanswered
from kpisync.watch.model import Topic, Trouble

log = structlog.get_logger()

_APART = 60.0  # seconds between two requests
_PATIENCE = 10.0  # seconds, one request, all in all
_LONGEST_ANSWER = 1 << 16


class Ping:
    """Asks `alerts.ping` with GET, once a minute at most, in a thread of its own; threads may share it."""

    def __init__(self, options: Callable[[], AlertOptions | None], clock: Clock, redact: Callable[[str], str]) -> None:
        self._options, self._clock, self._redact = options, clock, redact
        self._turn = Condition()
        self._busy = False
        self._asked: float | None = None  # when, on the clock that never goes back
        self._trouble: Trouble | None = None

    def after_run(self, exit_code: int) -> None:
        """Returns at once. Only a run that ended with 0 counts."""
        url = _address(self._options())
        if url is None:
            self._trouble = None
        elif exit_code == Exit.OK:
            self._begin(url)

    def troubles(self) -> tuple[Trouble, ...]:
        """That the address does not answer, until it does."""
        return (self._trouble,) if self._trouble else ()

    def wait(self, seconds: float) -> bool:
        """Until nothing is being asked, but not longer; whether that is so."""
        with self._turn:
            return self._turn.wait_for(lambda: not self._busy, seconds)

    def _begin(self, url: str) -> None:
        with self._turn:
            now = self._clock.monotonic()
            if self._busy or (self._asked is not None and now - self._asked < _APART):
                return
            self._busy, self._asked = True, now
        in_thread("kpisync ping", partial(self._ask, url))

    def _ask(self, url: str) -> None:
        failure: str | None = None
        try:
            failure = asked(url, self._redact)
        finally:
            with self._turn:
                self._enter(failure)
                self._busy = False
                self._turn.notify_all()

    def _enter(self, failure: str | None) -> None:
        if failure is None:
            self._trouble = None
            return
        since = self._trouble.since if self._trouble else self._clock.now()
        self._trouble = Trouble(
            Topic.ALERTS, f"alerts.ping: {failure}; it is asked again after the next good run", since
        )
        log.warning("ping not answered", why=failure)


def asked(url: str, redact: Callable[[str], str]) -> str | None:
    """Ask once, without following a redirect; returns why it was not answered well, or None."""
    try:
        base_url(url.partition("?")[0])
    except ValueError as problem:
        return f"{problem}; correct it"
    if not url.isprintable():
        return "the URL holds a character that cannot be seen; correct it"
    options = HttpOptions(url, {}, timeout=_PATIENCE, connections=1, proxy=ENVIRONMENT, longest=_LONGEST_ANSWER)
    try:
        with closing(HttpClient(options, Surroundings(redact=redact))) as client:
            status = client.request("GET", "").status
    except Unanswered as failure:
        return redact(failure.reply.words)
    except DestinationError as error:
        return redact(error.what)
    return None if 200 <= status < 300 else f"the address answered {status}"


def _address(options: AlertOptions | None) -> str | None:
    secret = options and options.ping
    return (secret.get_secret_value().strip() or None) if secret else None
