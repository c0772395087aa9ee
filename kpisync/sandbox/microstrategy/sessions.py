"""The sessions of the stand-in of MicroStrategy: counted, limited, bound to a cookie, and ended by themselves."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from itertools import count
from typing import Any

from kpisync.sandbox.microstrategy.content import Dashboard, Dataset
from kpisync.sandbox.microstrategy.failures import Failure, session_ended
from kpisync.sandbox.microstrategy.grid import Asked
from kpisync.sandbox.platform import Request, Response
from kpisync.sandbox.settings import SandboxSettings

TOKEN, PROJECT, COOKIE = "X-MSTR-AuthToken", "X-MSTR-ProjectID", "JSESSIONID"
_STANDARD, _GUEST, _LDAP, _API_TOKEN, _DELEGATE = 1, 8, 16, 4096, -1
_PATH = "/microstrategy/MicroStrategyLibrary"


@dataclass
class Instance:
    """Of a cube or a report, or of a dashboard; `polls` is how often it will still say that it is running."""

    id: str
    of: str  # the object's id
    shows: Dataset | Dashboard
    asked: Asked
    polls: int
    answered: set[str] = field(default_factory=set)  # keys of prompts


@dataclass
class Session:
    """One of the Intelligence Server's; several tokens may lead to it."""

    user: str
    used: datetime
    tokens: dict[str, str] = field(default_factory=dict)  # with the cookie of each
    instances: dict[str, Instance] = field(default_factory=dict)  # oldest first

    def keep(self, instance: Instance, working_set: int) -> None:
        """Beyond the working set, the oldest instance is forgotten."""
        self.instances[instance.id] = instance
        while len(self.instances) > working_set:
            self.instances.pop(next(iter(self.instances)))


class Sessions:
    """`now` is the clock. Not thread-safe: its owner locks."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now, self._numbers = now, count(1)
        self._open: list[Session] = []
        self._identities: dict[str, Session] = {}
        self.opened = 0  # since the beginning

    def new_id(self) -> str:
        """32 hexadecimal digits, no two alike."""
        return f"{next(self._numbers):032X}"

    def open(self, settings: SandboxSettings) -> list[Session]:
        """Those that did not end by themselves yet."""
        self._open = [each for each in self._open if self._now() - each.used < settings.session_timeout]
        return self._open

    def end_all(self) -> None:
        self._open.clear()
        self._identities.clear()

    # ------------------------------------------------------------ login

    def log_in(self, body: Any, settings: SandboxSettings) -> Response:
        mode, user = _whole(body.get("loginMode", _STANDARD)), str(body.get("username", ""))
        secret = str(body.get("password", ""))
        right = {
            _STANDARD: _same(user, settings.username) and _same(secret, settings.password),
            _LDAP: _same(user, settings.username) and _same(secret, settings.password),
            _GUEST: True,
            _API_TOKEN: _same(user, settings.token) and "password" not in body,
        }
        if mode not in right:
            raise Failure(400, 6, f"Login mode {mode} is not supported.")
        if not right[mode]:
            raise Failure(401, 3, "Login failed")
        if len(self.open(settings)) >= settings.session_limit:
            raise Failure(500, 2, "The maximum number of interactive sessions is reached.", -2147073423)
        session = Session("guest" if mode == _GUEST else settings.username, self._now())
        self._open.append(session)
        self.opened += 1
        return self._let_in(session)

    def delegate(self, body: Any, settings: SandboxSettings) -> Response:
        session = self._identities.get(str(body.get("identityToken")))
        if _whole(body.get("loginMode")) != _DELEGATE or session not in self.open(settings):
            raise Failure(401, 3, "Login failed")
        return self._let_in(session)

    def identity(self, session: Session) -> Response:
        identity = f"identity-{self.new_id()}"
        self._identities[identity] = session
        return Response(201, headers=(("X-MSTR-IdentityToken", identity),))

    def _let_in(self, session: Session) -> Response:
        token, cookie = f"token-{self.new_id()}", self.new_id()
        session.tokens[token] = cookie
        kept = f"{COOKIE}={cookie}; Path={_PATH}; Secure; HttpOnly"
        return Response(204, headers=((TOKEN, token), ("Set-Cookie", kept)))

    def log_out(self, session: Session) -> Response:
        """It ends for every token that leads to it."""
        self._open.remove(session)
        return Response(204)

    # ------------------------------------------------------------ who asks

    def of(self, request: Request, settings: SandboxSettings) -> Session:
        """The session of a request, kept alive by it. A token without the cookie of its login is worth nothing."""
        token = request.headers.get(TOKEN, "")
        for session in self.open(settings):
            if token in session.tokens and (
                settings.session_cookie == "ignored" or _cookie(request) == session.tokens[token]
            ):
                session.used = self._now()
                return session
        raise session_ended()


def _whole(mode: Any) -> int | None:
    """The mode is a number in one client and a text in another."""
    try:
        return int(mode)
    except (TypeError, ValueError):
        return None


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


def _cookie(request: Request) -> str | None:
    try:
        found = SimpleCookie(request.headers.get("Cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None
