"""What an HTTP answer says of a request: its kind, its words made harmless, and how long to wait."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from kpisync.errors import DestinationError, LoginError
from kpisync.model import Reply, ReplyKind
from kpisync.support.addresses import place

_MOST_RETRY_AFTER = 900.0  # seconds; some platforms ask for hours
_MOST_WORDS = 300
_LOOKED_AT = 16_384  # bytes of a body that words are taken from
_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `headers` have names in lower case; `redact` strikes secrets out of what the body says."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    retry_after: float | None = None  # seconds
    redact: Callable[[str], str] = str

    @property
    def words(self) -> str:
        """The platform's own, on one line, free of secrets."""
        return words_of(self.body, self.redact)

    @property
    def is_markup(self) -> bool:
        """Whether it is a web page, such as a gateway's, and no answer of an interface."""
        media_type = self.headers.get("content-type", "").split(";")[0].strip().lower()
        return media_type in ("text/html", "application/xhtml+xml") or self.body[:1000].lstrip()[:1] == b"<"


def plain(text: str, redact: Callable[[str], str]) -> str:
    """Words that are not our own, for a message: on one line, without control characters, cut, free of secrets.

    Secrets are struck out before anything else changes the text, or half of one could be left.
    """
    shown = "".join(char if char.isprintable() else " " for char in redact(text))
    return redact(" ".join(shown.split()))[:_MOST_WORDS].rstrip()


def words_of(body: bytes, redact: Callable[[str], str]) -> str:
    """What a body says; of a web page, its title."""
    text = body[:_LOOKED_AT].decode("utf-8", "replace")
    if not text.lstrip().startswith("<"):
        return plain(text, redact)
    title = _TITLE.search(text)
    return plain(f"a web page: {title[1]}" if title else "a web page", redact)


def retry_after(texts: Sequence[str], now: datetime | None = None) -> float | None:
    """Seconds to wait, at most 15 minutes: the longest of all Retry-After headers; None if none is readable.

    Each is a number of seconds or an HTTP date (RFC 9110, 10.2.3), or several numbers that a proxy has joined.
    """
    waits = [wait for text in texts if (wait := _wait(text.strip(), now or datetime.now(UTC))) is not None]
    return min(max(waits), _MOST_RETRY_AFTER) if waits else None


def _wait(text: str, now: datetime) -> float | None:
    if re.fullmatch(r"[0-9]+(\s*,\s*[0-9]+)*", text):
        return max(float(part) for part in text.split(","))
    try:
        return max((parsedate_to_datetime(text) - now).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


_KINDS = {
    **dict.fromkeys((408, 425, 429, 503), ReplyKind.BUSY),
    **dict.fromkeys((502, 504), ReplyKind.UNKNOWN),  # a gateway gave up; what is behind it may still be working
    **dict.fromkeys((520, 522, 524, 598, 599), ReplyKind.UNKNOWN),  # the same, of large hosters' gateways
}


def classify(response: Response, where: str) -> Reply:
    """What a status says of a write or a read. Raises DestinationError where going on is of no use."""
    status = response.status
    _raise_if_useless(response, where)
    if 200 <= status < 300:
        if response.is_markup:
            return Reply(ReplyKind.FAILED, status, f"{response.words or 'a web page'}, where JSON was expected")
        return Reply(ReplyKind.ACCEPTED, status)
    return Reply(_kind(status), status, response.words, retry_after=response.retry_after)


def _kind(status: int) -> ReplyKind:
    if status < 200:
        return ReplyKind.UNKNOWN
    return _KINDS.get(status, ReplyKind.FAILED if status >= 500 else ReplyKind.REFUSED)


def _raise_if_useless(response: Response, where: str) -> None:
    status = response.status
    if 300 <= status < 400:
        target = plain(place(response.headers.get("location", "")), lambda text: text) or "another address"
        what = f"the platform redirects to {target} (status {status}); redirects are never followed"
        raise DestinationError(what, where=where, hint="Correct the url of the destination")
    if status == 401:
        what = "the platform refuses the login (status 401)"
        raise LoginError(what, where=where, hint="Check username, password or token")
    if status == 407:
        what = "the proxy wants a login (status 407)"
        raise DestinationError(what, where=where, hint="Write user and password into the URL of the proxy")
    if status in (406, 415):
        said = f": {response.words}" if response.words else ""
        what = f"the platform does not take this media type (status {status}){said}"
        raise DestinationError(what, where=where, hint="Check media_type of the destination")
