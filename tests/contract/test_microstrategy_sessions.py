"""A session of MicroStrategy is opened once, kept together with its cookie, and closed whatever happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from microstrategy_builders import (
    API,
    CUBE,
    DASHBOARD,
    KPI,
    REPORT,
    Reader,
    cube,
    fails,
    kpi,
    prompt,
    reader,
    report,
    shown,
)
from sandbox_caller import call

from kpisync.errors import Exit, Interrupted
from kpisync.sandbox.settings import Fault

ROWS = [[f"2026-11-{day}", Decimal(day)] for day in range(10, 16)]
THINGS = [
    cube(*ROWS),
    report(*ROWS, prompts=[prompt("Day")]),
    {"kind": "dashboard", "id": DASHBOARD, "name": "B", "visualizations": [{"key": "K1", **shown(*ROWS)}]},
    kpi(["2026-11-20T00:00:00Z", Decimal(1)]),
]
NAMED = {"username": "sandbox", "password": "sandbox"}
WAYS: dict[str, dict[str, Any]] = {
    "cube": {"cube": CUBE, "page_size": 2},
    "report": {"report": REPORT, "page_size": 2, "prompts": {"Day": {"value": "1"}}},
    "dashboard": {"dashboard": {"id": DASHBOARD, "visualization": "K1"}, "page_size": 2},
    "kpi": {"kpi": KPI},
}
way = pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)


def _requests(options: dict[str, Any], **settings: Any) -> int:
    with reader(*THINGS, **settings) as source:
        source.rows(**options)
        return len(source.asked)


def _at(number: int, act: Callable[[], None]) -> Callable[[], None]:
    """To be called before each request: acts before that one."""
    left = [number]

    def turn() -> None:
        left[0] -= 1
        if not left[0]:
            act()

    return turn


# ---------------------------------------------------------------- closed whatever happens


@way
def test_one_session_is_opened_and_closed_for_all_pages(options: dict[str, Any]) -> None:
    with reader(*THINGS, polls=1) as source:
        source.rows(**options)
        paths = [path for _, path, _ in source.asked]
        assert (paths.count("/auth/login"), paths.count("/auth/logout"), source.open_sessions) == (1, 1, 0)
        assert (paths[0], paths[-1]) == ("/auth/login", "/auth/logout")


@way
def test_no_session_is_left_by_a_failure_of_any_request(options: dict[str, Any]) -> None:
    with reader(*THINGS) as source:
        source.rows(**options)
        needed = [number for number, (method, _, _) in enumerate(source.asked[:-1]) if method != "DELETE"]
    for number in needed:
        with reader(*THINGS) as source:
            source.sandbox.faults = [Fault(kind="status", status=400, after=number)]
            source.error(**options)
            assert source.open_sessions == 0, f"after the failure of request {number + 1}"


@way
@pytest.mark.parametrize("kind", [KeyboardInterrupt, Interrupted])
def test_no_session_is_left_by_an_interruption_before_any_request(options: dict[str, Any], kind: type) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt if kind is KeyboardInterrupt else Interrupted(Exit.SIGTERM)

    for number in range(1, _requests(options)):
        with reader(*THINGS) as source:
            source.wait_turn = _at(number, interrupt)
            with pytest.raises(kind):
                source.rows(**options)
            assert source.open_sessions == 0, f"interrupted before request {number}"


@way
def test_no_session_is_left_by_an_interruption_of_a_wait(options: dict[str, Any]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with reader(*THINGS, polls=3) as source:
        source.clock.at(2, interrupt)
        if options.get("kpi"):
            pytest.skip("nothing is waited for")
        with pytest.raises(KeyboardInterrupt):
            source.rows(**options)
        assert source.open_sessions == 0


@way
def test_no_session_is_open_while_rows_are_taken_nor_when_they_are_abandoned(options: dict[str, Any]) -> None:
    with reader(*THINGS) as source:
        table = next(source.tables(**options))
        next(table.rows)
        assert source.open_sessions == 0


def test_a_logout_that_fails_is_a_note_and_the_rows_are_read() -> None:
    with reader(*THINGS) as source:
        source.sandbox.faults = [fails(500, path="/auth/logout", times=None)]
        assert len(source.rows(cube=CUBE)) == len(ROWS)
        assert any("logout: the platform refuses it (status 500)" in note for note in source.intake.notes)


def test_a_logout_from_a_session_that_ended_is_none() -> None:
    with reader(*THINGS) as source:
        source.sandbox.faults = [fails(401, path="/auth/logout")]
        source.rows(cube=CUBE)
        assert not any("logout" in note for note in source.intake.notes)


def test_many_readings_never_pile_up_sessions() -> None:
    with reader(*THINGS, session_limit=1) as source:
        for options in [*WAYS.values(), *WAYS.values()]:
            source.rows(**options)
        assert source.sandbox.facts()["sessions since the beginning"] == "8"


# ---------------------------------------------------------------- renewed once


@way
def test_a_session_that_ended_midway_is_begun_anew_once_and_every_row_comes_once(options: dict[str, Any]) -> None:
    with reader(*THINGS) as source:
        whole = source.rows(**options)
    for number in range(2, _requests(options)):
        with reader(*THINGS) as source:
            ended = _ended_by_hand(source)
            source.wait_turn = _at(number, ended)
            assert source.rows(**options) == whole, f"ended before request {number}"
            assert source.open_sessions == 0
            assert sum(path == "/auth/login" for _, path, _ in source.asked) <= 2


def test_a_session_that_ends_again_and_again_is_an_error() -> None:
    with reader(*THINGS) as source:
        source.sandbox.faults = [Fault(kind="status", status=401, method="GET", path="/projects", times=None)]
        error = source.error(cube=CUBE)
        assert "status 401" in error.what
        assert [path for _, path, _ in source.asked].count("/auth/login") == 2
        assert source.open_sessions == 0


def _ended_by_hand(source: Reader) -> Callable[[], None]:
    def end() -> None:
        source.sandbox._core.platforms["microstrategy"]._sessions.end_all()  # type: ignore[attr-defined]

    return end


# ---------------------------------------------------------------- logging in


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({}, {"loginMode": 1, **NAMED}),
        ({"login": "ldap", **NAMED}, {"loginMode": 16, **NAMED}),
        ({"login": "guest"}, {"loginMode": 8}),
        ({"login": "api-token", "token": "sandbox"}, {"loginMode": 4096, "username": "sandbox"}),
    ],
)
def test_each_way_to_log_in_sends_its_own_words(options: dict[str, Any], body: dict[str, Any]) -> None:
    with reader(*THINGS) as source:
        assert len(source.rows(cube=CUBE, **options)) == len(ROWS)
        assert json.loads(source.body("POST", "/auth/login")) == body
        assert source.open_sessions == 0


def test_the_session_of_an_identity_token_is_used_and_left_to_its_owner() -> None:
    with reader(*THINGS) as source:
        sandbox = source.sandbox
        login = call(sandbox, "POST", f"{API}/auth/login", '{"loginMode": 8}', {"Content-Type": "application/json"})
        mine = {"X-MSTR-AuthToken": str(login.headers["X-MSTR-AuthToken"]), "Cookie": str(login.headers["Set-Cookie"])}
        token = call(sandbox, "POST", f"{API}/auth/identityToken", "", mine).headers["X-MSTR-IdentityToken"]
        assert len(source.rows(cube=CUBE, login="identity-token", token=token)) == len(ROWS)
        assert call(sandbox, "GET", f"{API}/sessions", None, mine).status == 200
        assert source.open_sessions == 1


def test_a_login_that_was_sent_is_never_sent_again() -> None:
    with reader(*THINGS) as source:
        source.sandbox.faults = [Fault(kind="drop-after", path="/auth/login")]
        assert "login: 127.0.0.1" in source.error(cube=CUBE).what
        assert [path for _, path, _ in source.asked] == ["/auth/login"]


def test_a_wrong_password_is_tried_once_and_never_shown() -> None:
    with reader(*THINGS) as source:
        error = source.error(cube=CUBE, password="hunter2hunter2")
        assert "login: the platform refuses it (status 401): ERR003: Login failed (ticket " in error.what
        assert "username, password" in str(error.hint)
        assert [path for _, path, _ in source.asked] == ["/auth/login"]
        assert "hunter2" not in str(error)


def test_no_session_left_for_this_user_says_so() -> None:
    with reader(*THINGS, session_limit=0) as source:
        error = source.error(cube=CUBE)
        assert "maximum number of interactive sessions" in error.what
        assert "Close sessions" in str(error.hint)


def test_a_secret_or_a_token_in_the_words_of_the_platform_is_not_shown() -> None:
    with reader(*THINGS) as source:
        words = '{"code": "ERR001", "message": "user sandbox with hunter2hunter2 and token-%s failed"}' % f"{1:032X}"  # noqa: UP031
        source.sandbox.settings = source.sandbox.settings.model_copy(update={"password": "hunter2hunter2"})
        source.sandbox.faults = [fails(400, words)]
        text = str(source.error(cube=CUBE, password="hunter2hunter2"))
        assert "user sandbox with *** and *** failed" in text


def test_an_answer_without_a_token_is_no_login() -> None:
    with reader(*THINGS) as source:
        source.sandbox.faults = [Fault(kind="status", status=204, path="/auth/login")]
        assert "no header X-MSTR-AuthToken" in source.error(cube=CUBE).what


@pytest.mark.parametrize("before", ["", "BIGipServer=123.4.0000; Expires=Wed, 21 Oct 2099 07:28:00 GMT; Path=/, "])
def test_all_cookies_of_an_answer_come_back(before: str) -> None:
    with reader(*THINGS) as source:
        core = source.sandbox._core.platforms["microstrategy"]
        answered = core.answer

        def with_more(request: Any, settings: Any) -> Any:
            seen.append(request.headers.get("Cookie", ""))
            answer = answered(request, settings)
            headers = tuple((name, before + value if name == "Set-Cookie" else value) for name, value in answer.headers)
            return answer._replace(headers=headers)

        seen: list[str] = []
        core.answer = with_more  # type: ignore[method-assign]
        source.rows(cube=CUBE)
        assert all("JSESSIONID=" in cookies for cookies in seen[1:])
        assert all(("BIGipServer=123.4.0000" in cookies) is bool(before) for cookies in seen[1:])


# ---------------------------------------------------------------- tried again


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_read_is_tried_again_where_the_platform_is_busy(status: int) -> None:
    with reader(*THINGS) as source:
        source.sandbox.faults = [
            Fault(kind="status", status=status, method="GET", times=2, headers={"Retry-After": "7"})
        ]
        assert len(source.rows(cube=CUBE)) == len(ROWS)
        assert source.clock.monotonic() == 14


def test_a_read_is_tried_three_times_at_most() -> None:
    with reader(*THINGS) as source:
        source.sandbox.faults = [Fault(kind="status", status=503, method="GET", times=None)]
        assert "status 503" in source.error(cube=CUBE).what
        assert sum(method == "GET" for method, _, _ in source.asked) == 3


def test_a_long_wait_that_the_platform_asks_for_is_cut() -> None:
    with reader(*THINGS) as source:
        source.sandbox.faults = [Fault(kind="status", status=503, method="GET", headers={"Retry-After": "900"})]
        source.rows(cube=CUBE)
        assert source.clock.monotonic() == 60


def test_an_instance_without_an_answer_is_not_made_twice_and_goes_with_its_session() -> None:
    with reader(*THINGS) as source:
        source.sandbox.faults = [Fault(kind="drop-after", method="POST", path="/instances")]
        assert "gave no answer" in source.error(cube=CUBE).what
        assert sum(path.partition("?")[0].endswith("/instances") for _, path, _ in source.asked) == 1
        assert source.open_sessions == 0


def test_a_platform_that_is_not_there_is_an_error() -> None:
    with reader(*THINGS) as source:
        url = f"http://127.0.0.1:9{API}"
        error = source.error(cube=CUBE, url=url)
        assert "was not reached" in error.what
        assert source.asked == []


def test_a_platform_that_is_silent_is_given_up() -> None:
    with reader(*THINGS) as source:
        source.sandbox.faults = [Fault(kind="stall", path="/auth/login", delay="5s")]
        error = source.error(cube=CUBE, timeout="200ms")
        assert "login: " in error.what
        assert "raise timeout" in str(error.hint)
