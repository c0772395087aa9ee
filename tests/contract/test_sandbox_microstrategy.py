"""The stand-in of MicroStrategy refuses what the platform refuses, counts sessions, and shows what it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from microstrategy_builders import API, CUBE, KPI, REPORT, cube, kpi, prompt, report
from sandbox_caller import Answer, call, set_to, switch

from kpisync.model import RecordKey
from kpisync.sandbox.microstrategy.content import CUBE as FIRST_CUBE
from kpisync.sandbox.microstrategy.content import PROJECT_ID
from kpisync.sandbox.platform import Refusal
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import SandboxSettings

JSON = {"Content-Type": "application/json"}
DAY = date(2026, 11, 20)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with set_to() as sandbox:
        yield sandbox


def enter(sandbox: Sandbox, **body: Any) -> Answer:
    sent = {"loginMode": 1, "username": "sandbox", "password": "sandbox", **body}
    return call(sandbox, "POST", f"{API}/auth/login", json.dumps(sent), JSON)


def session(sandbox: Sandbox) -> dict[str, str]:
    """The headers of a client that is logged in."""
    answer = enter(sandbox)
    token, cookie = str(answer.headers["X-MSTR-AuthToken"]), str(answer.headers["Set-Cookie"]).partition(";")[0]
    return {**JSON, "X-MSTR-AuthToken": token, "Cookie": cookie, "X-MSTR-ProjectID": PROJECT_ID}


def ask(sandbox: Sandbox, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    given = session(sandbox) if headers is None else headers
    return call(sandbox, method, f"{API}{path}", None if body is None else json.dumps(body), given)


def code(answer: Answer) -> tuple[int, str, int | None]:
    found = answer.json
    server = found.get("iServerCode")
    return answer.status, found["code"], None if server is None else int(server)


# ---------------------------------------------------------------- sessions


def test_a_login_answers_without_a_body_and_with_token_and_cookie(sandbox: Sandbox) -> None:
    answer = enter(sandbox)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["X-MSTR-AuthToken"]
    assert "HttpOnly" in str(answer.headers["Set-Cookie"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"loginMode": 16}, 204),
        ({"loginMode": "1"}, 204),
        ({"loginMode": 8}, 204),
        ({"loginMode": 4096, "username": "sandbox"}, 401),
        ({"password": "wrong"}, 401),
        ({"username": "somebody"}, 401),
        ({"loginMode": 64}, 400),
        ({"loginMode": None}, 400),
        ({"passwort": "x"}, 400),
    ],
)
def test_a_login_is_taken_only_as_documented(sandbox: Sandbox, body: dict[str, Any], status: int) -> None:
    assert enter(sandbox, **body).status == status
    assert sandbox.facts()["open sessions"] == f"{int(status == 204)} of at most 3"


def test_beyond_the_limit_a_login_is_refused_until_a_session_ends(sandbox: Sandbox) -> None:
    headers = [session(sandbox) for _ in range(3)]
    assert code(enter(sandbox)) == (500, "ERR002", -2147073423)
    assert ask(sandbox, "POST", "/auth/logout", headers=headers[0]).status == 204
    assert enter(sandbox).status == 204
    assert code(ask(sandbox, "POST", "/auth/logout", headers=headers[0])) == (401, "ERR009", None)


@pytest.mark.parametrize("headers", [{}, {"X-MSTR-AuthToken": "token-1"}])
def test_without_a_session_nothing_is_answered(sandbox: Sandbox, headers: dict[str, str]) -> None:
    for path in ("/projects", f"/insight/KPIs/{KPI}", "/sessions"):
        assert code(ask(sandbox, "GET", path, headers=headers)) == (401, "ERR009", None)


@pytest.mark.parametrize(("rule", "status"), [("required", 401), ("ignored", 200)])
def test_a_token_without_its_cookie_is_worth_nothing(rule: str, status: int) -> None:
    with set_to(session_cookie=rule) as sandbox:
        headers, other = session(sandbox), session(sandbox)
        for cookie in ("", other["Cookie"]):
            assert ask(sandbox, "GET", "/projects", headers=headers | {"Cookie": cookie}).status == status


def test_a_session_that_is_not_used_ends_and_a_call_keeps_it_alive() -> None:
    now = [datetime(2026, 11, 20, tzinfo=UTC)]
    with Sandbox(SandboxSettings(), now=lambda: now[0]) as sandbox:
        headers = session(sandbox)
        for _ in range(3):
            now[0] += timedelta(minutes=29)
            assert ask(sandbox, "PUT", "/sessions", headers=headers).status == 204
        assert int(ask(sandbox, "GET", "/sessions", headers=headers).json["timeout"]) == 1800
        now[0] += timedelta(minutes=30)
        assert ask(sandbox, "GET", "/sessions", headers=headers).status == 401
        assert sandbox.facts()["open sessions"].startswith("0 ")


def test_the_end_of_a_delegated_session_is_the_end_of_the_first(sandbox: Sandbox) -> None:
    first = session(sandbox)
    identity = ask(sandbox, "POST", "/auth/identityToken", headers=first).headers["X-MSTR-IdentityToken"]
    answer = ask(sandbox, "POST", "/auth/delegate", {"loginMode": -1, "identityToken": identity}, JSON)
    second = {"X-MSTR-AuthToken": str(answer.headers["X-MSTR-AuthToken"]), "Cookie": str(answer.headers["Set-Cookie"])}
    assert sandbox.facts()["open sessions"].startswith("1 ")
    assert ask(sandbox, "POST", "/auth/logout", headers=second).status == 204
    assert ask(sandbox, "GET", "/sessions", headers=first).status == 401


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("method", "path", "status", "word"),
    [
        ("DELETE", "/auth/login", 405, "ERR001"),
        ("GET", "/nothing", 404, "ERR004"),
        ("GET", "/v2/cubes", 404, "ERR004"),
        ("POST", f"/v2/cubes/{REPORT}/instances", 404, "ERR004"),
        ("GET", f"/v2/cubes/{CUBE}/instances/0", 404, "ERR004"),
        ("GET", "/insight/KPIs/0", 404, "-2147216373"),
        ("GET", f"/insight/KPIs/{KPI}?dataRangeUnit=2p", 400, "-2147024809"),
        ("POST", f"/v2/cubes/{CUBE}/instances?limit=-2", 400, "ERR006"),
        ("POST", f"/v2/cubes/{CUBE}/instances?limit=many", 400, "ERR006"),
        ("POST", f"/v2/cubes/{CUBE}/instances?page=2", 400, "ERR006"),
    ],
)
def test_what_the_platform_does_not_have_is_refused(
    sandbox: Sandbox, method: str, path: str, status: int, word: str
) -> None:
    for thing in (cube(), report(), kpi()):
        sandbox.put_object(thing)
    answer = ask(sandbox, method, path, {} if method == "POST" else None)
    assert (answer.status, answer.json["code"]) == (status, word)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "not JSON"),
        ("[]", "must be a JSON object"),
        ('{"requestedObject": {}}', "Unknown field"),
        ('{"requestedObjects": {"metrics": [{"id": "X"}]}}', "Invalid metric id - X."),
        ('{"requestedObjects": {"attributes": [{"id": "X"}]}}', "Invalid attribute id - X."),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(sandbox: Sandbox, body: str, words: str) -> None:
    sandbox.put_object(cube())
    answer = call(sandbox, "POST", f"{API}/v2/cubes/{CUBE}/instances", body, session(sandbox))
    assert answer.status == 400
    assert words in answer.json["message"]
    assert len(answer.json["ticketId"]) == 32


def test_a_project_is_needed_and_must_be_known(sandbox: Sandbox) -> None:
    headers = session(sandbox)
    del headers["X-MSTR-ProjectID"]
    path = f"/v2/cubes/{FIRST_CUBE}/instances"
    assert code(ask(sandbox, "POST", path, {}, headers)) == (400, "ERR005", None)
    wrong = headers | {"X-MSTR-ProjectID": "0" * 32}
    assert code(ask(sandbox, "POST", path, {}, wrong)) == (500, "ERR002", -2147209151)


def test_beyond_the_working_set_the_oldest_instance_is_forgotten() -> None:
    with set_to(working_set=2) as sandbox:
        headers, path = session(sandbox), f"/v2/cubes/{FIRST_CUBE}/instances"
        ids = [ask(sandbox, "POST", path, {}, headers).json["instanceId"] for _ in range(3)]
        assert [ask(sandbox, "GET", f"{path}/{id}", None, headers).status for id in ids] == [404, 200, 200]
        assert code(ask(sandbox, "GET", f"{path}/{ids[0]}", None, headers)) == (404, "ERR004", -2147468986)


def test_an_empty_choice_is_nothing_and_no_choice_is_everything(sandbox: Sandbox) -> None:
    path = f"/v2/cubes/{FIRST_CUBE}/instances"
    assert ask(sandbox, "POST", path, {"requestedObjects": {}}).json["data"]["paging"]["total"] == 0
    assert ask(sandbox, "POST", path, {"requestedObjects": None}).json["data"]["paging"]["total"] == 6
    assert ask(sandbox, "POST", f"{path}?limit=-1", {}).json["data"]["paging"]["current"] == 6


def test_a_prompt_is_answered_as_it_wants_to_be(sandbox: Sandbox) -> None:
    sandbox.put_object(report(["20", Decimal(1)], prompts=[prompt("Day", type="VALUE")]))
    headers, path = session(sandbox), f"/v2/reports/{REPORT}/instances"
    made = ask(sandbox, "POST", path, {}, headers).json
    assert (int(made["status"]), "data" in made) == (2, False)
    answers = f"/reports/{REPORT}/instances/{made['instanceId']}/prompts/answers"

    def answer(**one: Any) -> int:
        return ask(sandbox, "PUT", answers, {"prompts": [{"key": "Day@0@10", **one}]}, headers).status

    assert [answer(type="ELEMENTS", answers=[1]), answer(type="VALUE"), answer(type="VALUE", useDefault=True)] == [
        400
    ] * 3
    assert answer(type="VALUE", answers="2026") == 204
    assert int(ask(sandbox, "GET", f"{path}/{made['instanceId']}", None, headers).json["status"]) == 1


# ---------------------------------------------------------------- what it holds


def test_a_row_is_written_and_deleted_by_hand(sandbox: Sandbox) -> None:
    sandbox.put_by_hand(DAY, "L1", "Scrap by line", None, {"Scrap": "7.50"}, platform="microstrategy")
    sandbox.put_by_hand(date(2026, 12, 1), "L9", FIRST_CUBE, None, {"Scrap": 1}, platform="microstrategy")
    held = sandbox.records("microstrategy")
    assert held[RecordKey("microstrategy", FIRST_CUBE, "L1", None, DAY)] == {"Scrap": Decimal("7.50"), "Output": 1020}
    assert held[RecordKey("microstrategy", FIRST_CUBE, "L9", None, date(2026, 12, 1))] == {"Scrap": 1}
    sandbox.delete_by_hand(DAY, "Line 1", "Scrap by line", None, platform="microstrategy")
    assert RecordKey("microstrategy", FIRST_CUBE, "L1", None, DAY) not in sandbox.records("microstrategy")


@pytest.mark.parametrize(
    ("day", "team", "name", "values", "words"),
    [
        (DAY, None, "Scrap by line", {"Scrap": 1}, "needs a team"),
        (DAY, "L1", "Scrapp", {"Scrap": 1}, "no cube or report 'Scrapp'"),
        (DAY, "L1", "Scrap by line", {"Scrapp": 1}, "has no metric 'Scrapp'; it has Scrap, Output"),
    ],
)
def test_a_row_by_hand_that_makes_no_sense_is_refused(
    sandbox: Sandbox, day: date, team: str | None, name: str, values: dict[str, int], words: str
) -> None:
    with pytest.raises(Refusal, match=words):
        sandbox.put_by_hand(day, team, name, None, values, platform="microstrategy")
    with pytest.raises(Refusal):
        sandbox.delete_by_hand(date(2020, 1, 1), team, name, None, platform="microstrategy")


def test_an_object_is_put_by_a_switch_and_shown_on_the_page(sandbox: Sandbox) -> None:
    thing = cube(["2026-11-20", 1], name="<script>")
    assert switch(sandbox, "object", json.dumps({"platform": "microstrategy", **thing})).status == 200
    page = call(sandbox, "GET", "/", headers={}).body.decode()
    assert f'cube &lt;script&gt;: <span class="mono">{CUBE}</span>' in page
    assert 'open sessions: <span class="mono">0 of at most 3</span>' in page
    assert f"url: {sandbox.platform_url('microstrategy')}" in page
    assert 'project: "Production"' in page
    state = call(sandbox, "GET", "/_sandbox/state").json["platforms"]["microstrategy"]
    assert state["facts"]["cube <script>"] == CUBE
    assert {line["kpi"] for line in state["records"]} >= {"Scrap by line"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("[]", "A JSON object is expected"),
        ('{"kind": "cubes"}', "does not match any of the expected tags"),
        (json.dumps(cube(["2026-11-20"])), "every row needs 2 cells"),
        (json.dumps({"platform": "quantive", **cube()}), "no source 'quantive'"),
    ],
)
def test_an_object_that_makes_no_sense_is_refused(sandbox: Sandbox, body: str, words: str) -> None:
    before = sandbox.facts()
    answer = switch(sandbox, "object", body)
    assert answer.status == 400
    assert words in answer.json["message"]
    assert sandbox.facts() == before


def test_a_reset_brings_back_what_was_there_at_first_and_ends_all_sessions(sandbox: Sandbox) -> None:
    before = sandbox.facts()
    sandbox.put_object(cube())
    session(sandbox)
    sandbox.reset()
    assert sandbox.facts()["open sessions"] == before["open sessions"]
    assert "cube Scrap" not in sandbox.facts()
