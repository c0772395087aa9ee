"""Alerts arrive at real servers, and a server that is dead, slow or rude shows, without a word of its address."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import Any

import pytest

from kpisync.config.schema import AlertOptions
from kpisync.daemon.ping import Ping
from kpisync.daemon.sending import send_by_apprise, without_address
from kpisync.testing.clock import FakeClock
from kpisync.watch.model import Topic

pytest.importorskip("apprise", reason="needs the extra `alerts`")

DEADLINE = 20.0
SUBJECT, BODY = "kpisync: scrap-daily failed", "scrap-daily failed.\nno file & no <fun>\n\nNext: kpisync history"


@dataclass
class Server:
    """What a server got, and how it answers."""

    port: int = 0
    status: int = 200
    got: list[Any] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    location: str | None = None
    hold: Event | None = None


@contextmanager
def running(server: ThreadingTCPServer, state: Server) -> Iterator[Server]:
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(DEADLINE)


@pytest.fixture
def web() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            state.paths.append(self.path)
            if state.hold:
                state.hold.wait(DEADLINE)
            self.send_response(state.status)
            if state.location:
                self.send_header("location", state.location)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler), state) as found:
        yield found


@pytest.fixture
def mail() -> Iterator[Server]:
    """The least of SMTP that a mail needs; `status` is the answer to its text."""
    state = Server(status=250)

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 ready")
            while line := self.rfile.readline().strip().upper():
                if line == b"DATA":
                    self.say("354 go on")
                    text = b"".join(iter(self.rfile.readline, b".\r\n"))
                    state.got.append(message_from_bytes(text, policy=policy.default))
                    self.say(f"{state.status} done")
                elif line == b"QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

        def say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

    with running(ThreadingTCPServer(("127.0.0.1", 0), Handler), state) as found:
        yield found


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port that refuses connections for as long as the test runs: bound, and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def mailto(port: int) -> str:
    return f"mailto://127.0.0.1:{port}?mode=insecure&from=kpisync@plant.example&to=it@plant.example"


def options(**more: Any) -> AlertOptions:
    return AlertOptions.model_validate(more)


# ---------------------------------------------------------------- alerts


def test_a_webhook_gets_the_message_as_it_is(web: Server) -> None:
    assert send_by_apprise(f"json://127.0.0.1:{web.port}/hook", SUBJECT, BODY) is None
    assert [(each["title"], each["message"]) for each in web.got] == [(SUBJECT, BODY)]


def test_a_mail_gets_the_message_as_it_is(mail: Server) -> None:
    assert send_by_apprise(mailto(mail.port), SUBJECT, BODY) is None
    (found,) = mail.got
    assert found["Subject"] == SUBJECT
    assert found["To"] == "it@plant.example"
    text = found.get_body(("plain",)).get_content()
    assert [line for line in text.splitlines() if line] == [line for line in BODY.splitlines() if line]


def test_a_dead_mail_server_is_said_in_words(dead_port: int) -> None:
    why = send_by_apprise(mailto(dead_port), SUBJECT, BODY)
    assert why is not None
    assert why.startswith("the message was not taken: Connection error")


def test_a_mail_server_that_refuses_is_said_in_words(mail: Server) -> None:
    mail.status = 554
    why = send_by_apprise(mailto(mail.port), SUBJECT, BODY)
    assert why is not None
    assert why.startswith("the message was not taken")


def test_a_webhook_that_refuses_is_said_in_words(web: Server) -> None:
    web.status = 403
    why = send_by_apprise(f"json://127.0.0.1:{web.port}/hook-token", SUBJECT, BODY)
    assert why is not None
    assert "403" in why
    assert "hook-token" not in why


@pytest.mark.parametrize("url", ["nosuch://abc", "no address", "slack://onlyonetoken"])
def test_an_address_that_apprise_does_not_know_is_said_so(url: str) -> None:
    why = send_by_apprise(url, SUBJECT, BODY)
    assert why is not None
    assert why.startswith("apprise does not know this kind of address")
    assert "onlyonetoken" not in why


@pytest.mark.parametrize("level", [logging.WARNING, logging.DEBUG])
def test_nothing_of_an_address_is_logged(
    dead_port: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], level: int
) -> None:
    with caplog.at_level(level):
        why = send_by_apprise(f"json://robot:canary-one@127.0.0.1:{dead_port}/canary-two", SUBJECT, BODY)
    seen = "".join([why or "", caplog.text, *capfd.readouterr()])
    assert "canary" not in seen


def test_every_part_of_an_address_but_its_host_is_struck_out() -> None:
    url = "jsons://robot:pass%20word@hooks.plant.example/T0123/B4567?token=abcdef"
    text = "robot, pass word, pass%20word: https://hooks.plant.example/T0123/B4567 said abcdef"
    assert without_address(text, url) == "***, ***, ***: https://hooks.plant.example/***/*** said ***"
    assert without_address("xoxb-1234 was refused", "slack://xoxb-1234/general") == "*** was refused"


# ---------------------------------------------------------------- the dead man's switch


@dataclass
class Bell:
    """A ping at a server, whose minutes pass by hand."""

    server: Server

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.options: AlertOptions | None = options(ping=f"http://127.0.0.1:{self.server.port}/ping/canary-id")
        self.ping = Ping(lambda: self.options, self.clock, str)

    def run_ends(self, exit_code: int = 0, after: float = 61.0) -> None:
        self.clock.sleep(after)
        self.ping.after_run(exit_code)
        assert self.ping.wait(DEADLINE)


@pytest.fixture
def bell(web: Server) -> Bell:
    return Bell(web)


def test_a_good_run_is_told_to_the_dead_mans_switch(bell: Bell) -> None:
    bell.run_ends()
    assert bell.server.paths == ["/ping/canary-id"]
    assert bell.ping.troubles() == ()


@pytest.mark.parametrize("exit_code", [1, 2, 3, 4, 5, 6, 70])
def test_any_other_run_is_not(bell: Bell, exit_code: int) -> None:
    bell.run_ends(exit_code)
    assert bell.server.paths == []


def test_it_is_asked_once_a_minute_at_most(bell: Bell) -> None:
    for _ in range(130):
        bell.run_ends(after=1)
    assert len(bell.server.paths) == 3


def test_a_redirect_is_not_followed(bell: Bell) -> None:
    bell.server.status, bell.server.location = 302, f"http://127.0.0.1:{bell.server.port}/elsewhere"
    bell.run_ends()
    assert bell.server.paths == ["/ping/canary-id"]
    assert "answered 302" in bell.ping.troubles()[0].said


def test_no_address_is_no_ping(bell: Bell) -> None:
    for bell.options in (options(ping=""), options(), None):
        bell.run_ends()
    assert bell.server.paths == []


def test_a_dead_address_is_a_trouble_until_it_answers(bell: Bell, dead_port: int) -> None:
    good = bell.options
    bell.options = options(ping=f"http://127.0.0.1:{dead_port}/ping/canary-id")
    bell.run_ends()
    (found,) = bell.ping.troubles()
    assert found.topic is Topic.ALERTS
    assert found.said.startswith("alerts.ping: 127.0.0.1")
    assert "canary" not in found.said
    bell.options = good
    bell.run_ends()
    assert bell.ping.troubles() == ()


@pytest.mark.parametrize(
    "url", ["ftp://plant.example/x", "no address", "http://169.254.169.254/x", "http://[::1", "http://a/?\x00"]
)
def test_an_address_that_cannot_be_asked_is_a_trouble(bell: Bell, url: str) -> None:
    bell.options = options(ping=url)
    bell.run_ends()
    assert bell.ping.troubles()


def test_nobody_waits_for_an_answer(bell: Bell) -> None:
    bell.server.hold = Event()
    bell.ping.after_run(0)
    bell.clock.sleep(120)
    bell.ping.after_run(0)  # while the first one is under way
    bell.server.hold.set()
    assert bell.ping.wait(DEADLINE)
    assert len(bell.server.paths) == 1
