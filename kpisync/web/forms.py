"""Forms as they arrive, and the way back to where they were."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import ClientDisconnect, Request

from kpisync.web.problems import Problem
from kpisync.web.rendering import visitor_of
from kpisync.web.session import Door

MAX_BYTES = 64 * 1024
_SECONDS = 10  # in which a form has to be here
_FIELDS = 20
_KIND = "application/x-www-form-urlencoded"
_OURS = re.compile(r"/(?![/\\])[^\0-\x20#\\\x7f-\x9f]*")
_LONGEST_PATH = 4096


async def read_form(request: Request, door: Door) -> dict[str, str]:
    """The fields of a form of ours. Raises Problem for any other, and for what is none."""
    try:
        async with asyncio.timeout(_SECONDS):
            body = await _body(request)
    except TimeoutError:
        raise Problem("too_slow", HTTPStatus.REQUEST_TIMEOUT, seconds=_SECONDS) from None
    except ClientDisconnect:
        raise Problem("no_form", HTTPStatus.BAD_REQUEST) from None
    fields = _fields(request, body)
    visitor = visitor_of(request)
    if not visitor.by_header and not door.is_own_form(visitor, fields.get("csrf", "")):
        raise Problem("old_form", HTTPStatus.FORBIDDEN)
    return fields


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BYTES:
            raise Problem("too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit=MAX_BYTES)
    return bytes(body)


def _fields(request: Request, body: bytes) -> dict[str, str]:
    if not body:
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _KIND:
        raise Problem("no_form", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS))
    except ValueError:
        raise Problem("no_form", HTTPStatus.BAD_REQUEST) from None


def way_back(request: Request, fields: Mapping[str, str]) -> str:
    """The page that a form was on: as it says itself in `back`, else as the browser does. Always one of ours."""
    return own_path(fields["back"]) if "back" in fields else same_site_path(request, request.headers.get("referer", ""))


def with_said(path: str, said: str) -> str:
    """The same page with the key of a message, in place of an older one."""
    address, _, query = path.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "said"]
    return f"{address}?{urlencode([*kept, ('said', said)])}"


def own_path(text: str) -> str:
    """The text, if it is a path of this server and nothing else; otherwise the first page."""
    return text if len(text) <= _LONGEST_PATH and _OURS.fullmatch(text) else "/"


def same_site_path(request: Request, url: str) -> str:
    """The path of an address with its query, if it is of the host that was asked; otherwise the first page."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "/"
    if parts.netloc.lower() != request.headers.get("host", "").lower():
        return "/"
    return own_path(parts.path + (f"?{parts.query}" if parts.query else ""))
