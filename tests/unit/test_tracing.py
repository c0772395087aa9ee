"""Traces reach a collector over HTTP when the environment asks for them; otherwise, or if it is away, nothing happens.

The library knows one sender of traces a process, so each of these is a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import structlog
from socket_server import Server, answer, drops, sends

from kpisync import __version__
from kpisync.support.tracing import Bounded, span, start

trace_service = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="the extra otel is not installed"
)
SETUP = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from kpisync.errors import StateError
from kpisync.ports import Surroundings
from kpisync.support.http import HttpClient, HttpOptions
from kpisync.support.log import configure
from kpisync.support.tracing import span, start

configure("info", str, as_json=True)
end = start(os.environ)

def ask(path="/x?token=hunter22"):
    client = HttpClient(HttpOptions(sys.argv[1], {}, ("maria", "hunter22"), timeout=5.0), Surroundings("board"))
    try:
        return client.request("PUT", path, content=b"hunter22").status
    finally:
        client.close()
"""


class Collector(ThreadingHTTPServer):
    """Takes traces in, and answers with a status."""

    daemon_threads = True

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.status = status
        self.paths: list[str] = []
        self.exports: list[Any] = []
        self.bodies = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def spans(self) -> list[Any]:
        """In the order of their starts."""
        found = [
            span
            for export in self.exports
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    @property
    def resource(self) -> dict[str, Any]:
        return attributes(self.exports[0].resource_spans[0].resource)


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies += body
        self.server.paths.append(self.path)
        self.server.exports.append(trace_service.ExportTraceServiceRequest.FromString(body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def collector(status: int = 200) -> Iterator[Collector]:
    with Collector(status) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def attributes(thing: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in thing.attributes}


def process(code: str, *arguments: str, **environ: str) -> tuple[str, list[dict[str, Any]]]:
    """What a process prints that sets up traces and then does this; and its log."""
    ended = subprocess.run(
        [sys.executable, "-c", SETUP + code, *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, [json.loads(line) for line in ended.stderr.splitlines()]


def traced(code: str, **environ: str) -> Collector:
    """A collector after a process that did this with a board that answers 200."""
    with collector() as found, Server(sends(answer())) as board:
        process(code, board.url, OTEL_EXPORTER_OTLP_ENDPOINT=found.url, **environ)
    return found


RUN = """
with span("kpisync.run", job="scrap", run="01HX") as told:
    ask()
    told(status="ok")
"""


def test_a_run_and_its_requests_arrive_as_one_trace() -> None:
    found = traced(RUN)
    run, request = found.spans
    assert (run.name, attributes(run)) == (
        "kpisync.run",
        {"kpisync.job": "scrap", "kpisync.run": "01HX", "kpisync.status": "ok"},
    )
    assert (request.name, request.trace_id, request.parent_span_id) == ("kpisync.request", run.trace_id, run.span_id)
    assert found.paths == ["/v1/traces"]
    assert (found.resource["service.name"], found.resource["service.version"]) == ("kpisync", __version__)


def test_a_request_tells_method_status_and_host_and_nothing_else_of_what_was_sent() -> None:
    found = traced(RUN)
    told = attributes(found.spans[1])
    host = told.pop("server.address")
    assert host.startswith("127.0.0.1:")
    assert told == {"http.request.method": "PUT", "http.response.status_code": 200, "kpisync.destination": "board"}
    assert b"hunter22" not in found.bodies
    assert b"token" not in found.bodies


def test_requests_of_other_threads_belong_to_the_run_that_sent_them() -> None:
    found = traced("""
with ThreadPoolExecutor(2) as pool, span("kpisync.run", job="scrap"):
    for future in [pool.submit(copy_context().run, ask) for _ in range(3)]:
        future.result()
""")
    run, *requests = found.spans
    assert [request.parent_span_id for request in requests] == [run.span_id] * 3


def test_what_fails_is_marked_and_its_words_are_not_kept() -> None:
    found = traced("""
try:
    with span("kpisync.run", job="scrap"):
        raise StateError("hunter22")
except StateError:
    pass
""")
    (run,) = found.spans
    assert (run.status.code, list(run.events)) == (2, [])
    assert b"hunter22" not in found.bodies


def test_a_request_without_an_answer_is_a_failed_one_without_a_status() -> None:
    with collector() as found, Server(drops) as board:
        process("try:\n ask()\nexcept Exception:\n pass", board.url, OTEL_EXPORTER_OTLP_ENDPOINT=found.url)
    (request,) = found.spans
    assert request.status.code == 2
    assert "http.response.status_code" not in attributes(request)


def test_a_service_may_have_another_name() -> None:
    assert traced(RUN, OTEL_SERVICE_NAME="kpisync-werk-2").resource["service.name"] == "kpisync-werk-2"
    assert traced(RUN, OTEL_RESOURCE_ATTRIBUTES="service.name=werk-3").resource["service.name"] == "werk-3"


# ---------------------------------------------------------------- never by default, and never in the way


def test_without_the_variables_the_library_is_not_even_loaded() -> None:
    with Server(sends(answer())) as board:
        out, log = process(f"{RUN}print([name for name in sys.modules if 'opentelemetry' in name], end)", board.url)
    assert (out.strip(), log) == ("[] None", [])


def test_a_span_that_nobody_takes_lets_through_what_is_raised() -> None:
    with pytest.raises(KeyError), span("kpisync.run", job="scrap") as told:
        told(status="ok")
        raise KeyError


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "True"},
    ],
    ids=["nothing", "empty", "none", "disabled"],
)
def test_it_is_off_unless_it_is_asked_for(environ: dict[str, str]) -> None:
    assert start(environ) is None


def test_a_collector_that_is_away_is_told_once_and_stops_nothing() -> None:
    with Server(sends(answer())) as board:
        out, log = process(
            """
for _ in range(3):
    with span("kpisync.run", job="scrap"):
        print(ask())
    from opentelemetry import trace
    trace.get_tracer_provider().force_flush()
""",
            board.url,
            OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1",
            OTEL_EXPORTER_OTLP_TIMEOUT="0.1",
        )
    assert out.split() == ["200"] * 3
    (event,) = log
    assert (event["level"], event["event"]) == (
        "warning",
        "traces could not be sent and are dropped, everything else goes on",
    )


def test_a_collector_that_refuses_is_told_and_so_is_its_recovery() -> None:
    results = pytest.importorskip("opentelemetry.sdk.trace.export").SpanExportResult
    answers = [results.SUCCESS, results.FAILURE, results.FAILURE, results.SUCCESS, results.FAILURE]
    scripted = Scripted(list(answers))
    exporter = Bounded(scripted)
    with structlog.testing.capture_logs() as log:
        assert [exporter.export([]) for _ in answers] == answers
    assert [event["log_level"] for event in log] == ["warning", "info", "warning"]


def test_after_the_end_nothing_more_is_sent() -> None:
    scripted = Scripted([])
    exporter = Bounded(scripted)
    exporter.end_by(0.0)
    exporter.export([])
    assert scripted.exports == 0


def test_at_the_end_a_collector_that_is_away_is_tried_once() -> None:
    results = pytest.importorskip("opentelemetry.sdk.trace.export").SpanExportResult
    scripted = Scripted([results.FAILURE])
    exporter = Bounded(scripted)
    exporter.end_by(1e12)
    with structlog.testing.capture_logs():
        assert [exporter.export([]) for _ in range(3)] == [results.FAILURE] * 3
    assert scripted.exports == 1


class Scripted:
    """An exporter with these results."""

    def __init__(self, results: list[Any]) -> None:
        self.results, self.exports = results, 0

    def export(self, spans: object) -> Any:
        self.exports += 1
        return self.results.pop(0)

    def shutdown(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER is zipkin; only otlp is known"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is grpc; only http/protobuf is known",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT is no address"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://[::1"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is no address"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_BSP_MAX_QUEUE_SIZE": "-1"},
            "OpenTelemetry cannot be set up",
        ),
    ],
    ids=["exporter", "protocol", "scheme", "bracket", "queue"],
)
def test_a_variable_that_cannot_be_meant_is_one_warning_and_no_traces(environ: dict[str, str], said: str) -> None:
    with Server(sends(answer())) as board:
        out, log = process(f"{RUN}print(end)", board.url, **environ)
    assert out.strip() == "None"
    assert [said in event.get("problem", "") for event in log] == [True]


def test_without_the_extra_it_is_one_warning_that_names_it() -> None:
    hidden = "import sys\nsys.modules['opentelemetry.sdk'] = None\n"
    with Server(sends(answer())) as board:
        ended = subprocess.run(
            [sys.executable, "-c", f"{hidden}{SETUP}{RUN}print(end)", board.url],
            env={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    (event,) = [json.loads(line) for line in ended.stderr.splitlines()]
    assert ended.stdout.strip() == "None"
    assert "extra otel is not installed" in event["problem"]
    assert "kpisync[otel]" in event["hint"]
