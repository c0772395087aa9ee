"""What MicroStrategy refuses is told in its own words, with what to do next, however it writes its codes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from microstrategy_builders import (
    CUBE,
    DASHBOARD,
    KPI,
    OUTPUT,
    REPORT,
    cube,
    fails,
    id_of,
    prompt,
    reader,
    report,
    shown,
)

from kpisync.sandbox.settings import Fault

HTML = "<html><head><title>Blocked by proxy</title></head></html>"


@pytest.mark.parametrize(
    ("status", "body", "said", "next_step"),
    [
        (403, {"code": "ERR014", "message": "No privilege"}, "ERR014: No privilege", "Ask the administrator"),
        (403, {"code": "ERR0014", "message": "No privilege"}, "ERR0014: No privilege", "Ask the administrator"),
        (403, {"code": "ERR0R22", "message": "No"}, "ERR0R22: No", "Ask the administrator"),
        (500, {"code": "ERR002", "message": "x", "iServerCode": -2147214568}, "ERR002: x", "Ask the administrator"),
        (404, {"code": "ERR004", "message": "Gone"}, "ERR004: Gone", "Check its id"),
        (404, {"code": "ERR004", "message": "HTTP 404 Not Found"}, "ERR004", "too old"),
        (405, {"code": "ERR001", "message": "no method"}, "ERR001", "too old"),
        (500, {"code": "ERR002", "message": "x", "iServerCode": -2147072488}, "ERR002: x", "Publish the cube"),
        (404, {"code": "ERR004", "message": "x", "iServerCode": -2147072195}, "ERR004: x", "Publish the cube"),
        (500, {"code": "ERR002", "message": "x", "iServerCode": -2147209151}, "ERR002: x", "Check project"),
        (404, {"code": "ERR004", "message": "x", "iServerCode": -2147468986}, "ERR004: x", "Run again"),
        (500, {"code": "ERR002", "message": "x", "iServerCode": -2147206497}, "ERR002: x", "Narrow"),
        (404, {"code": "-2147216373", "message": "(not found)"}, "-2147216373: (not found)", "Check its id"),
        (500, {"errors": [{"code": "ERR001", "message": "first"}]}, "ERR001: first", "Run again later"),
        (400, {"code": "ERR006", "message": "Invalid metric id"}, "ERR006: Invalid metric id", "Check the ids"),
        (400, {"code": "ERR006", "message": "x", "ticketId": "ab12"}, "ERR006: x (ticket ab12)", "Check the ids"),
        (500, {"error": "no code"}, '{"error": "no code"}', "Run again later"),
        (500, [], "(status 500)", "Run again later"),
        (429, {}, "(status 429)", "Run again later"),
    ],
)
def test_a_refusal_has_the_words_of_the_platform_and_the_next_step(
    status: int, body: Any, said: str, next_step: str
) -> None:
    with reader(cube()) as source:
        source.sandbox.faults = [fails(status, json.dumps(body), times=None)]
        error = source.error(cube=CUBE)
        assert error.what.startswith(f"executing the cube: the platform refuses it (status {status})")
        assert said in error.what
        assert next_step in str(error.hint)
        assert source.open_sessions == 0


@pytest.mark.parametrize("status", [200, 403, 502])
def test_a_web_page_is_named_as_one(status: int) -> None:
    with reader(cube()) as source:
        source.sandbox.faults = [fails(status, HTML, times=None)]
        error = source.error(cube=CUBE)
        assert f"a web page: Blocked by proxy came, where JSON was expected (status {status})" in error.what


def test_a_redirect_is_named_and_not_followed() -> None:
    with reader(cube()) as source:
        there = {"Location": "https://sso.example.com/login?next=secret"}
        source.sandbox.faults = [Fault(kind="status", status=302, path="/projects", headers=there)]
        error = source.error(cube=CUBE)
        assert "redirects to sso.example.com (status 302)" in error.what
        assert "single sign-on" in str(error.hint)


def test_a_proxy_that_wants_a_login_says_so() -> None:
    with reader(cube()) as source:
        source.sandbox.faults = [fails(407)]
        assert "the proxy wants a login" in source.error(cube=CUBE).what


@pytest.mark.parametrize("spelling", ["long", "short"])
def test_an_unpublished_cube_is_not_ready_yet(spelling: str) -> None:
    with reader(cube(published=False), error_codes=spelling) as source:
        assert "Publish the cube" in str(source.error(cube=CUBE).hint)


@pytest.mark.parametrize(
    "options",
    [{"cube": id_of(9)}, {"report": CUBE}, {"kpi": id_of(9)}, {"dashboard": {"id": id_of(9), "visualization": "K1"}}],
)
def test_an_object_that_is_not_there_is_told_with_its_id(options: dict[str, Any]) -> None:
    with reader(cube()) as source:
        error = source.error(**options)
        assert "status 404" in error.what
        assert "Check its id" in str(error.hint)


def test_a_metric_that_the_cube_does_not_have_is_refused_by_the_platform() -> None:
    with reader(cube()) as source:
        assert f"Invalid metric id - {OUTPUT}." in source.error(cube=CUBE, metrics={"n": OUTPUT}).what


def test_a_kpi_without_data_is_an_error_and_not_zero() -> None:
    with reader() as source:
        source.sandbox.faults = [Fault(kind="status", status=200, path="/insight/", body='{"id": "x", "name": "y"}')]
        assert "no dataPoints" in source.error(kpi=KPI).what


_READY = {"instanceId": "I1", "status": 1}
_GRID = {"definition": {"grid": {}}, "data": {"paging": {"total": 0, "current": 0, "offset": 0}}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "the answer is no JSON"),
        ('{"status": 1, "status": 1}', "a key occurs twice"),
        (json.dumps({"status": 1}), "names no instance"),
        (json.dumps({**_READY, "status": 77}), "its status is 77, which is not known"),
        (json.dumps({**_READY, "data": {}}), "paging.total is missing"),
        (json.dumps({**_READY, "data": {"paging": {"total": -1}}}), "paging.total is missing"),
        (
            json.dumps({**_READY, **_GRID, "data": {"paging": {"total": 3, "current": 0, "offset": 0}}}),
            "a page is empty",
        ),
        (json.dumps({**_READY, **_GRID, "data": {"paging": {"total": 0, "current": 4, "offset": 0}}}), "current 4"),
        (json.dumps({**_READY, **_GRID, "data": {"paging": {"total": 0, "current": 0, "offset": 5}}}), "offset 5"),
    ],
)
def test_an_answer_that_is_not_as_documented_is_never_used(body: str, words: str) -> None:
    with reader(cube()) as source:
        source.sandbox.faults = [fails(200, body, times=None)]
        error = source.error(cube=CUBE)
        assert words in error.what
        assert "which version of the platform" in str(error.hint)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"cube": CUBE}, "/projects"),
        ({"cube": CUBE}, "/instances"),
        ({"report": REPORT}, "/prompts"),
        ({"kpi": KPI}, "/insight"),
        ({"dashboard": {"id": DASHBOARD, "visualization": "K1"}}, "/definition"),
        ({"dashboard": {"id": DASHBOARD, "visualization": "K1"}}, "/instances"),
        ({"dashboard": {"id": DASHBOARD, "visualization": "K1"}}, "/status"),
        ({"dashboard": {"id": DASHBOARD, "visualization": "K1"}}, "/visualizations"),
    ],
)
def test_no_answer_of_any_kind_ends_in_a_traceback(options: dict[str, Any], path: str) -> None:
    board = {"kind": "dashboard", "id": DASHBOARD, "name": "B", "visualizations": [{"key": "K1", **shown()}]}
    with reader(cube(), report(prompts=[prompt()]), board, polls=1) as source:
        for body in ("null", "[]", "1", '""', "{}", '{"status": {}}', '{"data": [], "status": 1}', "[null]", "[[1]]"):
            source.sandbox.faults = [Fault(kind="status", status=200, path=path, body=body, times=None)]
            source.error(**options, execution_timeout="0s" if path == "/status" else "10s")
