"""What a user sets for a ValueStreamer destination."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from kpisync.support.http_options import HttpDestinationOptions, Url

_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(; *[\w.-]+=[\w.-]+)*", re.ASCII)


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


class ValueStreamerOptions(HttpDestinationOptions):
    """A ValueStreamer tenant."""

    url: Url = Field(description="https://api-<tenant>.valuestreamer.de/api")
    username: Annotated[str, AfterValidator(_username)] = Field(min_length=1, description="the API user")
    password: SecretStr = Field(min_length=1, description="the API user's password")
    media_type: Annotated[str, AfterValidator(_media_type)] = Field(
        "application/vs.v2.0+json", description="names the version of the API"
    )
    list_404: NoRecords = Field(NoRecords.ERROR, description="what a 404 or a 204 to a list read means: error or empty")
