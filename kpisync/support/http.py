"""One HTTP client for all adapters: no redirects, no surprises from the environment, every failure told apart.

The only module that imports httpx, so that a successor is a change here alone.
"""

from __future__ import annotations

import logging
import re
import ssl
import urllib.request
import zlib
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpx

from kpisync.errors import DestinationError
from kpisync.model import Reply, ReplyKind
from kpisync.ports import Surroundings
from kpisync.support.addresses import place
from kpisync.support.deadline import Call, Calls, DeadlineBackend, ForbiddenAddress
from kpisync.support.statuses import Response, plain, retry_after
from kpisync.support.tracing import span

_CONNECT_SECONDS = 5.0
_IDLE_SECONDS = 3.0  # then a kept connection is given up: many servers do so after 5
MEBIBYTE = 1 << 20
_PIECE = 1 << 16
ENVIRONMENT = "environment"


class Unanswered(Exception):
    """No readable answer: `reply.kind` is NOT_SENT if surely nothing was sent, else UNKNOWN."""

    def __init__(self, kind: ReplyKind, words: str) -> None:
        self.reply = Reply(kind, words=words)
        super().__init__(words)


class _Unusable(Exception):
    """A body that came, and is no use."""


@dataclass(frozen=True)
class HttpOptions:
    """`url` as `addresses.base_url` returns it; `proxy` a URL, or `environment` for what the variables there say."""

    url: str
    headers: Mapping[str, str]
    auth: tuple[str, str] | None = None
    timeout: float = 30.0  # seconds, one request, all in all
    connections: int = 4
    ca_file: str | None = None
    proxy: str | None = None
    longest: int = 10 * MEBIBYTE  # an answer, in bytes


class HttpClient:
    """Requests below one base URL; may be used from several threads.

    It speaks to httpx's transport and not to its client, which would keep cookies, log URLs with their query, and
    look at where a redirect leads.
    """

    def __init__(self, options: HttpOptions, surroundings: Surroundings) -> None:
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._base = options.url
        self._longest = options.longest
        self._seconds = options.timeout
        self._around = surroundings
        self._headers = {"Accept-Encoding": "identity", "User-Agent": "kpisync", **options.headers}
        if options.auth:
            self._headers["Authorization"] = "Basic " + b64encode(":".join(options.auth).encode()).decode()
        timeout = httpx.Timeout(options.timeout, connect=min(_CONNECT_SECONDS, options.timeout))
        self._extensions = {"timeout": timeout.as_dict()}
        self._calls = Calls()
        self._counting = Lock()
        self._options = options
        # What a user may have written wrongly is tried at once.
        named = options.ca_file or options.proxy
        self._made: httpx.HTTPTransport | None = _transport(options, self._calls) if named else None

    def close(self) -> None:
        if self._made:
            self._made.close()

    @property
    def _transport(self) -> httpx.HTTPTransport:
        """Made for the first request: most runs have nothing to ask for, and to read all CAs takes its time."""
        with self._counting:
            self._made = self._made or _transport(self._options, self._calls)
            return self._made

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """One request, one answer. Raises Unanswered; any status is an answer, even one whose body is not readable."""
        request = httpx.Request(
            method,
            self._base + path,
            params=params,
            content=content,
            headers={**self._headers, **(headers or {})},
            extensions=self._extensions,
        )
        return self._counted(method, lambda: self._asked(request))

    def download(self, path: str, into: Callable[[bytes], None]) -> Response:
        """GET; of a success the body goes into `into` as it was sent, in pieces that each have the time of a request.

        Raises Unanswered as `request` does, also after some pieces.
        """
        request = httpx.Request("GET", self._base + path, headers=self._headers, extensions=self._extensions)
        return self._counted("GET", lambda: self._downloaded(request, into))

    def _counted(self, method: str, work: Callable[[], Response]) -> Response:
        """One request, as soon as its turn comes, among those made, and its answer among the answers."""
        self._around.wait_turn()
        self._count(self._around.requests, method)
        attributes = {"http.request.method": method, "server.address": place(self._base)}
        status = "none"
        with span("kpisync.request", destination=self._around.name, **attributes) as told:
            try:
                response = work()
                status = str(response.status)
                told(**{"http.response.status_code": response.status})
                return response
            finally:
                self._count(self._around.answers, status)

    def _count(self, counter: Counter[str], what: str) -> None:
        with self._counting:
            counter[what] += 1

    def _downloaded(self, request: httpx.Request, into: Callable[[bytes], None]) -> Response:
        with self._in_time():
            response = self._transport.handle_request(request)
            if response.status_code != 200:
                return self._read(response)
        with closing(response):
            pieces = response.iter_raw(_PIECE)
            while True:
                with self._in_time() as call:
                    call.sent = True  # long ago
                    piece = next(pieces, None)
                if piece is None:
                    return self._response(response, b"")
                into(piece)

    @contextmanager
    def _in_time(self) -> Iterator[Call]:
        """What fails in here is Unanswered; all of it together has the time of a request."""
        with self._calls.begin(self._seconds) as call:
            try:
                yield call
            except ForbiddenAddress:
                raise DestinationError(
                    f"{place(self._base)} leads to an address where machines keep credentials, or to none at all",
                    hint="It is never used; correct the url of the destination",
                ) from None
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
                raise self._unanswered(ReplyKind.NOT_SENT, error) from None
            except (httpx.TransportError, OSError, _Unusable) as error:
                raise self._unanswered(_kind(call), error) from None

    def _asked(self, request: httpx.Request) -> Response:
        with self._in_time():
            return self._read(self._transport.handle_request(request))

    def _read(self, response: httpx.Response) -> Response:
        try:
            body = _body(response, self._longest)
        except (httpx.TransportError, OSError, _Unusable):
            if 200 <= response.status_code < 300:
                raise
            body = b""  # a refusal is one, whether or not its words arrive
        finally:
            response.close()
        return self._response(response, body)

    def _response(self, response: httpx.Response, body: bytes) -> Response:
        return Response(
            response.status_code,
            {name.lower(): value for name, value in response.headers.items()},
            body,
            retry_after(response.headers.get_list("retry-after")),
            self._around.redact,
        )

    def _unanswered(self, kind: ReplyKind, error: Exception) -> Unanswered:
        what = "was not reached" if kind is ReplyKind.NOT_SENT else "gave no answer that can be used"
        return Unanswered(kind, plain(f"{place(self._base)} {what}: {_said(error)}", self._around.redact))


# ---------------------------------------------------------------- making it


def _transport(options: HttpOptions, calls: Calls) -> httpx.HTTPTransport:
    tls = _tls(options.ca_file)
    limits = httpx.Limits(
        max_connections=options.connections,
        max_keepalive_connections=options.connections,
        keepalive_expiry=_IDLE_SECONDS,
    )
    try:
        httpx.URL(options.url)
        transport = httpx.HTTPTransport(verify=tls, trust_env=False, limits=limits, proxy=_proxy(options, tls))
    except (httpx.InvalidURL, ValueError, ImportError):
        what = f"the address {place(options.url)} or its proxy cannot be used"
        raise DestinationError(what, hint="Check url and proxy") from None
    # httpx has no setting for it, and its time-outs do not bound a server that sends a byte now and then
    pool: Any = transport._pool
    pool._network_backend = DeadlineBackend(pool._network_backend, calls)
    return transport


def _proxy(options: HttpOptions, tls: ssl.SSLContext) -> httpx.Proxy | None:
    url = _environment_proxy(options.url) if options.proxy == ENVIRONMENT else options.proxy
    if not url:
        return None
    return httpx.Proxy(url, ssl_context=tls if urlsplit(url).scheme == "https" else None)


def _tls(ca_file: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise DestinationError(
            f"the CA file {ca_file} cannot be used: {_said(error)}", hint="Give a PEM file"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _environment_proxy(url: str) -> str | None:
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.netloc):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


# ---------------------------------------------------------------- reading an answer


def _body(response: httpx.Response, longest: int) -> bytes:
    """The whole body, also if it came compressed although nobody asked for that."""
    raw = bytearray()
    for chunk in response.iter_raw():
        raw += chunk
        if len(raw) > longest:
            raise _Unusable(f"it is longer than {longest:,} bytes")
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity") or not raw:
        return bytes(raw)
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise _Unusable("it is compressed in a way that nobody asked for")
    return _unpacked(bytes(raw), longest)


def _unpacked(raw: bytes, longest: int) -> bytes:
    packed = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        body = packed.decompress(raw, longest + 1)
    except zlib.error:
        raise _Unusable("its compression is broken") from None
    if len(body) > longest:
        raise _Unusable(f"it is longer than {longest:,} bytes")
    if not packed.eof or packed.unused_data:
        raise _Unusable("its compression is broken")
    return body


def _kind(call: Call) -> ReplyKind:
    return ReplyKind.UNKNOWN if call.sent else ReplyKind.NOT_SENT


def _said(error: Exception) -> str:
    """A failure in a few plain words, without the numbers and file names of the libraries."""
    text = re.sub(r"^\[[^\]]*\] *| *\(_ssl\.c:\d+\)$|_ssl\.c:\d+: *", "", str(error).strip())
    return (text[:1].lower() + text[1:] if text[1:2].islower() else text) or type(error).__name__
