"""What a user sets for a source or destination over HTTP, whatever its platform: derive your options from these."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from kpisync.fields import Duration, FilePath, Options
from kpisync.ports import DestinationOptions
from kpisync.support.addresses import base_url, is_loopback
from kpisync.support.http import ENVIRONMENT, HttpOptions

Url = Annotated[str, AfterValidator(base_url)]

_LONGEST = timedelta(hours=1)


def _timeout(span: timedelta) -> timedelta:
    if not timedelta() < span <= _LONGEST:
        raise ValueError("a request needs a time of more than 0s and of at most 1h")
    return span


def _no_proxy(value: Any) -> Any:
    return None if value == "none" else value


def _proxy(text: str | None) -> str | None:
    if text in (None, ENVIRONMENT):
        return text
    scheme, _, rest = (text or "").partition("://")
    if scheme.lower() not in ("http", "https"):
        raise ValueError("a proxy is written as its URL, such as http://proxy:3128, or as environment or none")
    base_url(f"{scheme}://{rest.rpartition('@')[2]}")  # unlike a destination's, it may hold user and password
    return text


class HttpAccess(Options):
    """Address, time limit and the way there. Override `url` to describe yours."""

    url: Url = Field(description="where the platform's interface begins")
    timeout: Annotated[Duration, AfterValidator(_timeout)] = Field(
        timedelta(seconds=30), description="one request, all in all"
    )
    ca_file: FilePath | None = Field(None, description="a PEM file with the company's certification authority")
    proxy: Annotated[str | None, BeforeValidator(_no_proxy), AfterValidator(_proxy)] = Field(
        None, description="a proxy's URL, environment (what the variables there say), or none, the default"
    )
    allow_plain_http: bool = Field(False, description="send the login unencrypted to another machine")

    @property
    def has_login(self) -> bool:
        """Whether something travels with each request that nobody else may read."""
        return True

    @property
    def connections(self) -> int:
        return 1

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        plain = self.url.lower().startswith("http:")
        if plain and self.has_login and not (is_loopback(self.url) or self.allow_plain_http):
            raise ValueError("url must start with https://, or the login would travel unencrypted")
        return self

    def http(self, headers: Mapping[str, str], auth: tuple[str, str] | None = None) -> HttpOptions:
        """The same for `HttpClient`."""
        return HttpOptions(
            url=self.url,
            headers=headers,
            auth=auth,
            timeout=self.timeout.total_seconds(),
            connections=self.connections,
            ca_file=self.ca_file,
            proxy=self.proxy,
        )


class HttpDestinationOptions(HttpAccess, DestinationOptions):
    """What a user sets for a destination over HTTP. Override `url`, of type `Url`, to describe yours."""

    @property
    def connections(self) -> int:
        return self.concurrency
