"""The page of the sandbox shows what it holds and escapes all of it; its switches are not open to web pages."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sandbox_caller import (
    ACTUAL,
    API,
    CATALOG,
    LINE_1,
    SCRAP,
    TARGET,
    call,
    get,
    login,
    put,
    record_path,
    switch,
    values,
)

from kpisync.errors import Exit
from kpisync.model import Catalog, CatalogKpi
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import Fault, SandboxSettings

DAY = date(2026, 11, 20)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxSettings(partial_sets="merge-keep"), CATALOG) as sandbox:
        yield sandbox


def _page(sandbox: Sandbox) -> str:
    answer = call(sandbox, "GET", "/", headers={})
    assert answer.status == 200
    return answer.body.decode()


# ---------------------------------------------------------------- the page


def test_the_page_says_that_nothing_is_real_and_how_to_use_it(sandbox: Sandbox) -> None:
    page = _page(sandbox)
    assert "Nothing here is real" in page
    assert f"url: {sandbox.platform_url('valuestreamer')}" in page
    assert 'username: "sandbox"' in page


def test_the_page_shows_records_by_their_names_and_exact_numbers(sandbox: Sandbox) -> None:
    put(sandbox, values(actual="177.50", target=190))
    page = _page(sandbox)
    row = re.search(r"<tr><td[^>]*>2026-11-20</td>.*?</tr>", page, re.DOTALL)
    assert row
    for words in ("scrap", "line-1", "actual: 177.50", "target: 190"):
        assert words in row[0]


def test_the_page_shows_the_last_200_records(sandbox: Sandbox) -> None:
    for n in range(201):
        sandbox.put_by_hand(date(2026, 1, 1) + timedelta(n), "line-1", "scrap", None, {"actual": n})
    page = _page(sandbox)
    assert page.count("actual: ") == 200
    assert "actual: 0<" not in page
    assert "the last 200 only" in page


def test_the_page_shows_the_last_50_requests_and_all_counts(sandbox: Sandbox) -> None:
    for n in range(51):
        call(sandbox, "GET", f"{API}/teams?n={n}.")
    page = _page(sandbox)
    assert page.count("<b>GET</b>") == 50
    assert "n=0." not in page
    assert "In all GET 51." in page


def test_the_page_shows_the_behaviour_and_the_faults_to_come(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="drop-after", method="PUT", path="/kpi-data/", after=2, delay=timedelta(seconds=1.5))]
    page = _page(sandbox)
    assert "merge-keep" in page
    assert "<b>drop-after</b> for PUT, path with <code>/kpi-data/</code>: after 2 more, 1 of them, delay 1.5 s" in page


def test_the_page_escapes_a_kpi_called_script() -> None:
    name = "<script>alert(1)</script>"
    catalog = Catalog({name: LINE_1}, {name: CatalogKpi(name, SCRAP, values={name: ACTUAL}, sub_tiles={name: TARGET})})
    with Sandbox(catalogs=catalog) as sandbox:
        sandbox.put_by_hand(DAY, name, name, name, {name: 1})
        call(sandbox, "PUT", f"{API}/<script>alert(1)</script>", name)
        page = _page(sandbox)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 6


def test_the_page_escapes_a_password_and_a_fault() -> None:
    fault = Fault(kind="status", path="<script>")
    with Sandbox(SandboxSettings(username="</pre><script>", password="'\"<script>", faults=(fault,))) as sandbox:
        assert "<script" not in _page(sandbox)


def test_the_page_may_load_nothing_but_its_own_style(sandbox: Sandbox) -> None:
    headers = call(sandbox, "GET", "/").headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
    style = call(sandbox, "GET", "/_sandbox/page.css")
    assert (style.status, style.headers["Content-Type"]) == (200, "text/css; charset=utf-8")


def test_the_page_reloads_itself_only_on_request(sandbox: Sandbox) -> None:
    assert "http-equiv" not in _page(sandbox)
    assert b'http-equiv="refresh" content="2"' in call(sandbox, "GET", "/?refresh").body


def test_looking_at_the_page_leaves_no_trace(sandbox: Sandbox) -> None:
    _page(sandbox)
    call(sandbox, "GET", "/_sandbox/state")
    assert (sandbox.journal, sandbox.requests) == ([], {})


# ---------------------------------------------------------------- state


def test_the_state_holds_records_settings_faults_and_the_journal(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="stall", after=1, delay=timedelta(seconds=1.5))]
    put(sandbox, values(actual="1.50"))
    state = call(sandbox, "GET", "/_sandbox/state").json
    assert state["platforms"]["valuestreamer"] == {
        "url": sandbox.platform_url("valuestreamer"),
        "records": [
            {"kpi": "scrap", "team": "line-1", "sub_tile": None, "date": "2026-11-20", "values": {"actual": "1.50"}}
        ],
    }
    assert state["settings"]["partial_sets"] == "merge-keep"
    assert "password" not in state["settings"]
    assert [(fault["kind"], fault["after"], fault["delay"]) for fault in state["faults"]] == [("stall", 0, "1500ms")]
    assert [(entry["method"], entry["status"]) for entry in state["journal"]] == [("PUT", 201)]
    assert state["requests"] == {"PUT": 1}


# ---------------------------------------------------------------- switches


def test_posted_settings_change_what_they_name_and_keep_the_rest(sandbox: Sandbox) -> None:
    answer = switch(sandbox, "settings", '{"rate_limit": "5/s", "latency": "1ms"}')
    assert (answer.status, answer.json["rate_limit"], answer.json["latency"]) == (200, "5/s", "1ms")
    assert (sandbox.settings.partial_sets, sandbox.settings.rate_limit) == ("merge-keep", 5.0)


@pytest.mark.parametrize("rate", ["none", "5/s", "100/m", "2000/h", "0.5/h"])
def test_settings_that_are_shown_can_be_posted_back(sandbox: Sandbox, rate: str) -> None:
    shown = switch(sandbox, "settings", json.dumps({"rate_limit": rate})).body.decode()
    before = sandbox.settings
    assert switch(sandbox, "settings", shown).body.decode() == shown
    assert sandbox.settings.rate_limit == pytest.approx(before.rate_limit)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"partial_sets": "sometimes"}', "partial_sets: Input should be 'merge-keep'"),
        ('{"rate_limitt": "5/s"}', "rate_limitt: Extra inputs are not permitted"),
        ('{"rate_limit": "5"}', "not a rate such as 5/s"),
        ("[]", "A JSON object is expected"),
        ("{", "The body is not JSON"),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_words(sandbox: Sandbox, body: str, words: str) -> None:
    before = sandbox.settings
    answer = switch(sandbox, "settings", body)
    assert answer.status == 400
    assert words in answer.json["message"]
    assert "Nothing was changed" in answer.json["message"]
    assert sandbox.settings is before


def test_posted_faults_replace_those_to_come(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="stall")]
    assert switch(sandbox, "faults", '[{"kind": "status", "status": 503, "times": null}]').status == 200
    assert sandbox.faults == (Fault(kind="status", status=503, times=None),)
    assert switch(sandbox, "faults", "[]").status == 200
    assert sandbox.faults == ()


def test_a_posted_fault_without_a_kind_is_refused(sandbox: Sandbox) -> None:
    answer = switch(sandbox, "faults", '[{"times": 1}]')
    assert (answer.status, answer.json["message"]) == (400, "0.kind: Field required. Nothing was changed.")


def test_a_posted_record_is_written_as_by_another_hand(sandbox: Sandbox) -> None:
    put(sandbox, values(actual=1))
    body = '{"kpi": "scrap", "team": "line-1", "date": "2026-11-20", "values": {"target": 2.50}}'
    assert switch(sandbox, "record", body).status == 200
    assert get(sandbox).values == {ACTUAL: "1", TARGET: "2.50"}
    assert switch(sandbox, "record", body.replace('{"target": 2.50}', "null")).status == 200
    assert get(sandbox).status == 404


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kpi": "scrapp"}, "'scrapp' is not the id of a KPI"),
        ({"team": None}, "needs a team"),
        ({"platform": "other"}, "no platform 'other'"),
        ({"values": {}}, "values"),
        ({"values": {"target": "much"}}, "values.target"),
        ({"date": "2026-11-31"}, "date"),
    ],
)
def test_a_posted_record_that_makes_no_sense_is_refused(
    sandbox: Sandbox, change: dict[str, object], words: str
) -> None:
    body = {"kpi": "scrap", "team": "line-1", "date": "2026-11-20", "values": {"target": 2}} | change
    answer = switch(sandbox, "record", json.dumps(body))
    assert answer.status == 400
    assert words in answer.json["message"]
    assert sandbox.records() == {}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_switch_refuses_what_a_foreign_page_could_send(sandbox: Sandbox, content_type: str) -> None:
    before = sandbox.settings
    assert switch(sandbox, "settings", '{"latency": "1h"}', content_type).status == 415
    assert sandbox.settings is before


def test_a_switch_refuses_a_read_and_a_preflight(sandbox: Sandbox) -> None:
    assert call(sandbox, "GET", "/_sandbox/reset").status == 405
    answer = call(sandbox, "OPTIONS", "/_sandbox/reset")
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (405, None)
    assert call(sandbox, "POST", "/", "", {"Content-Type": "application/json"}).status == 405


@pytest.mark.parametrize("path", ["/", "/_sandbox/state", f"{API}/teams", record_path()])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""])
def test_a_foreign_host_name_is_refused_everywhere(sandbox: Sandbox, path: str, host: str) -> None:
    answer = call(sandbox, "GET", path, headers=login() | {"Host": host})
    assert answer.status == 403
    assert LINE_1 not in answer.body.decode()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8025", "127.0.0.1", "127.1.2.3:1", "[::1]:8025"])
def test_every_loopback_name_is_served(sandbox: Sandbox, host: str) -> None:
    assert call(sandbox, "GET", "/", headers={"Host": host}).status == 200


def test_an_unknown_path_names_the_known_ones(sandbox: Sandbox) -> None:
    assert "/_sandbox/state" in call(sandbox, "GET", "/_sandbox/nothing").json["message"]
    assert "/valuestreamer/api" in call(sandbox, "GET", "/nothing").json["message"]


# ---------------------------------------------------------------- from the command line


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, Exit.SIGINT), (signal.SIGTERM, Exit.SIGTERM)])
def test_a_signal_ends_the_sandbox_cleanly(number: signal.Signals, code: Exit) -> None:
    sandbox = Sandbox(catalogs=CATALOG)
    before = signal.getsignal(number)

    def ask_then_signal() -> None:
        put(sandbox, values(actual=1))
        os.kill(os.getpid(), number)

    client = threading.Thread(target=ask_then_signal)
    client.start()  # it is served as soon as the sandbox answers: the port listens from the beginning
    assert sandbox.serve_forever() == code
    client.join()
    assert len(sandbox.records()) == 1
    assert signal.getsignal(number) == before
