"""Who asks: the token, signed cookies that carry a session, and how often a wrong token may be tried."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from enum import Enum

from starlette.requests import Request
from starlette.responses import Response

from kpisync.ports import Clock

LIFE = 12 * 3600  # seconds a login lasts
_TRIES, _WINDOW = 10, 60.0  # so many wrong tokens from one address in so many seconds, then none is looked at
_ADDRESSES = 1024  # of so many it is remembered


class Answer(Enum):
    """What becomes of somebody who shows a token."""

    RIGHT = "right"
    WRONG = "wrong"
    LIMITED = "limited"  # it was not even looked at


@dataclass(frozen=True, slots=True)
class Visitor:
    """One request's sender. `visit` names the browser, signed by us; forms are bound to it."""

    visit: str
    is_new: bool  # the browser does not hold the cookie yet
    inside: bool  # may see and do everything
    by_header: bool = False  # it sent the token itself, so no other site can have made it do so
    answer: Answer | None = None  # to the token in its header


@dataclass(frozen=True)
class Seal:
    """Signs what a browser keeps for us. The key is as old as the process: nothing signed outlives it."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def sign(self, purpose: str, text: str) -> str:
        return hmac.new(self.key, f"{purpose}\0{text}".encode(errors="replace"), hashlib.sha256).hexdigest()

    def closed(self, purpose: str, text: str) -> str:
        return f"{text}.{self.sign(purpose, text)}"

    def opened(self, purpose: str, sealed: str | None) -> str | None:
        """What was sealed for this purpose; None for anything else."""
        text, _, signature = (sealed or "").rpartition(".")
        return text if text and same(signature, self.sign(purpose, text)) else None


@dataclass
class Attempts:
    """Wrong tokens, by the address that they came from. For one thread: that of the event loop."""

    clock: Clock
    _wrong: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    def is_limited(self, address: str) -> bool:
        times = self._wrong.get(address)
        while times and times[0] <= self.clock.monotonic() - _WINDOW:
            times.popleft()
        return times is not None and len(times) >= _TRIES

    def note(self, address: str) -> None:
        self._wrong.setdefault(address, deque()).append(self.clock.monotonic())
        self._wrong.move_to_end(address)
        while len(self._wrong) > _ADDRESSES:
            self._wrong.popitem(last=False)


class Door:
    """Knows visitors. Without a token everybody is inside: then only this machine reaches the page."""

    def __init__(self, token: str | None, port: int, clock: Clock, seal: Seal | None = None) -> None:
        self._token, self._clock = token, clock
        self._seal, self._attempts = seal or Seal(), Attempts(clock)
        # Cookies do not tell ports apart, so two daemons of one machine need names of their own.
        self._visit_cookie, self._login_cookie = f"kpisync_visit_{port}", f"kpisync_login_{port}"

    @property
    def needs_token(self) -> bool:
        return self._token is not None

    def visitor(self, request: Request) -> Visitor:
        """Who sends this request. A wrong token in its header counts as a try."""
        visit = self._seal.opened("visit", request.cookies.get(self._visit_cookie))
        name, is_new = visit or secrets.token_urlsafe(16), visit is None
        if self._token is None:
            return Visitor(name, is_new, inside=True)
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            answer = self.answer(request, shown.strip())
            return Visitor(name, is_new, answer is Answer.RIGHT, by_header=answer is Answer.RIGHT, answer=answer)
        return Visitor(name, is_new, self._is_logged_in(request, visit))

    def answer(self, request: Request, shown: str) -> Answer:
        """Compare a token; of a wrong one note is taken before anything is awaited, so no flood gets past the limit."""
        address = request.client.host if request.client else ""
        if self._attempts.is_limited(address):
            return Answer.LIMITED
        if self._token is not None and same(shown, self._token):
            return Answer.RIGHT
        self._attempts.note(address)
        return Answer.WRONG

    def form_token(self, visitor: Visitor) -> str:
        """What a form of this visitor has to bring along."""
        return self._seal.sign("form", visitor.visit)

    def is_own_form(self, visitor: Visitor, shown: str) -> bool:
        return not visitor.is_new and same(shown, self.form_token(visitor))

    def greet(self, request: Request, response: Response, visitor: Visitor) -> None:
        """Give a browser that is new its name: to whom nobody else gave one."""
        if visitor.is_new:
            _keep(request, response, self._visit_cookie, self._seal.closed("visit", visitor.visit), None)

    def log_in(self, request: Request, response: Response) -> None:
        """A new name with the login, so that one known to somebody else is worth nothing."""
        visit = secrets.token_urlsafe(16)
        until = f"{self._clock.now().timestamp() + LIFE:.0f}"
        _keep(request, response, self._visit_cookie, self._seal.closed("visit", visit), None)
        sealed = self._seal.closed("login", f"{visit}:{until}")
        _keep(request, response, self._login_cookie, sealed, LIFE)

    def log_out(self, request: Request, response: Response) -> None:
        for name in (self._visit_cookie, self._login_cookie):
            _keep(request, response, name, "", 0)

    def _is_logged_in(self, request: Request, visit: str | None) -> bool:
        login = self._seal.opened("login", request.cookies.get(self._login_cookie))
        if login is None or visit is None:
            return False
        owner, _, until = login.rpartition(":")
        return owner == visit and self._clock.now().timestamp() < float(until)


def same(one: str, other: str) -> bool:
    """Compared in a time that tells nothing about how much of them is the same, not even their lengths."""
    digests = (hashlib.sha256(text.encode(errors="replace")).digest() for text in (one, other))
    return hmac.compare_digest(*digests)


def _keep(request: Request, response: Response, name: str, value: str, seconds: int | None) -> None:
    """Lax: a link in a mail leads to its page. What changes anything is a form, which asks for more than a cookie."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
