"""What a user sets for a REST source: what is asked for, with which login, and in which pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from kpisync.fields import Options, Rate
from kpisync.support.addresses import base_url, is_loopback
from kpisync.support.expressions import Expression
from kpisync.support.http_options import HttpAccess, Url
from kpisync.tables.objects import ObjectOptions

_TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_DATES = ("from", "to", "until")
_OF_DAYS = frozenset("YmdyjGVuHMS%")
_LOGIN = re.compile(
    r"(proxy-)?authorization|cookie|(x-)?(auth|access)[-_]?token|(x-)?api[-_]?(key|token)|token|secret|password|sig",
    re.I,
)


def _endpoint(text: str) -> str:
    """The URL as it stands: to some servers a slash at its end makes a difference."""
    if "?" in text:
        raise ValueError("what follows the ? of a URL is written under query")
    base_url(text)
    return _with_dates(text)


def _with_dates(text: str) -> str:
    for name in _PLACEHOLDER.findall(text):
        if name not in _DATES:
            raise ValueError(f"{{{name}}} is no date of the run; there are {{from}}, {{to}} and {{until}}")
    return text


def _date_format(text: str) -> str:
    unknown = set(re.findall(r"%(.?)", text)) - _OF_DAYS
    if unknown or len({day.strftime(text) for day in (date(2026, 1, 1), date(2026, 1, 9), date(2027, 1, 1))}) < 3:
        raise ValueError("not a date format such as %Y-%m-%d or %Y-%m-%dT00:00:00Z, with a year and a day in it")
    return text


def _header_name(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("not the name of a header")
    return text


def _header_value(text: str) -> str:
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise ValueError("a header holds printable ASCII characters, without blanks around them")
    return text


def _secret_header_value(secret: SecretStr) -> SecretStr:
    _header_value(secret.get_secret_value())
    return secret


def _username(text: str) -> str:
    if ":" in text or not text.isprintable():
        raise ValueError("a user name has no colon and no control character, for HTTP Basic cannot carry them")
    return text


def _no_logins(given: dict[str, str]) -> dict[str, str]:
    """What is a secret by its name must stand where it is kept as one."""
    for name in given:
        if _LOGIN.fullmatch(name):
            raise ValueError(f"{name} is a login; it belongs under auth, where it is kept secret")
    return given


HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderSecret = Annotated[SecretStr, Field(min_length=1), AfterValidator(_secret_header_value)]


class BasicOptions(Options):
    username: Annotated[str, AfterValidator(_username)] = Field(min_length=1, description="the user")
    password: SecretStr = Field(description="the password")


class HeaderAuthOptions(Options):
    name: HeaderName = Field(description="the header, such as X-API-Key")
    value: HeaderSecret = Field(description="the key")


class QueryAuthOptions(Options):
    name: str = Field(min_length=1, description="the parameter, such as api_key; servers write URLs into their logs")
    value: SecretStr = Field(min_length=1, description="the key")


class OAuth2Options(Options):
    """The grant for programs, client credentials (RFC 6749, 4.4)."""

    token_url: Url = Field(description="where the access token comes from")
    client_id: str = Field(min_length=1, description="the client")
    client_secret: SecretStr = Field(min_length=1, description="the client's secret")
    scope: str | None = Field(None, description="what the token is for, as its giver calls it")
    credentials: Literal["header", "body"] = Field(
        "header", description="where the giver of tokens wants id and secret: header (HTTP Basic) or body"
    )


class AuthOptions(Options):
    """One of these."""

    basic: BasicOptions | None = Field(None, description="user and password, by HTTP Basic")
    bearer: HeaderSecret | None = Field(None, description="a token, by Authorization: Bearer")
    header: HeaderAuthOptions | None = Field(None, description="a key in a header")
    query: QueryAuthOptions | None = Field(None, description="a key in the URL; only if there is no other way")
    oauth2: OAuth2Options | None = Field(None, description="a token that is fetched first, by client credentials")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1 or not self.kind:
            raise ValueError("give one of basic, bearer, header, query, oauth2")
        return self

    @property
    def kind(self) -> str:
        return next((name for name in type(self).model_fields if getattr(self, name) is not None), "")


class PageOptions(Options):
    """Pages by number, up to one without rows."""

    param: str = Field("page", min_length=1, description="the parameter for the number of a page")
    first: int = Field(1, ge=0, description="the number of the first page")
    size_param: str | None = Field(None, description="the parameter for the rows of a page")
    size: int | None = Field(None, ge=1, description="how many rows of a page are asked for")

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.size_param is None) != (self.size is None):
            raise ValueError("size_param and size go together")
        return self


class OffsetOptions(Options):
    """Pages by the number of rows before them, up to one without rows."""

    param: str = Field("offset", min_length=1, description="the parameter for the rows before a page, from 0")
    limit_param: str = Field("limit", min_length=1, description="the parameter for the rows of a page")
    limit: int = Field(ge=1, description="how many rows of a page are asked for; the server may give fewer")


class PagesOptions(Options):
    """One way to come from a page to the next."""

    next: Expression | None = Field(
        None, description="a JMESPath expression for the next page's URL, or its token if there is a param"
    )
    param: str | None = Field(None, min_length=1, description="the parameter for the token that next finds")
    page: PageOptions | None = Field(None, description="pages by number")
    offset: OffsetOptions | None = Field(None, description="pages by the number of rows before them")
    link: Literal["header"] | None = Field(None, description='header: the Link header with rel="next" (RFC 8288)')

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.next, self.page, self.offset, self.link)) != 1:
            raise ValueError("give one of next, page, offset, link")
        if self.param is not None and self.next is None:
            raise ValueError("param is for the token that next finds")
        return self


class RestOptions(ObjectOptions, HttpAccess):
    url: Annotated[str, AfterValidator(_endpoint)] = Field(
        description="what is asked for, by GET, without a query; {from}, {to} and {until} are the dates of the run"
    )
    query: Annotated[dict[str, Annotated[str, AfterValidator(_with_dates)]], AfterValidator(_no_logins)] = Field(
        {}, description="parameters; {from} and {to} (both inclusive) and {until} (exclusive) are the dates of the run"
    )
    date_format: Annotated[str, AfterValidator(_date_format)] = Field(
        "%Y-%m-%d", description="how those dates are written"
    )
    headers: Annotated[dict[HeaderName, Annotated[str, AfterValidator(_header_value)]], AfterValidator(_no_logins)] = (
        Field({}, description="further headers; a login is none of them")
    )
    auth: AuthOptions | None = Field(None, description="the login: one of basic, bearer, header, query, oauth2")
    pages: PagesOptions | None = Field(None, description="how the next page is found: one of next, page, offset, link")
    total: Expression | None = Field(
        None, description="a JMESPath expression for the number of all rows; fewer are an error"
    )
    max_pages: int = Field(1000, ge=1, description="more pages than this are taken for a mistake")
    rate_limit: Rate = Field(None, description="requests at most: 5/s, 100/m, 2000/h, or none")

    @model_validator(mode="after")
    def _encrypted_token(self) -> Self:
        url = self.auth.oauth2.token_url if self.auth and self.auth.oauth2 else ""
        if url.lower().startswith("http:") and not (is_loopback(url) or self.allow_plain_http):
            raise ValueError("auth.oauth2.token_url must start with https://, or the login would travel unencrypted")
        return self

    @property
    def has_login(self) -> bool:
        return self.auth is not None

    @property
    def dates(self) -> set[str]:
        """Which dates of the run it binds."""
        return {name for text in (self.url, *self.query.values()) for name in _PLACEHOLDER.findall(text)}

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def target(self, dates: Mapping[str, date]) -> tuple[str, dict[str, str]]:
        """Path and parameters of the first page."""
        written = {name: day.strftime(self.date_format) for name, day in dates.items()}

        def bound(text: str) -> str:
            return _PLACEHOLDER.sub(lambda match: written[match[1]], text)

        return bound(urlsplit(self.url).path) or "/", {name: bound(text) for name, text in self.query.items()}
