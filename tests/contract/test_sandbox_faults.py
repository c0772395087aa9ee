"""What goes wrong in the sandbox goes wrong on request only, and leaves exactly what it says."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pydantic import ValidationError
from sandbox_caller import (
    ACTUAL,
    API,
    CATALOG,
    LINE_1,
    LINE_2,
    MEDIA_TYPE,
    call,
    get,
    login,
    put,
    record_path,
    switch,
    values,
)

from kpisync.errors import ConfigError
from kpisync.sandbox.journal import Journal
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import Fault, SandboxSettings

LOST = (http.client.RemoteDisconnected, ConnectionResetError)
AN_HOUR = timedelta(hours=1)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxSettings(partial_sets="merge-keep"), CATALOG) as sandbox:
        yield sandbox


# ---------------------------------------------------------------- each kind


def test_a_status_is_answered_and_nothing_stored(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="status", status=503, body="later", headers={"Retry-After": "7"})]
    answer = put(sandbox, values(actual=1))
    assert (answer.status, answer.body, answer.headers["Retry-After"]) == (503, b"later", "7")
    assert get(sandbox).status == 404


def test_a_status_may_redirect_and_set_any_header(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="status", status=302, headers={"location": "http://elsewhere.invalid/"})]
    answer = put(sandbox, values(actual=1))
    assert (answer.status, answer.headers["Location"]) == (302, "http://elsewhere.invalid/")


def test_a_drop_before_closes_and_stores_nothing(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="drop-before")]
    with pytest.raises(LOST):
        put(sandbox, values(actual=1))
    assert get(sandbox).status == 404


def test_a_drop_after_stores_and_closes(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="drop-after")]
    with pytest.raises(LOST):
        put(sandbox, values(actual=1))
    assert get(sandbox).values == {ACTUAL: "1"}


def test_a_drop_after_of_a_refused_write_stores_nothing(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="drop-after")]
    with pytest.raises(LOST):
        put(sandbox, values(actual="null"))
    assert get(sandbox).status == 404


def test_a_late_commit_closes_and_lands_over_what_was_written_since(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="late-commit", delay=AN_HOUR)]
    with pytest.raises(LOST):
        put(sandbox, values(actual=1))
    assert (get(sandbox).status, sandbox.late_commits) == (404, 1)
    put(sandbox, values(actual=2))
    assert (sandbox.land_late_commits(), sandbox.late_commits) == (1, 0)
    assert get(sandbox).values == {ACTUAL: "1"}


def test_a_late_commit_lands_by_itself_after_its_delay(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="late-commit", delay=timedelta(milliseconds=20))]
    with pytest.raises(LOST):
        put(sandbox, values(actual=1))
    for _ in range(500):
        if sandbox.records():
            break
        threading.Event().wait(0.01)
    assert get(sandbox).values == {ACTUAL: "1"}


def test_late_commits_are_dropped_by_a_reset(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="late-commit", delay=AN_HOUR)]
    with pytest.raises(LOST):
        put(sandbox, values(actual=1))
    sandbox.reset()
    assert (sandbox.land_late_commits(), sandbox.records()) == (0, {})


def test_a_stall_sends_nothing_then_closes_and_stores_nothing(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="stall", delay=timedelta(milliseconds=30))]
    with pytest.raises(LOST):
        put(sandbox, values(actual=1))
    assert get(sandbox).status == 404


def test_a_stall_ends_with_the_sandbox() -> None:
    with Sandbox(SandboxSettings(faults=(Fault(kind="stall", delay=AN_HOUR),)), CATALOG) as sandbox:
        host = sandbox.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=5)
        connection.request("PUT", record_path(), values(actual=1), login() | {"Content-Type": MEDIA_TYPE})
        while not sandbox.journal:
            threading.Event().wait(0.001)
    with pytest.raises(LOST):
        connection.getresponse()
    connection.close()


def test_garbage_stores_and_answers_200_with_html(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="garbage")]
    answer = put(sandbox, values(actual=1))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.body.startswith(b"<!doctype html>")
    assert get(sandbox).values == {ACTUAL: "1"}


def test_garbage_may_be_cut_json(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="garbage", body='{"values": [')]
    answer = put(sandbox, values(actual=1))
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, "application/json", b'{"values": [')


def test_an_answer_may_be_shorter_than_it_says(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="garbage", body="{}", headers={"Content-Length": "100"})]
    with pytest.raises(http.client.IncompleteRead):
        put(sandbox, values(actual=1))


# ---------------------------------------------------------------- which requests


def test_a_fault_without_times_stays_for_ever(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="status", times=None)]
    assert {get(sandbox).status for _ in range(3)} == {500}
    assert sandbox.faults == (Fault(kind="status", times=None),)


def test_a_fault_skips_as_many_as_after_and_fails_as_many_as_times(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="status", after=1, times=2)]
    assert [put(sandbox, values(actual=n)).status for n in range(4)] == [201, 500, 500, 200]


def test_a_fault_matches_method_and_path_with_its_query(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="status", method="put", path=f"/{LINE_2}/"), Fault(kind="status", path=r"\?x=1$")]
    assert [put(sandbox, values(actual=1)).status, get(sandbox, team=LINE_2).status] == [201, 404]
    assert put(sandbox, values(actual=1), team=LINE_2).status == 500
    assert call(sandbox, "GET", f"{API}/teams?x=1").status == 500


def test_the_first_fault_that_is_due_is_the_one(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="status", status=500), Fault(kind="status", status=502)]
    assert [get(sandbox).status for _ in range(3)] == [500, 502, 404]


def test_pending_faults_are_counted_down(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="status", after=1, times=2)]
    get(sandbox)
    get(sandbox)
    assert sandbox.faults == (Fault(kind="status", after=0, times=1),)


def test_new_settings_keep_the_faults_unless_they_name_some(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="status")]
    sandbox.settings = SandboxSettings(latency=timedelta(0))
    assert sandbox.faults == (Fault(kind="status"),)
    sandbox.settings = SandboxSettings(faults=())
    assert sandbox.faults == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "explode"},
        {"kind": "status", "path": "("},
        {"kind": "status", "times": 0},
        {"kind": "status", "headers": {"X": "a\r\nSet-Cookie: b"}},
        {"kind": "status", "sometimes": True},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(wrong)


# ---------------------------------------------------------------- speed


def _connected(sandbox: Sandbox) -> socket.socket:
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=5)


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_more_than_the_rate_limit_is_429_until_retry_after_has_passed() -> None:
    clock = _Clock()
    with Sandbox(SandboxSettings.model_validate({"rate_limit": "6/m"}), CATALOG, monotonic=clock) as sandbox:
        assert put(sandbox, values(actual=1)).status == 201
        refused = put(sandbox, values(actual=2))
        assert (refused.status, refused.headers["Retry-After"]) == (429, "10")
        clock.now = 9.9
        assert put(sandbox, values(actual=2)).headers["Retry-After"] == "1"
        clock.now = 10
        assert put(sandbox, values(actual=2)).status == 200


def test_a_rate_limit_lets_one_second_through_at_once() -> None:
    settings = SandboxSettings.model_validate({"rate_limit": "3/s"})
    with Sandbox(settings, CATALOG, monotonic=_Clock()) as sandbox:
        assert [get(sandbox).status for _ in range(4)] == [404, 404, 404, 429]


@pytest.mark.parametrize(
    ("rate", "times", "statuses"),
    [
        ("2/s", [0, 0.1, 0.9, 1.0, 1.1, 1.2], [404, 404, 429, 404, 404, 429]),
        ("6/m", [0, 9.9, 10.0, 10.1], [404, 429, 404, 429]),
    ],
)
def test_a_rate_limit_of_kind_window_counts_anew_in_each_second_of_the_clock(
    rate: str, times: list[float], statuses: list[int]
) -> None:
    clock, found = _Clock(), []
    settings = SandboxSettings.model_validate({"rate_limit": rate, "rate_limiter": "window"})
    with Sandbox(settings, CATALOG, monotonic=clock) as sandbox:
        for clock.now in times:
            found.append(get(sandbox).status)
    assert found == statuses


def test_latency_delays_a_request_before_it_is_carried_out() -> None:
    with Sandbox(SandboxSettings(latency=AN_HOUR), CATALOG) as sandbox:
        with _connected(sandbox) as connection:
            connection.sendall(f"GET {API}/teams HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            connection.settimeout(0.05)
            with pytest.raises(TimeoutError):
                connection.recv(1)
        assert sandbox.journal == []


# ---------------------------------------------------------------- the wire


def _raw(sandbox: Sandbox, request: str, end: bool = False) -> bytes:
    """The first bytes of the answer; `end`: the client says that it sends no more."""
    with _connected(sandbox) as connection:
        connection.sendall(request.encode())
        if end:
            connection.shutdown(socket.SHUT_WR)
        return connection.recv(4096)


def test_a_connection_is_kept_alive(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=5)
    connection.request("GET", f"{API}/teams", headers=login())
    connection.getresponse().read()
    first = connection.sock
    connection.request("GET", f"{API}/kpi", headers=login())
    assert connection.getresponse().read()
    assert connection.sock is first
    connection.close()


def test_a_request_cut_short_is_not_carried_out(sandbox: Sandbox) -> None:
    head = f"PUT {record_path()} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {login()['Authorization']}\r\n"
    body = values(actual=1)
    answer = _raw(sandbox, f"{head}Content-Type: {MEDIA_TYPE}\r\nContent-Length: 500\r\n\r\n{body}", end=True)
    assert (answer, sandbox.records()) == (b"", {})


@pytest.mark.parametrize(
    ("header", "status"),
    [("Transfer-Encoding: chunked", 411), ("Content-Length: -1", 400), ("Content-Length: 2000000", 413)],
)
def test_a_body_whose_length_is_not_usable_is_refused(sandbox: Sandbox, header: str, status: int) -> None:
    answer = _raw(sandbox, f"PUT {record_path()} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n")
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_a_port_that_is_taken_is_a_configuration_error(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="port"):
        Sandbox(port=int(sandbox.url.rpartition(":")[2]))


def test_a_closed_sandbox_listens_no_more() -> None:
    with Sandbox(catalogs=CATALOG) as sandbox:
        put(sandbox, values(actual=1))
    with pytest.raises(ConnectionRefusedError):
        get(sandbox)


def test_threads_that_write_one_record_lose_nothing(sandbox: Sandbox) -> None:
    def write(team: str, days: range) -> None:
        for day in days:
            put(sandbox, values(actual=day), day=f"2026-11-{day:02}", team=team)

    threads = [threading.Thread(target=write, args=(team, range(1, 29))) for team in (LINE_1, LINE_2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sandbox.records()) == 56
    assert [entry.number for entry in sandbox.journal] == list(range(1, 57))


# ---------------------------------------------------------------- the journal


def test_the_journal_holds_each_request_with_its_answer(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="drop-after", after=1)]
    call(sandbox, "GET", f"{API}/teams?x=1")
    with pytest.raises(LOST):
        put(sandbox, values(actual=1))
    first, second = sandbox.journal
    assert first[0] == 1
    assert first[2:] == ("GET", f"{API}/teams?x=1", 200, "", "")
    assert (second.status, second.note, second.body) == (None, "fault: closed in place of 201", values(actual=1))


def test_the_journal_never_holds_the_password() -> None:
    with Sandbox(SandboxSettings(password="hunter2hunter2"), CATALOG) as sandbox:
        headers = login(password="hunter2hunter2")
        call(sandbox, "GET", f"{API}/teams", headers=headers)
        call(sandbox, "GET", f"{API}/teams", headers=login(password="hunter2hunter3"))
        words = repr(sandbox.journal) + call(sandbox, "GET", "/_sandbox/state").body.decode()
        assert [entry.status for entry in sandbox.journal] == [200, 401]
        assert "hunter2" not in words
        assert headers["Authorization"].split()[1][-16:] not in words


def test_counts_are_exact_by_method_and_status(sandbox: Sandbox) -> None:
    put(sandbox, values(actual=1))
    put(sandbox, values(actual=1))
    get(sandbox)
    assert sandbox.requests == {"PUT": 2, "GET": 1}
    assert sandbox.answers == {("PUT", 201): 1, ("PUT", 200): 1, ("GET", 200): 1}


def test_counts_outlive_the_journal() -> None:
    journal = Journal()
    for _ in range(10_005):
        journal.add("GET", "/", 200, "", b"")
    assert (len(journal.entries), journal.entries[0].number, journal.methods["GET"]) == (10_000, 6, 10_005)


def test_a_reset_forgets_records_journal_and_faults_and_keeps_the_behaviour(sandbox: Sandbox) -> None:
    put(sandbox, values(actual=1))
    sandbox.faults = [Fault(kind="stall")]
    assert switch(sandbox, "reset", "").status == 200
    assert (sandbox.records(), sandbox.journal, sandbox.faults, sandbox.requests) == ({}, [], (), {})
    assert sandbox.settings.partial_sets == "merge-keep"
