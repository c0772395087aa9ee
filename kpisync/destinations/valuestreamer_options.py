"""What a user sets for a ValueStreamer destination."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from kpisync.fields import Duration, FilePath
from kpisync.ports import DestinationOptions
from kpisync.support.addresses import base_url, is_loopback
from kpisync.support.http import ENVIRONMENT

_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(; *[\w.-]+=[\w.-]+)*", re.ASCII)
_LONGEST = timedelta(hours=1)


class NoRecords(StrEnum):
    """What a 404 or a 204 to a list read means; no source says."""

    ERROR = "error"
    EMPTY = "empty"


def _username(text: str) -> str:
    if ":" in text or not text.isprintable():
        raise ValueError("a user name has no colon and no control character, for HTTP Basic cannot carry them")
    return text


def _media_type(text: str) -> str:
    if not _MEDIA_TYPE.fullmatch(text):
        raise ValueError("not a media type such as application/vs.v2.0+json")
    return text


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


class ValueStreamerOptions(DestinationOptions):
    """A ValueStreamer tenant."""

    url: Annotated[str, AfterValidator(base_url)] = Field(description="https://api-<tenant>.valuestreamer.de/api")
    username: Annotated[str, AfterValidator(_username)] = Field(min_length=1, description="the API user")
    password: SecretStr = Field(min_length=1, description="the API user's password")
    timeout: Annotated[Duration, AfterValidator(_timeout)] = Field(
        timedelta(seconds=30), description="one request, all in all"
    )
    media_type: Annotated[str, AfterValidator(_media_type)] = Field(
        "application/vs.v2.0+json", description="names the version of the API"
    )
    list_404: NoRecords = Field(NoRecords.ERROR, description="what a 404 or a 204 to a list read means: error or empty")
    ca_file: FilePath | None = Field(None, description="a PEM file with the company's certification authority")
    proxy: Annotated[str | None, BeforeValidator(_no_proxy), AfterValidator(_proxy)] = Field(
        None, description="a proxy's URL, environment (what the variables there say), or none, the default"
    )
    allow_plain_http: bool = Field(False, description="send the password unencrypted to another machine")

    @model_validator(mode="after")
    def _encrypted(self) -> ValueStreamerOptions:
        if self.url.lower().startswith("http:") and not (is_loopback(self.url) or self.allow_plain_http):
            raise ValueError("url must start with https://, or the password would travel unencrypted")
        return self
