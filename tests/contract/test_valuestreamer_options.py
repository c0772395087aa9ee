"""What a user may write for a ValueStreamer destination, and what is said when it cannot be meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kpisync.destinations.valuestreamer.destination import SPEC
from kpisync.destinations.valuestreamer.options import ValueStreamerOptions
from kpisync.errors import DestinationError
from kpisync.ports import Surroundings

LEAST = {"url": "https://api-acme.valuestreamer.de/api", "username": "maria", "password": "hunter22"}


def options(**given: Any) -> ValueStreamerOptions:
    return ValueStreamerOptions.model_validate({**LEAST, **given})


def complaint(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        options(**given)
    error = caught.value.errors()[0]
    return ": ".join([*map(str, error["loc"]), error["msg"].removeprefix("Value error, ")])


def test_the_defaults_are_those_of_the_documents() -> None:
    found = options()
    assert (found.media_type, found.list_404, found.proxy, found.ca_file) == (
        "application/vs.v2.0+json",
        "error",
        None,
        None,
    )


def test_no_secret_is_shown() -> None:
    assert "hunter22" not in repr(options())


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/api", "http://localhost/api", "http://[::1]/api"])
def test_plain_http_is_for_this_machine(url: str) -> None:
    assert options(url=url).url == url


def test_plain_http_to_another_machine_must_be_asked_for() -> None:
    assert "url must start with https://, or the login would travel unencrypted" in complaint(url="http://10.0.0.1")
    assert options(url="HTTP://10.0.0.1", allow_plain_http=True).url == "HTTP://10.0.0.1"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "https://maria:hunter22@a.example"}, "url: the URL must not hold a user or a password"),
        ({"url": "https://a.example?x"}, "url: the URL must end with its path"),
        ({"url": "https://"}, "url: the URL names no host"),
        ({"url": "http://169.254.169.254"}, "url: the URL names an address where machines keep credentials"),
        ({"url": "ftp://a.example"}, "url: the URL must start with https://"),
        ({"username": "a:b"}, "username: a user name has no colon"),
        ({"username": ""}, "username: String should have at least 1 character"),
        ({"password": ""}, "password: Value should have at least 1 item"),
        ({"media_type": "json"}, "media_type: not a media type such as application/vs.v2.0+json"),
        ({"media_type": "a/b\r\nX: y"}, "media_type: not a media type"),
        ({"timeout": "0s"}, "timeout: a request needs a time of more than 0s"),
        ({"timeout": "2h"}, "timeout: a request needs a time of more than 0s and of at most 1h"),
        ({"proxy": "proxy:3128"}, "proxy: a proxy is written as its URL"),
        ({"proxy": "socks5://proxy"}, "proxy: a proxy is written as its URL"),
        ({"proxy": "http://"}, "proxy: the URL names no host"),
        ({"list_404": "maybe"}, "list_404: Input should be 'error' or 'empty'"),
    ],
)
def test_what_cannot_be_meant_is_said_in_a_sentence(given: dict[str, str], said: str) -> None:
    assert complaint(**given).startswith(said)


@pytest.mark.parametrize("proxy", ["none", "environment", "http://proxy:3128", "https://maria:secret@proxy:3128"])
def test_a_proxy_may_have_a_login(proxy: str) -> None:
    assert options(proxy=proxy).proxy == (None if proxy == "none" else proxy)


def test_a_ca_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match=r"the CA file .* cannot be used"):
        SPEC.build(options(ca_file=str(tmp_path / "none.pem")), Surroundings("board"))
