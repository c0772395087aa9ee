"""Snapshots in the stand-ins of Quantive and Gtmhub are posted, deleted, and lost on request."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sandbox_caller import BRANDS, ROOTS, call, numbers, post_snapshot, read_snapshots, results, set_to, token

from kpisync.model import RecordKey
from kpisync.sandbox.quantive.directory import AVAILABILITY, SCRAP_RATE, UNITS_PRODUCED
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import Fault

LOST = (http.client.RemoteDisconnected, ConnectionResetError)
MONDAY = date(2022, 9, 5)  # the first day of 2022-W36


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


# ---------------------------------------------------------------- posting


@pytest.mark.parametrize("brand", BRANDS)
def test_a_snapshot_can_be_read_by_both_reads(sandbox: Sandbox, brand: str) -> None:
    posted = post_snapshot(sandbox, SCRAP_RATE, brand=brand).json
    expected = {SCRAP_RATE: [{"group": "2022-W36", "value": 5, "snapshots": [{"id": posted["id"], "value": 5}]}]}
    query = {"filter": f'{{_id:"{SCRAP_RATE}"}}'} if brand == "quantive" else {"ids": SCRAP_RATE}
    version = "v2" if brand == "quantive" else "v1"
    assert results(sandbox, "GET", "v1/kpi-snapshots", brand=brand, ids=SCRAP_RATE).json == expected
    assert results(sandbox, "GET", f"{version}/kpis/snapshots", brand=brand, **query).json == expected


def test_a_second_snapshot_of_a_group_stands_beside_the_first(sandbox: Sandbox) -> None:
    ids = {post_snapshot(sandbox, UNITS_PRODUCED, value=value).json["id"] for value in (5, 7)}
    assert (len(ids), numbers(read_snapshots(sandbox, UNITS_PRODUCED))) == (2, [("2022-W36", 12, [5, 7])])


def test_a_second_snapshot_of_a_group_may_replace_the_first() -> None:
    with set_to(snapshots="upsert") as sandbox:
        ids = {post_snapshot(sandbox, UNITS_PRODUCED, value=value).json["id"] for value in (5, 7)}
        post_snapshot(sandbox, UNITS_PRODUCED, "2022-W37", 9)
        read = numbers(read_snapshots(sandbox, UNITS_PRODUCED))
    assert (len(ids), read) == (1, [("2022-W36", 7, [7]), ("2022-W37", 9, [9])])


@pytest.mark.parametrize(("reply", "status", "has_id"), [("id-200", 200, 1), ("empty-201", 201, 0), ("id-201", 201, 1)])
def test_the_answer_to_a_posted_snapshot_can_be_chosen(reply: str, status: int, has_id: bool) -> None:
    with set_to(snapshot_reply=reply) as sandbox:
        answer = post_snapshot(sandbox, SCRAP_RATE)
        id = read_snapshots(sandbox, SCRAP_RATE)[0]["snapshots"][0]["id"]
    assert (answer.status, answer.body) == (status, json.dumps({"id": id}).encode() if has_id else b"")


@pytest.mark.parametrize("digits", ["1.50", "0.1", "12345678901234567890.123456789", "-3", "0.0000001"])
@pytest.mark.parametrize("kpi", [SCRAP_RATE, UNITS_PRODUCED, AVAILABILITY])
def test_a_number_keeps_its_digits(sandbox: Sandbox, kpi: str, digits: str) -> None:
    post_snapshot(sandbox, kpi, value=digits)
    body = results(sandbox, "GET", "v1/kpi-snapshots", ids=kpi).body.decode()
    assert body.count(f'"value": {digits}') == 2
    kept = sandbox.records("quantive")[RecordKey("quantive", kpi, None, None, MONDAY)]
    assert format(kept["actual"], "f") == digits


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"group":"2022-W36","value":5}',
        '{"group":"2022-W36","timeZone":"UTC","value":5,"x":1}',
        '{"group":"2022-W36","timeZone":"UTC","value":null}',
        '{"group":"2022-W36","timeZone":"UTC","value":"5"}',
        '{"group":"2022-W36","timeZone":"UTC","value":NaN}',
        '{"group":2022,"timeZone":"UTC","value":5}',
    ],
)
def test_a_snapshot_that_is_malformed_is_400_and_stores_nothing(sandbox: Sandbox, body: str) -> None:
    assert results(sandbox, "POST", f"v1/kpis/{SCRAP_RATE}/snapshots", body).status == 400
    assert sandbox.records("quantive") == {}


@pytest.mark.parametrize("zone", ["UTC", "UTC+0", "UTC+3", "UTC-12", "UTC+14"])
def test_a_time_zone_is_whole_hours_from_utc(sandbox: Sandbox, zone: str) -> None:
    assert post_snapshot(sandbox, SCRAP_RATE, zone=zone).status == 200
    assert len(read_snapshots(sandbox, SCRAP_RATE, timeZone=zone)) == 1


@pytest.mark.parametrize("zone", ["", "Europe/Berlin", "UTC+5:30", "UTC+15", "UTC 1", "+1"])
def test_any_other_time_zone_is_400(sandbox: Sandbox, zone: str) -> None:
    assert post_snapshot(sandbox, SCRAP_RATE, zone=zone).status == 400
    assert results(sandbox, "GET", "v1/kpi-snapshots", ids=SCRAP_RATE, timeZone=zone).status == 400


@pytest.mark.parametrize(("sign", "status"), [("+", 400), ("%2B", 200)])
def test_a_raw_plus_in_a_query_is_a_space(sandbox: Sandbox, sign: str, status: int) -> None:
    path = f"{ROOTS['quantive']}/v1/kpi-snapshots?ids={SCRAP_RATE}&timeZone=UTC{sign}1"
    assert call(sandbox, "GET", path, headers=token()).status == status


# ---------------------------------------------------------------- deleting


def delete(sandbox: Sandbox, id: str, kpi: str = SCRAP_RATE) -> int:
    return results(sandbox, "DELETE", f"v1/kpis/{kpi}/snapshots/{id}").status


def test_a_deleted_snapshot_is_gone_and_the_others_stay(sandbox: Sandbox) -> None:
    first, _ = (post_snapshot(sandbox, SCRAP_RATE, value=value).json["id"] for value in (5, 7))
    assert [delete(sandbox, first, UNITS_PRODUCED), delete(sandbox, first), delete(sandbox, first)] == [404, 204, 404]
    assert numbers(read_snapshots(sandbox, SCRAP_RATE)) == [("2022-W36", 7, [7])]


@pytest.mark.parametrize(("rule", "status"), [("deletable", 204), ("protected", 403)])
def test_a_snapshot_of_another_person_may_be_protected(rule: str, status: int) -> None:
    with set_to(foreign_snapshots=rule) as sandbox:
        sandbox.put_by_hand(MONDAY, None, SCRAP_RATE, None, {"actual": 1}, platform="quantive")
        ours = post_snapshot(sandbox, SCRAP_RATE).json["id"]
        theirs = read_snapshots(sandbox, SCRAP_RATE)[0]["snapshots"][0]["id"]
        assert [delete(sandbox, theirs), delete(sandbox, ours)] == [status, 204]


# ---------------------------------------------------------------- faults


def test_a_lost_answer_after_a_post_leaves_the_snapshot(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="drop-after", method="POST", path="/snapshots$")]
    with pytest.raises(LOST):
        post_snapshot(sandbox, UNITS_PRODUCED)
    post_snapshot(sandbox, UNITS_PRODUCED)
    assert numbers(read_snapshots(sandbox, UNITS_PRODUCED)) == [("2022-W36", 10, [5, 5])]


@pytest.mark.parametrize("kind", ["drop-before", "stall"])
def test_a_post_that_is_lost_before_it_arrives_leaves_nothing(sandbox: Sandbox, kind: str) -> None:
    sandbox.faults = [Fault.model_validate({"kind": kind, "method": "POST"})]
    with pytest.raises(LOST):
        post_snapshot(sandbox, SCRAP_RATE)
    assert sandbox.records("quantive") == {}


def test_a_late_post_lands_behind_what_was_posted_since(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="late-commit", method="POST", delay=timedelta(hours=1))]
    with pytest.raises(LOST):
        post_snapshot(sandbox, SCRAP_RATE, value=1)
    post_snapshot(sandbox, SCRAP_RATE, value=2)
    assert sandbox.land_late_commits() == 1
    assert numbers(read_snapshots(sandbox, SCRAP_RATE)) == [("2022-W36", 1, [2, 1])]


@pytest.mark.parametrize("headers", [{"Retry-After": "7"}, {"Retry-After": "Wed, 07 Sep 2022 12:00:00 GMT"}, {}])
def test_too_many_requests_say_when_to_come_again_or_not(sandbox: Sandbox, headers: dict[str, str]) -> None:
    sandbox.faults = [Fault(kind="status", status=429, method="POST", headers=headers)]
    answer = post_snapshot(sandbox, SCRAP_RATE)
    assert (answer.status, answer.headers["Retry-After"]) == (429, headers.get("Retry-After"))
    assert sandbox.records("quantive") == {}


@pytest.mark.parametrize("status", [402, 403, 500])
def test_a_refused_post_leaves_nothing(sandbox: Sandbox, status: int) -> None:
    sandbox.faults = [Fault(kind="status", status=status, method="POST", path="/gtmhub/")]
    assert [post_snapshot(sandbox, SCRAP_RATE, brand=brand).status for brand in BRANDS] == [200, status]
    assert (len(sandbox.records("quantive")), sandbox.records("gtmhub")) == (1, {})


def test_an_error_page_in_place_of_the_answer_leaves_the_snapshot(sandbox: Sandbox) -> None:
    sandbox.faults = [Fault(kind="garbage", method="POST")]
    answer = post_snapshot(sandbox, SCRAP_RATE)
    assert (answer.headers["Content-Type"], len(sandbox.records("quantive"))) == ("text/html", 1)
