"""The HTTP client against real sockets: every failure told apart, nothing followed, nothing let out."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from socket_server import Play, Server, answer, drops, sends

from kpisync.errors import DestinationError
from kpisync.model import ReplyKind
from kpisync.ports import Surroundings
from kpisync.support import http
from kpisync.support.addresses import base_url, is_forbidden, is_loopback
from kpisync.support.deadline import Calls, DeadlineStream
from kpisync.support.http import HttpClient, HttpOptions, Unanswered
from kpisync.support.statuses import Response, classify, plain, retry_after, words_of

PEM = Path(__file__).parent / "loopback.pem"
MEGABYTE = b"x" * 1024 * 1024


@contextmanager
def client(url: str, around: Surroundings | None = None, timeout: float = 2.0, **options: Any) -> Iterator[HttpClient]:
    made = HttpClient(HttpOptions(url, {}, ("maria", "hunter22"), timeout, **options), around or Surroundings())
    try:
        yield made
    finally:
        made.close()


def ask(*plays: Play, method: str = "GET", **options: Any) -> Response:
    """The answer to one request to a server that does this."""
    with Server(*plays) as server, client(server.url, **options) as asking:
        return asking.request(method, "/x", content=b"{}" if method == "PUT" else None)


def failure(url: str, method: str = "PUT", **options: Any) -> tuple[ReplyKind, str]:
    with client(url, **options) as asking, pytest.raises(Unanswered) as caught:
        asking.request(method, "/x", content=b"{}")
    return caught.value.reply.kind, caught.value.reply.words


def kind_of(*plays: Play, **options: Any) -> ReplyKind:
    with Server(*plays) as server:
        return failure(server.url, **options)[0]


# ---------------------------------------------------------------- a request


class Wire:
    """A connection that notes the pieces it is given."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.pieces.append(buffer)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return b"answer"


def test_the_parts_of_a_request_travel_together_once_it_is_whole() -> None:
    wire, calls = Wire(), Calls()
    stream = DeadlineStream(wire, calls)
    with calls.begin(5) as call:
        stream.write(b"head")
        stream.write(b"body")
        assert (wire.pieces, call.sent) == ([], False)
        stream.write(b"")
        assert (wire.pieces, call.sent) == ([b"headbody"], True)


def test_what_is_held_is_sent_before_an_answer_is_waited_for() -> None:
    wire, calls = Wire(), Calls()
    stream = DeadlineStream(wire, calls)
    with calls.begin(5):
        stream.write(b"head")
        assert stream.read(100) == b"answer"
    assert wire.pieces == [b"head"]


def test_a_large_request_travels_in_pieces_each_within_the_deadline() -> None:
    wire, calls = Wire(), Calls()
    stream = DeadlineStream(wire, calls)
    with calls.begin(5):
        stream.write(MEGABYTE)
        stream.write(b"")
    assert b"".join(wire.pieces) == MEGABYTE
    assert max(map(len, wire.pieces)) <= 4096


def test_a_request_carries_the_login_its_body_and_nothing_of_the_library() -> None:
    with Server(sends(answer())) as server, client(server.url + "/api") as asking:
        asking.request("PUT", "/x", params={"from": "2026-11-20"}, content=b"{}", headers={"Content-Type": "a/b"})
    head, _, body = server.requests[0].decode().partition("\r\n\r\n")
    lines = head.lower().split("\r\n")
    assert lines[0] == "put /api/x?from=2026-11-20 http/1.1"
    assert "authorization: basic bwfyawe6ahvudgvymji=" in lines
    assert {"content-type: a/b", "accept-encoding: identity", "user-agent: kpisync"} <= set(lines)
    assert body == "{}"


def test_requests_are_counted_by_method_and_wait_for_their_turn() -> None:
    counts: Counter[str] = Counter()
    turns: list[int] = []
    around = Surroundings(requests=counts, wait_turn=lambda: turns.append(1))
    with Server(sends(answer())) as server, client(server.url, around) as asking:
        for method in ("GET", "GET", "DELETE"):
            asking.request(method, "/x")
    assert (counts, len(turns)) == ({"GET": 2, "DELETE": 1}, 3)


def test_a_connection_is_kept_for_the_next_request() -> None:
    with Server(sends(answer())) as server, client(server.url) as asking:
        asking.request("GET", "/x")
        asking.request("GET", "/x")
    assert server.connections == 1


def test_a_kept_connection_that_the_server_has_closed_is_not_used_again() -> None:
    with Server(sends(answer()), close_after=True) as server, client(server.url) as asking:
        asking.request("PUT", "/x", content=b"{}")
        time.sleep(0.05)  # until the end of the first connection has arrived
        assert asking.request("PUT", "/x", content=b"{}").status == 200
    assert (server.connections, len(server.requests)) == (2, 2)


def test_a_cookie_is_not_sent_back() -> None:
    with Server(sends(answer(headers="Set-Cookie: a=b\r\n"))) as server, client(server.url) as asking:
        asking.request("GET", "/x")
        asking.request("GET", "/x")
    assert b"cookie" not in server.requests[1].lower()


# ---------------------------------------------------------------- surely not sent, or not known


def test_a_refused_connection_is_not_sent() -> None:
    with Server(sends(answer())) as server:
        port = server.port
    kind, words = failure(f"http://127.0.0.1:{port}")
    assert kind is ReplyKind.NOT_SENT
    assert words == f"127.0.0.1:{port} was not reached: connection refused"


def test_a_name_that_cannot_be_resolved_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    kind, words = failure("http://board.example")
    assert (kind, words) == (ReplyKind.NOT_SENT, "board.example was not reached: name or service not known")


def test_a_name_that_no_resolver_takes_is_not_sent() -> None:
    assert failure(f"http://{'a' * 70}.example")[0] is ReplyKind.NOT_SENT


def test_a_connection_that_is_not_made_in_time_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_CONNECT_SECONDS", 0.2)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        begun = time.monotonic()
        kind, words = failure(f"http://127.0.0.1:{address[1]}", timeout=30)
        took = time.monotonic() - begun
        for each in waiting:
            each.close()
    assert (kind, took < 3) == (ReplyKind.NOT_SENT, True)
    assert words.endswith("timed out")


def test_a_reset_after_the_request_is_unknown() -> None:
    assert kind_of(drops) is ReplyKind.UNKNOWN


def test_an_end_without_an_answer_is_unknown() -> None:
    assert kind_of(lambda connection: connection.close()) is ReplyKind.UNKNOWN


def test_an_answer_that_is_no_http_is_unknown() -> None:
    assert kind_of(sends(b"\x1b[31mhello\r\n\r\n")) is ReplyKind.UNKNOWN


def test_a_body_that_ends_early_is_unknown() -> None:
    assert kind_of(lambda c: (c.sendall(answer(body=b"[1, 2")[:-2]), c.close())) is ReplyKind.UNKNOWN  # type: ignore[func-returns-value]


def test_a_refusal_whose_body_ends_early_is_a_refusal() -> None:
    def play(connection: socket.socket) -> None:
        connection.sendall(answer(401, b"x" * 50)[:-20])
        connection.close()

    assert (ask(play).status, ask(play).words) == (401, "")


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 x\r\nX-Slow: ", b"HTTP/1.1 200 x\r\nContent-Length: 9999\r\n\r\n"]
)
def test_a_server_that_trickles_is_given_up_when_the_time_of_the_whole_request_is_over(first: bytes) -> None:
    with Server(lambda connection: trickle(connection, first, server.ended.is_set)) as server:
        begun = time.monotonic()
        kind, words = failure(server.url, timeout=0.3)
        took = time.monotonic() - begun
    assert kind is ReplyKind.UNKNOWN
    assert 0.25 < took < 1.5
    assert "timed out" in words


def trickle(connection: socket.socket, first: bytes, ended: Callable[[], bool]) -> None:
    connection.sendall(first)
    while not ended():
        connection.sendall(b"H" if not first else b"x")
        time.sleep(0.02)


def test_an_answer_over_ten_megabytes_is_not_read_to_its_end() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 x\r\n\r\n")
        for _ in range(64):
            connection.sendall(MEGABYTE)

    with Server(endless) as server:
        kind, words = failure(server.url, "GET", timeout=20)
    assert kind is ReplyKind.UNKNOWN
    assert "longer than 10,485,760 bytes" in words


BYTES = st.binary(max_size=100) | st.builds(
    lambda start, body: b"HTTP/1.1 200 x\r\n" + start + b"\r\n\r\n" + body,
    st.binary(max_size=30) | st.sampled_from([b"Content-Length: 5", b"Transfer-Encoding: chunked", b"A: b"]),
    st.binary(max_size=30),
)


def test_whatever_bytes_come_there_is_an_answer_or_none() -> None:
    coming: list[bytes] = []
    with (
        Server(lambda connection: connection.sendall(coming[-1]), close_after=True) as server,
        client(server.url) as asking,
    ):

        @settings(max_examples=500, deadline=None)
        @given(BYTES)
        def check(data: bytes) -> None:
            coming.append(data)
            try:
                assert 100 <= asking.request("PUT", "/x", content=b"{}").status <= 999
            except Unanswered as failed:
                assert failed.reply.kind is ReplyKind.UNKNOWN
                assert failed.reply.words.isprintable()

        check()


# ---------------------------------------------------------------- compressed without being asked


@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_answer_is_unpacked(name: str, pack: Callable[[bytes], bytes]) -> None:
    assert ask(sends(answer(body=pack(b"[1]"), headers=f"Content-Encoding: {name}\r\n"))).body == b"[1]"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("gzip", gzip.compress(MEGABYTE * 12)),
        ("gzip", gzip.compress(MEGABYTE)[:-9]),
        ("gzip", b"no gzip at all"),
        ("br", b"anything"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"[]"))),
    ],
    ids=["bomb", "cut", "broken", "other", "twice"],
)
def test_an_answer_that_cannot_be_unpacked_is_unknown(name: str, body: bytes) -> None:
    assert kind_of(sends(answer(body=body, headers=f"Content-Encoding: {name}\r\n"))) is ReplyKind.UNKNOWN


# ---------------------------------------------------------------- redirects and proxies


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_redirect_is_never_followed_and_its_host_is_named(status: int, method: str) -> None:
    with Server(sends(answer())) as elsewhere:
        response = ask(sends(answer(status, headers=f"Location: {elsewhere.url}/y?token=1\r\n")), method=method)
        with pytest.raises(DestinationError, match=f"redirects to 127.0.0.1:{elsewhere.port}") as caught:
            classify(response, "destination board")
    assert elsewhere.requests == []
    assert "token" not in str(caught.value)


@pytest.mark.parametrize("location", ["//[", "http://x:99999999/", "/relative", "http://", "", "http://a@b:c@d/"])
def test_a_redirect_to_nowhere_is_still_a_redirect(location: str) -> None:
    response = ask(sends(answer(302, headers=f"Location: {location}\r\n")), method="PUT")
    with pytest.raises(DestinationError, match="never followed"):
        classify(response, "destination board")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_the_proxy_of_the_environment_is_not_used_unless_that_is_said(environment: pytest.MonkeyPatch) -> None:
    with Server(sends(answer())) as proxy, Server(sends(answer())) as server:
        environment.setenv("HTTP_PROXY", proxy.url)
        environment.setenv("http_proxy", proxy.url)
        with client(server.url) as asking:
            assert asking.request("GET", "/x").status == 200
    assert (len(proxy.requests), len(server.requests)) == (0, 1)


@pytest.mark.parametrize("prefix", ["http://", ""])
def test_the_proxy_of_the_environment_is_used_if_that_is_said(environment: pytest.MonkeyPatch, prefix: str) -> None:
    with Server(sends(answer())) as proxy:
        environment.setenv("http_proxy", f"{prefix}127.0.0.1:{proxy.port}")
        with client("http://board.example", proxy="environment") as asking:
            asking.request("GET", "/x")
    assert proxy.requests[0].startswith(b"GET http://board.example/x HTTP/1.1\r\n")


def test_a_host_that_the_environment_excepts_is_asked_without_a_proxy(environment: pytest.MonkeyPatch) -> None:
    with Server(sends(answer())) as proxy, Server(sends(answer())) as server:
        environment.setenv("http_proxy", proxy.url)
        environment.setenv("no_proxy", "127.0.0.1")
        with client(server.url, proxy="environment") as asking:
            asking.request("GET", "/x")
    assert (len(proxy.requests), len(server.requests)) == (0, 1)


def test_a_proxy_that_refuses_to_connect_means_not_sent() -> None:
    with Server(sends(answer(403))) as proxy:
        kind, _ = failure("https://board.example", proxy=proxy.url)
    assert kind is ReplyKind.NOT_SENT
    assert b"authorization" not in proxy.requests[0].lower()


def test_a_proxy_of_a_kind_that_is_not_there_is_refused() -> None:
    with pytest.raises(DestinationError, match="its proxy cannot be used"):
        HttpClient(HttpOptions("http://board.example", {}, proxy="socks5://127.0.0.1:1"), Surroundings())


# ---------------------------------------------------------------- TLS


def tls_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


def test_a_certificate_of_the_given_authority_is_trusted() -> None:
    with (
        Server(sends(answer()), tls=tls_server()) as server,
        client(f"https://localhost:{server.port}", ca_file=str(PEM)) as asking,
    ):
        assert asking.request("GET", "/x").status == 200


@pytest.mark.parametrize(("host", "ca_file"), [("localhost", None), ("127.0.0.1", str(PEM))], ids=["signer", "host"])
def test_a_certificate_of_an_unknown_signer_or_another_host_is_refused_before_anything_is_sent(
    host: str, ca_file: str | None
) -> None:
    with Server(sends(answer()), tls=tls_server()) as server:
        kind, words = failure(f"https://{host}:{server.port}", ca_file=ca_file)
    assert kind is ReplyKind.NOT_SENT
    assert "certificate verify failed" in words
    assert server.requests == []


def test_tls_older_than_1_2_is_refused() -> None:
    context = tls_server()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with Server(sends(answer()), tls=context) as server:
        assert failure(f"https://localhost:{server.port}", ca_file=str(PEM))[0] is ReplyKind.NOT_SENT
    assert server.requests == []


def test_a_server_that_does_not_speak_tls_means_not_sent() -> None:
    with Server(sends(answer())) as server:
        assert failure(f"https://localhost:{server.port}", timeout=0.5)[0] is ReplyKind.NOT_SENT


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    with pytest.raises(DestinationError, match=r"ca\.pem cannot be used: .*Give a PEM file"):
        HttpClient(HttpOptions("https://board.example", {}, ca_file=str(file)), Surroundings())


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.0.1",
        "2852039166",
        "0xA9FEA9FE",
        "0251.0376.0251.0376",
        "169.254.43518",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "[::]",
        "224.0.0.1",
        "metadata.google.internal",
        "METADATA.google.internal.",
        "１６９.254.169.254",
    ],
)
def test_an_address_where_machines_keep_credentials_is_refused_however_it_is_spelled(host: str) -> None:
    with pytest.raises(ValueError, match="where machines keep credentials"):
        base_url(f"http://{host}/latest")


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "::1", "board.example", "fd00::1", "2001:db8::1", "a9fe"])
def test_other_addresses_are_not_forbidden(host: str) -> None:
    assert not is_forbidden(host)


def test_a_name_that_leads_to_such_an_address_is_never_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with client("http://board.example") as asking, pytest.raises(DestinationError, match="keep credentials"):
        asking.request("GET", "/x")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://a.example/api/", "https://a.example/api"),
        ("https://a.example//", "https://a.example"),
        ("HTTPS://A.example:8443/api", "HTTPS://A.example:8443/api"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("https://bücher.example", "https://bücher.example"),
    ],
)
def test_slashes_at_the_end_of_a_url_do_not_matter(url: str, kept: str) -> None:
    assert base_url(url) == kept


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://maria:hunter22@a.example", "must not hold a user or a password"),
        ("https://maria@a.example", "must not hold a user or a password"),
        ("https://a.example/api?x=1", "a query or fragment"),
        ("https://a.example/api?", "a query or fragment"),
        ("https://a.example/#x", "a query or fragment"),
        ("ftp://a.example", "must start with https://"),
        ("a.example/api", "must start with https://"),
        ("file:///etc/passwd", "must start with https://"),
        ("", "must start with https://"),
        ("https://", "names no host"),
        ("https:///api", "names no host"),
        ("https://:443/api", "names no host"),
        ("https://a.example:99999", "no valid host and port"),
        ("https://a.example:x", "no valid host and port"),
        ("https://a.example:0", "no valid host and port"),
        ("https://[::1", "no valid host and port"),
        ("https://a..example", "no valid host and port"),
        ("https://ex%41mple.de", "no valid host and port"),
        (f"https://{'a' * 64}.example", "no valid host and port"),
        ("https://a.example/a b", "a blank"),
        ("https://a.example\r\nX: y", "cannot be seen"),
        ("https://a.example\\@b.example", "a backslash"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_without_being_shown(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        base_url(url)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [("http://127.0.0.1:1", True), ("http://[::1]", True), ("http://localhost", True), ("http://10.0.0.1", False)],
)
def test_loopback_is_this_machine(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


# ---------------------------------------------------------------- words


def test_secrets_in_the_words_of_the_platform_are_struck_out() -> None:
    around = Surroundings(redact=lambda text: text.replace("hunter22", "***"))
    response = ask(sends(answer(400, b'{"message": "maria:hunter22 is wrong"}')), around=around)
    assert response.words == '{"message": "maria:*** is wrong"}'


def test_a_secret_at_the_cut_is_struck_out_whole() -> None:
    assert "hunt" not in words_of(b"x" * 296 + b"hunter22", lambda text: text.replace("hunter22", "***"))


def test_secrets_in_a_broken_answer_are_struck_out() -> None:
    around = Surroundings(redact=lambda text: text.replace("hunter22", "***"))
    with Server(sends(b"hunter22 \r\n\r\n")) as server:
        words = failure(server.url, around=around)[1]
    assert "hunter22" not in words


@pytest.mark.parametrize("nasty", ["\x1b[31m", "\x9b31m", "\x00", "\r\n", "\u202e", "\u2028", "\x7f", "\ud83d"])
def test_control_characters_in_words_are_made_harmless(nasty: str) -> None:
    assert plain(f"a{nasty}b", lambda text: text).isprintable()


def test_words_are_cut_and_of_a_web_page_only_its_title_is_shown() -> None:
    assert len(words_of(b"word " * 10_000, str)) <= 300
    assert words_of(b" <!doctype html><TITLE> 502\n Gateway </TITLE><h1>x", str) == "a web page: 502 Gateway"
    assert words_of(b"<html>", str) == "a web page"


def test_the_library_logs_nothing_at_info(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        ask(sends(answer()))
    assert [record for record in caplog.records if record.name.startswith(("httpx", "httpcore"))] == []
    assert {logging.getLogger(name).getEffectiveLevel() for name in ("httpx", "httpcore")} == {logging.WARNING}


# ---------------------------------------------------------------- statuses

BUSY, UNKNOWN = {408, 425, 429, 503}, {502, 504, 520, 522, 524, 598, 599}
USELESS = {401, 406, 407, 415, *range(300, 400)}


@pytest.mark.parametrize("status", [100, 103, *range(200, 600), 600, 999])
def test_every_status_has_its_meaning(status: int) -> None:
    response = Response(status, {})
    if status in USELESS:
        with pytest.raises(DestinationError, match=f"status {status}"):
            classify(response, "destination board")
        return
    expected = (
        ReplyKind.UNKNOWN
        if status < 200 or status in UNKNOWN
        else ReplyKind.ACCEPTED
        if status < 300
        else ReplyKind.BUSY
        if status in BUSY
        else ReplyKind.REFUSED
        if status < 500
        else ReplyKind.FAILED
    )
    assert classify(response, "destination board").kind is expected


def test_an_interim_answer_is_passed_over() -> None:
    assert ask(sends(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + answer(201))).status == 201


@pytest.mark.parametrize(
    ("headers", "body"),
    [({"content-type": "Text/HTML; charset=x"}, b""), ({}, b"\r\n <html>"), ({"content-type": "a/b"}, b"<?xml")],
)
def test_a_web_page_is_no_success(headers: dict[str, str], body: bytes) -> None:
    assert classify(Response(200, headers, body), "destination board").kind is ReplyKind.FAILED


# ---------------------------------------------------------------- Retry-After

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("texts", "seconds"),
    [
        ([], None),
        (["120"], 120),
        ([" 7 "], 7),
        (["0"], 0),
        (["000000000000000000120"], 120),
        (["-1"], None),
        (["1.5"], None),
        (["soon"], None),
        ([""], None),
        (["1000000000000"], 900),
        (["9" * 5000], 900),
        (["٣"], None),
        (["Fri, 20 Nov 2026 12:00:30 GMT"], 30),
        (["Fri, 20 Nov 2026 13:00:30 +0100"], 30),
        (["Fri, 20 Nov 2026 11:00:00 GMT"], 0),
        (["Fri, 20 Nov 2099 11:00:00 GMT"], 900),
        (["Fri, 20 Nov 2026 12:00:30 -0000"], None),
        (["Fri, 20 Nov 99999 12:00:30 GMT"], None),
        (["Fri, 20 Nov 2026 12:00:30 +99999999"], None),
        (["5", "60"], 60),
        (["5, 60"], 60),
        (["soon", "60"], 60),
    ],
)
def test_retry_after_is_understood_in_every_form_and_capped(texts: list[str], seconds: float | None) -> None:
    assert retry_after(texts, NOW) == seconds


def test_the_longest_of_two_retry_after_headers_counts() -> None:
    response = ask(sends(answer(429, headers="Retry-After: 3\r\nRetry-After: 60\r\n")))
    assert classify(response, "destination board").retry_after == 60
