"""The login of a REST source: what each request carries, and a token that is fetched first."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from kpisync.errors import SourceError
from kpisync.ports import Surroundings
from kpisync.sources.rest.options import AuthOptions, OAuth2Options, RestOptions
from kpisync.sources.rest.requests import Requests
from kpisync.support.addresses import place
from kpisync.support.json import loads
from kpisync.support.statuses import Response


class Login:
    """A login that stays as it is; or none."""

    def __init__(self, auth: AuthOptions | None) -> None:
        self.parameter: tuple[str, str] | None = None  # of each URL
        self._headers: dict[str, str] = {}
        if auth and auth.basic:
            self._headers["Authorization"] = _basic(auth.basic.username, auth.basic.password.get_secret_value())
        elif auth and auth.bearer:
            self._headers["Authorization"] = f"Bearer {auth.bearer.get_secret_value()}"
        elif auth and auth.header:
            self._headers[auth.header.name.title()] = auth.header.value.get_secret_value()
        elif auth and auth.query:
            self.parameter = (auth.query.name, auth.query.value.get_secret_value())

    def headers(self) -> Mapping[str, str]:
        """Raises SourceError if a token is needed, and there is none to be had."""
        return self._headers

    def renew(self) -> bool:
        """After a refusal: whether the next request has another login."""
        return False

    def close(self) -> None:
        pass


class TokenLogin(Login):
    """An access token by client credentials (RFC 6749, 4.4), fetched with the first request, and anew if refused."""

    def __init__(self, oauth2: OAuth2Options, options: RestOptions, around: Surroundings, secrets: set[str]) -> None:
        super().__init__(None)
        parts = urlsplit(oauth2.token_url)
        self._oauth2, self._secrets = oauth2, secrets
        self._path, self._where = parts.path or "/", place(oauth2.token_url)
        self._requests = Requests(options, f"{parts.scheme}://{parts.netloc}", around, self._where)
        self._token: str | None = None

    def headers(self) -> Mapping[str, str]:
        if self._token is None:
            self._token = self._fetched()
            self._secrets.add(self._token)
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        self._token = None
        return True

    def close(self) -> None:
        self._requests.close()

    def _fetched(self) -> str:
        oauth2, secret = self._oauth2, self._oauth2.client_secret.get_secret_value()
        form = {"grant_type": "client_credentials"} | ({"scope": oauth2.scope} if oauth2.scope else {})
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        if oauth2.credentials == "body":
            form |= {"client_id": oauth2.client_id, "client_secret": secret}
        else:  # both are form-encoded first (2.3.1)
            headers["Authorization"] = _basic(quote_plus(oauth2.client_id), quote_plus(secret))
        response = self._requests.send("POST", self._path, headers, urlencode(form).encode())
        token = _access_token(response)
        if token is None:
            said = f": {response.words}" if response.status != 200 and response.words else ""
            raise SourceError(
                f"no access token was given (status {response.status}){said}",
                where=self._where,
                hint="Check token_url, client_id, client_secret, scope and credentials under auth.oauth2",
            )
        return token


def _access_token(response: Response) -> str | None:
    try:
        found: Any = loads(response.body) if response.status == 200 else None
    except ValueError:
        return None
    token = found.get("access_token") if isinstance(found, dict) else None
    usable = isinstance(token, str) and token.isascii() and token.isprintable() and " " not in token
    return token if usable and token else None


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
