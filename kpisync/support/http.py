"""One HTTP client for all adapters: no redirects, no surprises from the environment, every failure told apart.

The only module that imports httpx, so that a successor is a change here alone.
"""

from __future__ import annotations

import ipaddress
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from kpisync.errors import DestinationError
from kpisync.model import Reply, ReplyKind
from kpisync.ports import Surroundings

_CONNECT_SECONDS = 5.0
_MOST_BYTES = 10 * 1024 * 1024
_MOST_RETRY_AFTER = 900.0
_WORDS = 300


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes
    words: str  # the platform's own, on one line, cut, free of secrets

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


def _words(body: bytes) -> str:
    text = body[: 4 * _WORDS].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else " " for char in " ".join(text.split()))[:_WORDS]


class Unanswered(Exception):
    """No readable answer: `kind` is NOT_SENT if surely nothing was sent, else UNKNOWN."""

    def __init__(self, kind: ReplyKind, words: str) -> None:
        self.reply = Reply(kind, words=words)
        super().__init__(words)


@dataclass(frozen=True)
class HttpOptions:
    url: str
    headers: Mapping[str, str]
    auth: tuple[str, str] | None = None
    timeout: float = 30.0  # seconds, one request, all in all
    connections: int = 4
    ca_file: str | None = None
    proxy: str | None = None  # a URL, or "environment"


class HttpClient:
    """Requests below one base URL; may be used from several threads."""

    def __init__(self, options: HttpOptions, surroundings: Surroundings) -> None:
        # httpx writes whole URLs, with their query, at INFO
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._base = options.url.rstrip("/")
        self._timeout = options.timeout
        self._around = surroundings
        proxy = None if options.proxy in (None, "environment") else options.proxy
        self._client = httpx.Client(
            headers={"Accept-Encoding": "identity", "User-Agent": "kpisync", **options.headers},
            auth=options.auth,
            timeout=httpx.Timeout(options.timeout, connect=min(_CONNECT_SECONDS, options.timeout)),
            limits=httpx.Limits(max_connections=options.connections, max_keepalive_connections=options.connections),
            verify=_tls(options.ca_file),
            follow_redirects=False,
            trust_env=options.proxy == "environment",
            proxy=proxy,
        )

    @property
    def base(self) -> str:
        return self._base

    def close(self) -> None:
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """One request, one answer. Raises Unanswered; any status is an answer."""
        self._around.wait_turn()
        self._around.requests[method] += 1
        deadline = time.monotonic() + self._timeout
        try:
            with self._client.stream(
                method, self._base + path, params=params, content=content, headers=headers
            ) as response:
                body = _body(response, deadline)
                words = self._around.redact(_words(body))
                return Response(response.status_code, _lowered(response), body, words)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise Unanswered(ReplyKind.NOT_SENT, f"{_host(self._base)} was not reached: {_said(error)}") from None
        except httpx.TransportError as error:
            raise Unanswered(ReplyKind.UNKNOWN, f"{_host(self._base)} gave no answer: {_said(error)}") from None
        except httpx.InvalidURL as error:
            raise DestinationError(f"{_host(self._base)} is no usable address: {error}") from None


def _tls(ca_file: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise DestinationError(f"the CA file {ca_file} cannot be used: {error}", hint="Give a PEM file") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _lowered(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _body(response: httpx.Response, deadline: float) -> bytes:
    """The whole body; one that is too long or too slow is no answer."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise httpx.ReadError(f"the answer is longer than {_MOST_BYTES} bytes")
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the answer did not end in time")
    return bytes(body)


def _said(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return {"timed out": "timed out", "[Errno 111] Connection refused": "connection refused"}.get(text, text)


def _host(url: str) -> str:
    parts = urlsplit(url)
    return parts.hostname + (f":{parts.port}" if parts.port else "") if parts.hostname else url


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine, where plain http is no danger."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def retry_after(text: str | None, now: datetime | None = None) -> float | None:
    """Seconds to wait, from a number or an HTTP date (RFC 9110, 10.2.3), at most 15 minutes; None if unreadable."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), _MOST_RETRY_AFTER)
    try:
        seconds = (parsedate_to_datetime(text) - (now or datetime.now(UTC))).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), _MOST_RETRY_AFTER)


_KINDS = {
    408: ReplyKind.BUSY,
    425: ReplyKind.BUSY,
    429: ReplyKind.BUSY,
    503: ReplyKind.BUSY,
    502: ReplyKind.UNKNOWN,
    504: ReplyKind.UNKNOWN,
}


def classify(response: Response, where: str) -> Reply:
    """What a status says of a write or a read. Raises DestinationError where going on is of no use."""
    status = response.status
    if 300 <= status < 400:
        target = _host(response.headers.get("location", "")) or "nowhere"
        raise DestinationError(
            f"the platform redirects to {target} (status {status}); redirects are never followed",
            where=where,
            hint="Correct the url of the destination",
        )
    if status == 401:
        raise DestinationError(
            "the platform refuses the login (status 401)", where=where, hint="Check username, password or token"
        )
    if status in (406, 415):
        raise DestinationError(
            f"the platform does not take this media type (status {status}): {response.words}",
            where=where,
            hint="Check media_type of the destination",
        )
    if 200 <= status < 300:
        kind = ReplyKind.FAILED if response.media_type in ("text/html", "application/xhtml+xml") else ReplyKind.ACCEPTED
        words = "an HTML page instead of JSON" if kind is ReplyKind.FAILED else ""
        return Reply(kind, status, words)
    default = ReplyKind.FAILED if status >= 500 else ReplyKind.REFUSED
    wait = retry_after(response.headers.get("retry-after"))
    return Reply(_KINDS.get(status, default), status, response.words, retry_after=wait)
