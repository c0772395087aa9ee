"""Writing to the sandbox: the full set, digit by digit, and an answer for whatever befalls a request."""

from __future__ import annotations

import base64
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, Literal, get_args

import pytest
from sandbox_caller import ACTUAL, EARLY, LINE_1, SCRAP, TARGET
from valuestreamer_board import answers, board, change, key, numbers, withdrawal

from kpisync.destinations.valuestreamer.destination import SPEC
from kpisync.destinations.valuestreamer.options import ValueStreamerOptions
from kpisync.errors import DestinationError
from kpisync.model import Action, ReplyKind
from kpisync.ports import Surroundings
from kpisync.sandbox.settings import Fault, PartialSets, SandboxSettings

STRANGERS_VALUE = "11111111-2222-3333-4444-555555555555"


# ---------------------------------------------------------------- what becomes of a record


@pytest.mark.parametrize("partial", get_args(PartialSets))
def test_a_record_ends_right_whatever_the_platform_does_with_what_is_left_out(partial: PartialSets) -> None:
    with board(SandboxSettings(partial_sets=partial)) as there:
        there.hold(key("2026-11-19"), actual=1, target=7)  # the older target
        there.hold(key(), actual=177, target="2.50")
        before = there.read(key())[key()]
        reply = there.destination.write(change(before=before, actual=190))
        assert reply.kind is ReplyKind.ACCEPTED
        assert there.holds(key()) == there.read(key())[key()] == numbers(actual=190, target="2.50")
        assert there.holds(key("2026-11-19")) == numbers(actual=1, target=7)


@pytest.mark.parametrize("partial", get_args(PartialSets))
def test_the_other_value_survives_when_a_target_alone_is_written(partial: PartialSets) -> None:
    with board(SandboxSettings(partial_sets=partial)) as there:
        there.hold(key(), actual=177, target=3)
        there.destination.write(change(before=there.read(key())[key()], target=4))
        assert there.holds(key()) == numbers(actual=177, target=4)


@pytest.mark.parametrize("partial", get_args(PartialSets))
def test_a_sub_tile_leaves_its_parent_alone(partial: PartialSets) -> None:
    with board(SandboxSettings(partial_sets=partial)) as there:
        there.hold(key(), actual=1, target=2)
        there.hold(key(sub_tile=EARLY), actual=3, target=4)
        before = there.read(key(sub_tile=EARLY))[key(sub_tile=EARLY)]
        there.destination.write(change(key(sub_tile=EARLY), before, actual=5))
        assert there.holds(key()) == numbers(actual=1, target=2)
        assert there.holds(key(sub_tile=EARLY)) == numbers(actual=5, target=4)


def test_a_created_record_is_there_and_shown_by_the_answer() -> None:
    with board(options={"confirm": "reply"}) as there:
        reply = there.destination.write(change(action=Action.CREATE, actual=1, target=2))
        assert (reply.kind, reply.status) == (ReplyKind.ACCEPTED, 201)
        assert reply.values == there.holds(key()) == numbers(actual=1, target=2)


def test_an_answer_is_looked_into_only_where_it_confirms() -> None:
    with board(options={"confirm": "read-back"}) as there:
        assert there.destination.write(change(actual=1)).values is None


def test_a_withdrawn_record_is_gone() -> None:
    with board() as there:
        there.hold(key(), actual=1)
        reply = there.destination.write(withdrawal())
        assert (reply.kind, reply.status, there.holds(key())) == (ReplyKind.ACCEPTED, 204, None)


def test_a_record_to_withdraw_that_is_not_there_counts_as_withdrawn() -> None:
    with board() as there:
        reply = there.destination.write(withdrawal())
        assert (reply.kind, reply.status) == (ReplyKind.ACCEPTED, 404)


def test_one_change_is_one_request() -> None:
    with board() as there:
        there.destination.write(change(actual=1))
        there.destination.write(withdrawal())
        assert there.requests == there.sandbox.requests == {"PUT": 1, "DELETE": 1}


# ---------------------------------------------------------------- what is sent


def sent(before: dict[str, Decimal] | None = None, **new: Any) -> str:
    with board() as there:
        there.destination.write(change(before=before, **new))
        return there.sandbox.journal[0].body


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("177", "177"),
        ("12.50", "12.50"),
        ("1E+3", "1000"),
        ("1E-9", "0.000000001"),
        ("-0.0", "0.0"),
        ("0.1", "0.1"),
        ("-123456789012345678.123456789", "-123456789012345678.123456789"),
    ],
)
def test_a_number_is_sent_with_its_digits_and_without_an_exponent(number: str, written: str) -> None:
    assert f'"value": {written}}}' in sent(actual=number)


def test_a_body_holds_what_was_read_with_the_new_values_laid_over_it() -> None:
    before = numbers(actual=1, target="2.50") | {STRANGERS_VALUE: Decimal("0.30")}
    assert json.loads(sent(before, actual=9), parse_float=str, parse_int=str) == {
        "values": [
            {"kpiValueId": ACTUAL, "value": "9"},
            {"kpiValueId": TARGET, "value": "2.50"},
            {"kpiValueId": STRANGERS_VALUE, "value": "0.30"},
        ]
    }


def test_a_delete_has_no_body() -> None:
    with board() as there:
        there.destination.write(withdrawal())
        assert there.sandbox.journal[0].body == ""


def test_the_media_type_is_a_setting() -> None:
    with board(options={"media_type": "application/vs.v9.0+json"}) as there:
        with pytest.raises(DestinationError, match=r"media type \(status 415\)"):
            there.destination.write(change(actual=1))
        there.sandbox.settings = SandboxSettings(media_type="lenient")
        assert there.destination.write(change(actual=1)).kind is ReplyKind.ACCEPTED


def test_a_write_says_what_it_is_and_what_it_accepts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        heard = pool.submit(heard_once, listener)
        options = {
            "url": f"http://127.0.0.1:{listener.getsockname()[1]}/api",
            "username": "maria",
            "password": "hunter22",
        }
        destination = SPEC.build(ValueStreamerOptions.model_validate(options), Surroundings("board"))
        destination.write(change(actual=1))
        destination.close()
        lines = heard.result(5).lower().split("\r\n")
    assert lines[0] == f"put /api/exchange/kpi-data/2026-11-20/{LINE_1}/{SCRAP} http/1.1"
    assert "content-type: application/vs.v2.0+json" in lines
    assert "accept: application/vs.v2.0+json, application/json;q=0.9" in lines
    assert f"authorization: basic {base64.b64encode(b'maria:hunter22').decode().lower()}" in lines


def heard_once(listener: socket.socket) -> str:
    connection, _ = listener.accept()
    with connection:
        heard = connection.recv(65536).decode()
        connection.sendall(b"HTTP/1.1 204 x\r\n\r\n")
    return heard


# ---------------------------------------------------------------- what is answered


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ReplyKind.REFUSED),
        (403, ReplyKind.REFUSED),
        (404, ReplyKind.REFUSED),
        (405, ReplyKind.REFUSED),
        (409, ReplyKind.REFUSED),
        (412, ReplyKind.REFUSED),
        (413, ReplyKind.REFUSED),
        (422, ReplyKind.REFUSED),
        (408, ReplyKind.BUSY),
        (429, ReplyKind.BUSY),
        (503, ReplyKind.BUSY),
        (500, ReplyKind.FAILED),
        (502, ReplyKind.UNKNOWN),
        (504, ReplyKind.UNKNOWN),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_write_is_answered_by_its_kind(status: int, kind: ReplyKind, method: str) -> None:
    if (method, status) == ("DELETE", 404):
        kind = ReplyKind.ACCEPTED
    with board() as there:
        there.sandbox.faults = (answers('{"message": "so \\u001b[31mit is"}', status, method, Retry_After="5"),)
        reply = there.destination.write(change(actual=1) if method == "PUT" else withdrawal())
        assert (reply.kind, reply.status) == (kind, status)
        assert "it is" in reply.words
        assert reply.retry_after == (None if kind is ReplyKind.ACCEPTED else 5)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 406, 415])
def test_there_is_no_use_in_going_on_after_some(status: int) -> None:
    with board() as there:
        there.sandbox.faults = (answers("", status, "PUT", Location="http://elsewhere.example/"),)
        with pytest.raises(DestinationError, match=f"destination board: .*status {status}"):
            there.destination.write(change(actual=1))
        assert there.sandbox.requests == {"PUT": 1}


Dropped = Literal["drop-before", "drop-after", "late-commit"]


@pytest.mark.parametrize("fault", get_args(Dropped))
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_write_without_an_answer_is_unknown_and_is_not_repeated(fault: Dropped, method: str) -> None:
    with board() as there:
        there.hold(key(), actual=1)
        there.sandbox.faults = (Fault(kind=fault),)
        reply = there.destination.write(change(actual=2) if method == "PUT" else withdrawal())
        assert (reply.kind, reply.status) == (ReplyKind.UNKNOWN, None)
        assert there.sandbox.requests == {method: 1}


def test_a_platform_that_does_not_answer_in_time_is_unknown() -> None:
    with board(options={"timeout": "200ms"}) as there:
        there.sandbox.faults = (Fault.model_validate({"kind": "stall", "delay": "10s"}),)
        reply = there.destination.write(change(actual=1))
        assert (reply.kind, "timed out" in reply.words) == (ReplyKind.UNKNOWN, True)


def test_a_platform_that_is_not_there_is_not_sent_to() -> None:
    with board() as there:
        there.sandbox.close()
        assert there.destination.write(change(actual=1)).kind is ReplyKind.NOT_SENT


@pytest.mark.parametrize(
    "body",
    [
        "<!doctype html><title>Gateway</title>",
        '{"error": "no such KPI"}',
        '{"errors": [{"field": "value"}]}',
        '{"success": false}',
        '{"status": 400, "message": "bad"}',
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_200_that_says_it_failed_is_no_success(method: str, body: str) -> None:
    with board() as there:
        there.sandbox.faults = (answers(body, 200, method),)
        reply = there.destination.write(change(actual=1) if method == "PUT" else withdrawal())
        assert (reply.kind, reply.status) == (ReplyKind.FAILED, 200)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("body", ["", "OK", "{}", "null", "[]", '{"errors": [], "error": null, "status": 200}'])
def test_any_other_2xx_is_a_success_that_shows_nothing(status: int, body: str) -> None:
    with board(options={"confirm": "reply"}) as there:
        there.sandbox.faults = (answers(body, status, "PUT"),)
        reply = there.destination.write(change(actual=1))
        assert (reply.kind, reply.status, reply.values) == (ReplyKind.ACCEPTED, status, None)


@pytest.mark.parametrize(
    "body",
    [
        '{"date": "2026-11-19", "values": [{"kpiValueId": "%s", "value": 1}]}',
        '{"teamId": "11111111-2222-3333-4444-555555555555", "values": [{"kpiValueId": "%s", "value": 1}]}',
        '{"values": [{"kpiValueId": "%s", "value": "one"}]}',
    ],
)
def test_an_answer_that_shows_another_record_shows_nothing(body: str) -> None:
    with board(options={"confirm": "reply"}) as there:
        there.sandbox.faults = (answers(body % ACTUAL, 200, "PUT"),)
        assert there.destination.write(change(actual=1)).values is None
