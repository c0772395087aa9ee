"""A file of a web server: fetched over TLS, whole, from nowhere else, and never a page in its place."""

from __future__ import annotations

import gzip
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from places_builders import TABLE, contents, refusal
from socket_server import Play, Server, answer, drops, sends

from kpisync.errors import NothingToRead
from kpisync.places import copies, web
from kpisync.places.files import Files
from kpisync.places.options import FileOptions
from kpisync.ports import Surroundings
from kpisync.testing.clock import NOON, FakeClock

PEM = Path(__file__).parent / "loopback.pem"
AN_HOUR_AGO = "Last-Modified: Fri, 20 Nov 2026 11:00:00 GMT\r\n"


def files(server: Server, path: str = "/out/scrap.csv", login: dict[str, Any] | None = None, **given: Any) -> Files:
    login = {"ca_file": str(PEM), **(login or {})}
    options = FileOptions.model_validate({"path": f"https://localhost:{server.port}{path}", "login": login, **given})
    return Files(options, Surroundings(clock=FakeClock(), redact=lambda text: text.replace("hunter22", "***")))


@contextmanager
def serving(*plays: Play, close_after: bool = False) -> Iterator[Server]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(PEM)
    with Server(*plays, tls=tls, close_after=close_after) as server:
        yield server


def head(server: Server) -> list[str]:
    return server.requests[0].decode().lower().split("\r\n")


# ---------------------------------------------------------------- what is read


def test_a_file_is_fetched_and_its_origin_is_the_url() -> None:
    with serving(sends(answer(body=TABLE))) as server:
        assert contents(files(server)) == {f"https://localhost:{server.port}/out/scrap.csv": TABLE}


def test_a_query_is_sent_and_never_shown_for_it_may_hold_a_secret() -> None:
    with serving(sends(answer(body=TABLE))) as server:
        found = contents(files(server, "/out/scrap.csv?sig=hunter22&x=1"))
        assert head(server)[0] == "get /out/scrap.csv?sig=hunter22&x=1 http/1.1"
        assert list(found) == [f"https://localhost:{server.port}/out/scrap.csv"]


def test_a_large_file_comes_whole() -> None:
    content = bytes(range(256)) * 100_000
    with serving(sends(answer(body=content))) as server:
        assert list(contents(files(server)).values()) == [content]


def test_it_is_fetched_once_and_all_readings_see_it_as_it_was() -> None:
    with serving(sends(answer(body=b"1")), sends(answer(body=b"2"))) as server:
        found = files(server)
        assert (found.hashes(), list(contents(found).values())) == (found.hashes(), [b"1"])
        assert len(server.requests) == 1


def test_a_file_that_the_server_itself_packed_is_taken_as_it_was_sent() -> None:
    packed = answer(body=gzip.compress(TABLE), headers="Content-Encoding: gzip\r\n")
    with serving(sends(packed)) as server:
        assert list(contents(files(server, archive={})).values()) == [TABLE]


@pytest.mark.parametrize(
    ("login", "line"),
    [
        ({}, None),
        ({"username": "maria", "password": "hunter22"}, "Basic " + b64encode(b"maria:hunter22").decode()),
        ({"token": "hunter22"}, "Bearer hunter22"),
    ],
)
def test_the_login_goes_with_the_request(login: dict[str, str], line: str | None) -> None:
    with serving(sends(answer(body=TABLE))) as server:
        list(files(server, login=login))
        sent = [one.partition(": ")[2] for one in head(server) if one.startswith("authorization")]
        assert sent == ([line.lower()] if line else [])


def test_other_headers_go_with_it_too() -> None:
    with serving(sends(answer(body=TABLE))) as server:
        list(files(server, login={"headers": {"X-Api-Key": "hunter22"}}))
        assert "x-api-key: hunter22" in head(server)


def test_its_age_is_what_the_server_says() -> None:
    with serving(sends(answer(body=TABLE, headers=AN_HOUR_AGO))) as server:
        assert len(contents(files(server, max_age="2h"))) == 1
        assert refusal(files(server, max_age="30m")).what == "the newest file is 60 min old, and max_age is 30 min"


def test_a_server_that_does_not_say_when_it_changed_cannot_be_asked_for_its_age() -> None:
    with serving(sends(answer(body=TABLE))) as server:
        assert "cannot be told when this file changed" in refusal(files(server, max_age="2h")).what


def test_a_file_that_changed_just_now_is_looked_at_again() -> None:
    now = f"Last-Modified: {NOON:%a, %d %b %Y %H:%M:%S} GMT\r\n"
    with serving(sends(answer(body=b"1", headers=now)), sends(answer(body=b"12", headers=now))) as server:
        assert list(contents(files(server, settle="1m")).values()) == [b"12"]


# ---------------------------------------------------------------- what is not


@pytest.mark.parametrize("status", [404, 410])
def test_no_file_is_an_error_unless_it_may_be_missing(status: int) -> None:
    with serving(sends(answer(status))) as server:
        assert refusal(files(server)).what == "no file matches"
        with pytest.raises(NothingToRead):
            list(files(server, on_missing="skip"))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (301, "the server redirects to login.plant (status 301)"),
        (401, "the server refuses the login: no, *** (status 401)"),
        (403, "the server refuses the login: no, *** (status 403)"),
        (204, "the server does not give the file (status 204)"),
        (400, "the server does not give the file: no, *** (status 400)"),
        (503, "the server cannot serve it now: no, *** (status 503)"),
    ],
)
def test_any_other_answer_is_an_error_in_words(status: int, words: str) -> None:
    body = b"" if status == 204 else b"no, hunter22"
    refuses = sends(answer(status, body, headers="Location: https://login.plant/?next=x\r\n"))
    with serving(refuses) as server:
        assert refusal(files(server)).what == words


def test_a_file_that_breaks_off_is_an_error() -> None:
    with serving(sends(answer(body=TABLE * 9)[:-1]), close_after=True) as server:
        assert "gave no answer that can be used" in refusal(files(server)).what


def test_a_connection_that_breaks_off_is_an_error() -> None:
    with serving(drops) as server:
        assert "localhost" in refusal(files(server)).what


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent() -> None:
    with serving(sends(answer(body=TABLE))) as server:
        options = FileOptions.model_validate({"path": f"https://localhost:{server.port}/x.csv"})
        assert "certificate" in refusal(Files(options, Surroundings())).what
        assert server.requests == []


def test_a_ca_file_that_cannot_be_used_is_named() -> None:
    with serving() as server:
        error = refusal(files(server, login={"ca_file": "gone.pem"}))
        assert "gone.pem" in error.what
        assert "login.ca_file" in str(error.hint)


def test_a_port_where_nobody_listens_is_named() -> None:
    with serving() as server:
        found = files(server)
    assert "was not reached" in refusal(found).what


def test_a_server_that_sends_nothing_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "SECONDS", 0.3)
    over = threading.Event()

    def stops(connection: Any) -> None:
        connection.sendall(answer(body=TABLE)[:-5])
        over.wait(10)

    with serving(stops) as server:
        assert "timed out" in refusal(files(server)).what
        over.set()


def test_a_server_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "MOST_BYTES", 1 << 20)
    with serving(sends(answer(body=b"x" * (1 << 21)))) as server:
        assert "it has more than" in refusal(files(server)).what
