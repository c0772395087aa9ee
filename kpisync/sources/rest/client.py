"""What a REST source is answered: documents, and words for every answer that is none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

from kpisync.errors import SourceError
from kpisync.ports import Surroundings
from kpisync.sources.rest.login import Login, TokenLogin
from kpisync.sources.rest.options import AuthOptions, RestOptions
from kpisync.sources.rest.requests import Requests, Spacing
from kpisync.support.addresses import place
from kpisync.support.json import loads
from kpisync.support.statuses import Response, plain


@dataclass(frozen=True, slots=True)
class Answer:
    document: Any
    headers: Mapping[str, str]  # names in lower case


class Client:
    """`where` is what messages name. Closed when all is read."""

    def __init__(self, options: RestOptions, around: Surroundings, where: str) -> None:
        self._options, self._where, self._around = options, where, around
        self._secrets = set(_secrets(options.auth))
        spaced = Spacing(options.rate_limit, around.clock).wait
        inner = replace(around, redact=self._redact, wait_turn=spaced)
        oauth2 = options.auth.oauth2 if options.auth else None
        self._login = TokenLogin(oauth2, options, inner, self._secrets) if oauth2 else Login(options.auth)
        self._requests = Requests(options, options.origin, inner, where)

    def close(self) -> None:
        self._requests.close()
        self._login.close()

    def get(self, target: str) -> Answer:
        """The document at a path with its query. Raises SourceError."""
        response = self._sent(target)
        if response.status == 401 and self._login.renew():
            response = self._sent(target)
        if response.status != 200:
            raise self._refusal(response)
        return Answer(self._document(response), response.headers)

    def _sent(self, target: str) -> Response:
        chosen = {name.title(): value for name, value in self._options.headers.items()}  # one of a name, in any case
        headers = {"Accept": "application/json", **chosen, **self._login.headers()}
        return self._requests.send("GET", self._with_parameter(target), headers)

    def _with_parameter(self, target: str) -> str:
        """A link to the next page may carry the key already."""
        if self._login.parameter is None:
            return target
        path, _, query = target.partition("?")
        if any(name == self._login.parameter[0] for name, _ in parse_qsl(query, keep_blank_values=True)):
            return target
        return f"{path}?{query}{'&' if query else ''}{urlencode([self._login.parameter])}"

    def _document(self, response: Response) -> Any:
        try:
            return loads(_text(response))
        except (ValueError, LookupError) as error:
            media_type = plain(response.headers.get("content-type", ""), self._redact)
            if response.is_markup:
                what, hint = f"the answer is {response.words}, no JSON", "It may be a login page: check url and auth"
            else:
                what = f"the answer is no JSON ({media_type or 'without a content type'}): {plain(str(error), str)}"
                hint = "Check url and query; some servers want an Accept header"
            raise SourceError(what, where=self._where, hint=hint) from None

    def _refusal(self, response: Response) -> SourceError:
        status = response.status
        said = f": {response.words}" if response.words else ""
        what, hint = f"the server does not answer the question (status {status}){said}", "Check url, query and pages"
        if 300 <= status < 400:
            target = plain(place(response.headers.get("location", "")), self._redact) or "another address"
            what = f"the server redirects to {target} (status {status}); redirects are never followed"
            hint = "Correct url, if that is the right address"
        elif status in (401, 403):
            auth = self._options.auth
            what = f"the server refuses the login (status {status}){said}"
            hint = f"Check auth.{auth.kind}, and what it may read" if auth else "Declare a login under auth"
        elif status == 404:
            what = f"the server has nothing there (status 404){said}"
        elif status == 407:
            what, hint = "the proxy wants a login (status 407)", "Write user and password into the URL of the proxy"
        elif 200 <= status < 300:
            what = f"the answer has no content that counts (status {status})"
        return SourceError(what, where=self._where, hint=hint)

    def _redact(self, text: str) -> str:
        text = self._around.redact(text)
        for secret in sorted(self._secrets, key=len, reverse=True):
            for form in (secret, quote(secret, safe=""), quote_plus(secret)):
                text = text.replace(form, "***")
        return text


def _secrets(auth: AuthOptions | None) -> list[str]:
    """What the configuration keeps secret too; an answer may repeat it."""
    if auth is None:
        return []
    held = [
        auth.bearer,
        auth.basic and auth.basic.password,
        auth.header and auth.header.value,
        auth.query and auth.query.value,
        auth.oauth2 and auth.oauth2.client_secret,
    ]
    return [text for secret in held if secret and (text := secret.get_secret_value())]


def _text(response: Response) -> str:
    """Decoded strictly, as the header declares; by default UTF-8. Raises ValueError or LookupError."""
    declared = re.search(r'charset="?([\w.:-]+)', response.headers.get("content-type", ""), re.ASCII | re.IGNORECASE)
    codec = declared[1] if declared else json.detect_encoding(response.body[:4])
    return response.body.decode(codec).removeprefix("\ufeff")
