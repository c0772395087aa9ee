"""One session of MicroStrategy: opened by a login, closed whatever happens, and its requests in between.

Sessions are counted by the platform and end by themselves only after a while, so one that is left open may lock a user
out. Token and cookies go together: without the cookies of its login, a token is worth nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from kpisync.errors import DestinationError, SourceError
from kpisync.model import ReplyKind
from kpisync.ports import Surroundings
from kpisync.sources.microstrategy.failures import misread, refused
from kpisync.sources.microstrategy.options import MicroStrategyOptions
from kpisync.support.http import HttpClient, Unanswered
from kpisync.support.json import dumps, loads
from kpisync.support.statuses import Response

TOKEN, PROJECT = "X-MSTR-AuthToken", "X-MSTR-ProjectID"
_MODES: Mapping[str, int] = {"standard": 1, "guest": 8, "ldap": 16, "api-token": 4096, "identity-token": -1}
_PAUSES = (1.0, 2.0, None)  # seconds before another try; None: there is none
_LONGEST_PAUSE = 60.0
_BUSY = frozenset({429, 502, 503, 504})
_LOGIN = "login"
_SECRET = 8  # characters; a cookie of fewer is no session

# A comma parts two cookies only where a name and an equals sign follow; in dates it does not.
_NEXT_COOKIE = re.compile(r",\s*(?=[!#$%&'*+.^_`|~0-9A-Za-z-]+=)")


class SessionEnded(Exception):
    """The platform knows this session no more; `error` is what to tell if a new one is of no use either."""

    def __init__(self, error: SourceError) -> None:
        self.error = error
        super().__init__(str(error))


class Session:
    """What can be asked while a session is open. Not for several threads: the platform wants one call at a time."""

    def __init__(self, options: MicroStrategyOptions, around: Surroundings, where: str) -> None:
        self._options, self._around, self.where = options, around, where
        self._secrets = set(options.secrets)
        self._token = ""
        self._cookies: dict[str, str] = {}
        self._project: str | None = None
        try:
            self._http = HttpClient(options.http({"Accept": "application/json"}), replace(around, redact=self._redact))
        except DestinationError as error:
            raise SourceError(error.what, where=where, hint="Check url, proxy and ca_file") from None

    @property
    def now(self) -> float:
        return self._around.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._around.clock.sleep(seconds)

    def use_project(self, id: str) -> None:
        self._project = id

    # ------------------------------------------------------------ requests

    def get(self, path: str, doing: str, **params: str) -> Any:
        """The document that a read is answered with; it is tried again where the platform is busy."""
        return self._document(self._checked(self._send("GET", path, doing, params=params, again=True), doing), doing)

    def create(self, path: str, body: Any, doing: str, headers: Mapping[str, str], **params: str) -> Any:
        """A new instance. Without an answer it is not tried again: the first one goes with its session."""
        response = self._send("POST", path, doing, params=params, body=body, headers=headers)
        return self._document(self._checked(response, doing), doing)

    def put(self, path: str, body: Any, doing: str) -> None:
        self._checked(self._send("PUT", path, doing, body=body, again=True), doing)

    def delete(self, path: str, doing: str) -> None:
        self._checked(self._send("DELETE", path, doing, again=True), doing)

    def _checked(self, response: Response, doing: str) -> Response:
        if response.status == 401:
            raise SessionEnded(refused(response, doing, self.where))
        if not 200 <= response.status < 300 or response.is_markup:
            raise refused(response, doing, self.where)
        return response

    def _document(self, response: Response, doing: str) -> Any:
        try:
            return loads(response.body.decode("utf-8-sig"))
        except ValueError as error:
            raise misread(doing, f"the answer is no JSON ({error})", self.where) from None

    def _send(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        again: bool = False,
    ) -> Response:
        """`again`: it may be carried out twice. What surely was not carried out is always tried again."""
        content = None if body is None else dumps(body).encode()
        sent = {**self._headers(content is not None), **(headers or {})}
        for pause in _PAUSES:
            try:
                response = self._http.request(method, path, params=params or None, content=content, headers=sent)
            except DestinationError as error:
                raise SourceError(f"{doing}: {error.what}", where=self.where, hint="Correct url") from None
            except Unanswered as failure:
                if pause is None or not (again or failure.reply.kind is ReplyKind.NOT_SENT):
                    hint = "Check url, network and proxy; raise timeout if the platform needs longer"
                    raise SourceError(f"{doing}: {failure.reply.words}", where=self.where, hint=hint) from None
                wait = pause
            else:
                self._remember(response)
                if pause is None or not (response.status == 429 or (again and response.status in _BUSY)):
                    return response
                wait = pause if response.retry_after is None else response.retry_after
            self.sleep(min(wait, _LONGEST_PAUSE))
        raise AssertionError("the last try has no pause")

    def _headers(self, with_body: bool) -> dict[str, str]:
        headers = {TOKEN: self._token} if self._token else {}
        if self._project is not None:
            headers[PROJECT] = self._project
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return headers | ({"Content-Type": "application/json"} if with_body else {})

    def _remember(self, response: Response) -> None:
        """Cookies and token, which any answer may renew."""
        for cookie in _NEXT_COOKIE.split(response.headers.get("set-cookie", "")):
            name, equals, value = cookie.partition(";")[0].partition("=")
            if equals:
                self._cookies[name.strip()] = value.strip()
                self._secrets |= {value.strip()} if len(value.strip()) >= _SECRET else set()
        if token := response.headers.get(TOKEN.lower()):
            self._token = token
            self._secrets.add(token)

    def _redact(self, text: str) -> str:
        text = self._around.redact(text)
        for secret in sorted(filter(None, self._secrets), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    # ------------------------------------------------------------ beginning and end

    def _log_in(self) -> None:
        """Not tried again once it was sent: each login opens a session, and a wrong one may lock the user out."""
        options, mode = self._options, _MODES[self._options.login]
        token = options.token.get_secret_value() if options.token else ""
        if mode == -1:
            path, body = "/auth/delegate", {"loginMode": mode, "identityToken": token}
        elif mode == 4096:
            path, body = "/auth/login", {"loginMode": mode, "username": token}
        else:
            password = options.password.get_secret_value() if options.password else None
            named = {"username": options.username, "password": password}
            path, body = "/auth/login", {"loginMode": mode, **{key: text for key, text in named.items() if text}}
        response = self._send("POST", path, _LOGIN, body=body)
        if not 200 <= response.status < 300:
            raise refused(response, _LOGIN, self.where)
        if not self._token:
            what = f"{_LOGIN}: the answer (status {response.status}) has no header {TOKEN}"
            hint = "Check url; a gateway in between must let this header pass"
            raise SourceError(what, where=self.where, hint=hint)

    def _log_out(self) -> str | None:
        """Why the session could not be closed; None if it is. An unknown session is closed already (401)."""
        if not self._token or self._options.login == "identity-token":
            return None
        try:
            response = self._send("POST", "/auth/logout", "logout", again=True)
        except SourceError as error:
            return str(error)
        if response.status == 401 or 200 <= response.status < 300:
            return None
        return str(refused(response, "logout", self.where))

    def _close(self) -> None:
        self._http.close()


@contextmanager
def session(options: MicroStrategyOptions, around: Surroundings, where: str, notes: list[str]) -> Iterator[Session]:
    """Logged in from its beginning to its end, however that comes. Raises SourceError; `notes` hear of a failed end."""
    opened = Session(options, around, where)
    try:
        try:
            opened._log_in()
            yield opened
        finally:
            if (why := opened._log_out()) is not None:
                notes.append(f"{why}; the session ends by itself after a while")
    finally:
        opened._close()
