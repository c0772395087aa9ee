"""Requests of a REST source to one host: spaced, tried again where that may help, and every failure a SourceError."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

from kpisync.errors import DestinationError, SourceError
from kpisync.ports import Clock, Surroundings
from kpisync.sources.rest.options import RestOptions
from kpisync.support.http import MEBIBYTE, HttpClient, Unanswered
from kpisync.support.statuses import Response

_LONGEST = 100 * MEBIBYTE  # of an answer: a list may come as one page
_TRIES = 4
_LONGEST_WAIT = 60.0  # seconds; a server that asks for more is left alone, and the job may run again later


class Spacing:
    """Keeps the requests of a source apart; `rate` is in requests a second."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._apart, self._clock, self._next = 1 / rate if rate else 0.0, clock, 0.0

    def wait(self) -> None:
        now = self._clock.monotonic()
        self._clock.sleep(max(0.0, self._next - now))
        self._next = max(self._next, now) + self._apart


class Requests:
    """`base` is scheme and host; `where` is what messages name. Only for requests that may be sent twice."""

    def __init__(self, options: RestOptions, base: str, around: Surroundings, where: str) -> None:
        self._clock, self._where = around.clock, where
        self._dice = random.Random()  # noqa: S311 - jitter
        try:
            self._http = HttpClient(replace(options.http({}), url=base, longest=_LONGEST), around)
        except DestinationError as error:
            raise self._unusable(error) from None

    def close(self) -> None:
        self._http.close()

    def send(self, method: str, target: str, headers: Mapping[str, str], content: bytes | None = None) -> Response:
        """The answer, of whatever status, to the first try that was not in vain. Raises SourceError."""
        tried = 0
        while True:
            tried, wait = tried + 1, None
            try:
                response = self._http.request(method, target, headers=headers, content=content)
            except Unanswered as failure:
                trouble = failure.reply.words
            except DestinationError as error:
                raise self._unusable(error) from None
            else:
                if not _is_passing(response.status):
                    return response
                trouble = f"the server answers with status {response.status}: {response.words or 'no words'}"
                wait = response.retry_after
            if tried == _TRIES:
                hint = "Check url, proxy and ca_file of the source, or run again when it is reachable"
                raise SourceError(f"{trouble} ({tried} tries)", where=self._where, hint=hint)
            if wait is not None and wait > _LONGEST_WAIT:
                hint = "Run again later, or declare a rate_limit"
                raise SourceError(f"{trouble}; it asks for a pause of {wait:.0f} s", where=self._where, hint=hint)
            self._clock.sleep(max(wait or 0.0, self._dice.uniform(0, 2.0 ** (tried - 1))))

    def _unusable(self, error: DestinationError) -> SourceError:
        return SourceError(error.what, where=self._where, hint="Check url, proxy and ca_file of the source")


def _is_passing(status: int) -> bool:
    """Whether the same request may be answered well a little later."""
    return status in (408, 425, 429) or status >= 500
