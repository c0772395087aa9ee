"""The shapes in which a list may come, and all those that are not understood."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sandbox_caller import ACTUAL, EARLY, LINE_1, LINE_2, SCRAP, TARGET
from valuestreamer_board import key, numbers

from kpisync.destinations.valuestreamer.replies import Question, read_list
from kpisync.model import RecordKey, ReplyKind, Values
from kpisync.ports import Unreadable
from kpisync.support.statuses import Response


def record(**other: Any) -> dict[str, Any]:
    return {
        "date": "2026-11-20",
        "teamId": LINE_1,
        "kpiId": SCRAP,
        "subTileId": None,
        "values": [{"kpiValueId": ACTUAL, "value": 177}, {"kpiValueId": TARGET, "value": 2.5}],
        **other,
    }


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in record().items() if name not in names}


def read(body: object, team: str | None = LINE_1, **headers: str) -> dict[RecordKey, Values]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    question = Question("board", SCRAP, team, date(2026, 11, 1), date(2026, 11, 30))
    return read_list(Response(200, named, content), question)


def why(body: object, team: str | None = LINE_1, **headers: str) -> str:
    with pytest.raises(Unreadable) as caught:
        read(body, team, **headers)
    assert (caught.value.reply.kind, caught.value.reply.status) == (ReplyKind.FAILED, 200)
    return caught.value.reply.words


FOUND = {key(): numbers(actual=177, target="2.5")}


# ---------------------------------------------------------------- understood


@pytest.mark.parametrize(
    "body",
    [
        [record()],
        {"data": [record()]},
        {"anything": [record()], "total": 1, "page": 0, "totalPages": 1, "next": None, "hasMore": False, "last": True},
        {"_embedded": None, "items": [record()], "meta": {"count": 1, "links": {"next": None}}},
        [record(), record()],
        [record(comment="by hand", changedBy={"id": 5}, list=[1, 2])],
        [record(date="2026-11-20T00:00:00")],
        [record(date="2026-11-20T00:00:00.000+01:00")],
        [record(date="2026-11-20T00:00Z")],
        [record(teamId=LINE_1.upper(), kpiId=SCRAP.upper())],
        [without("teamId", "kpiId", "subTileId")],
        [without("teamId") | {"team-id": LINE_1}],
        [without("teamId") | {"team_id": LINE_1}],
        [without("teamId") | {"team": LINE_1}],
        [without("teamId") | {"team": {"id": LINE_1, "name": "Line 1"}}],
        [without("kpiId") | {"kpi": {"ID": SCRAP}}],
        [record(team="Line 1", kpi="Scrap")],
        [record(values=[{"kpi-value-id": ACTUAL.upper(), "Value": "177"}, {"id": TARGET, "value": "2.50", "x": 1}])],
        [record(values=[*record()["values"], {"kpiValueId": EARLY, "value": None}])],
        [record(values=[*record()["values"], {"kpiValueId": EARLY, "name": "left out"}])],
        [record(), record(teamId=LINE_2), record(date="2026-10-31")],
    ],
)
def test_a_list_is_understood_in_many_shapes(body: object) -> None:
    assert read(body) == FOUND


def test_a_byte_order_mark_and_names_that_are_not_utf_8_do_not_matter() -> None:
    body = json.dumps([record(name="größer")], ensure_ascii=False)
    assert read(b"\xef\xbb\xbf" + body.encode()) == FOUND
    assert read(body.encode("latin-1")) == FOUND


def test_a_sub_tile_is_a_record_of_its_own() -> None:
    body = [record(), without("subTileId") | {"subTile": {"id": EARLY}}]
    assert read(body) == {key(): FOUND[key()], key(sub_tile=EARLY): FOUND[key()]}


def test_a_list_of_all_teams_shows_them_all() -> None:
    assert set(read([record(), record(teamId=LINE_2)], team=None)) == {key(), key(team=LINE_2)}


@pytest.mark.parametrize("body", [[], {"data": []}, {"items": [], "total": 0}, {"results": [], "next": ""}])
def test_an_empty_list_means_that_there_are_no_records(body: object) -> None:
    assert read(body) == {}


def test_a_record_without_numbers_is_there_and_empty() -> None:
    assert read([record(values=[])]) == {key(): {}}
    assert read([record(values=[{"kpiValueId": ACTUAL, "value": None}])]) == {key(): {}}


def test_digits_are_kept() -> None:
    body = json.dumps([record(values=[{"kpiValueId": ACTUAL, "value": 0}])]).replace(
        ": 0}", ": 0.10000000000000000555}"
    )
    assert str(read(body.encode())[key()][ACTUAL]) == "0.10000000000000000555"


# ---------------------------------------------------------------- not understood


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is empty"),
        (b" \r\n", "it is empty"),
        (b"OK", "not JSON"),
        (b"<html>", "not JSON"),
        (b"[1, 2", "not JSON"),
        (b"\x00\xff\xfe", "not JSON"),
        ("[]".encode("utf-16"), "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"data": [], "data": []}', "a key occurs twice"),
        (b"[NaN]", "not a number"),
        (None, "no list of records"),
        ({}, "no list of records"),
        ("text", "no list of records"),
        (5, "no list of records"),
        (record(), "not an object|no date"),
        (record(values=[]), "no list of records"),
        ({"data": [], "more_data": []}, "no list of records"),
        ({"errors": []}, "no list of records"),
        ({"messages": []}, "no list of records"),
        ({"data": None}, "no list of records"),
        ({"error": "expired", "data": []}, "reports an error"),
        ({"success": False, "data": []}, "reports an error"),
        ({"status": 500, "data": []}, "reports an error"),
        ([1], "not an object"),
        ([[record()]], "not an object"),
        ([None], "not an object"),
        ([record(teamId=LINE_2)], "another KPI, team or time only"),
        ([record(kpiId=LINE_2)], "another KPI, team or time only"),
        ([record(date="2026-12-01")], "another KPI, team or time only"),
        ([record(), record(values=[])], "one record twice"),
        ([record(teamId=5)], "id of a team"),
        ([record(teamId="Line 1")], "id of a team"),
        ([without("teamId") | {"team": {"name": "Line 1"}}], "id of a team"),
        ([record(subTileId="early")], "id of a subtile"),
        ([without("subTileId") | {"tile": EARLY}], "a sub-tile without an id"),
        ([record() | {"team-id": LINE_2}], "differ in spelling only"),
    ],
)
def test_what_is_not_understood_whole_is_unreadable(body: object, reason: str) -> None:
    assert any(each in why(body) for each in reason.split("|"))


@pytest.mark.parametrize(
    "when",
    [
        None,
        "",
        5,
        [2026, 11, 20],
        "20.11.2026",
        "20261120",
        "2026-W47-5",
        "2026-02-30",
        "2026-11-19T23:00:00Z",
        "2026-11-20T12:00:00",
        "2026-11-20 and more",
        "２０２６-11-20",
        1795132800000,
    ],
)
def test_a_date_of_another_form_or_with_a_time_of_day_is_unreadable(when: object) -> None:
    assert "date" in why([record(date=when)])


@pytest.mark.parametrize(
    "number",
    [
        True,
        [1],
        {"amount": 1},
        "",
        "one",
        "NaN",
        "Infinity",
        "1_000",
        "1,5",
        " 1",
        "٣",
        "0x10",
        "1e400",
        10**50,
        "9" * 500,
        "0." + "1" * 500,
    ],
)
def test_a_value_that_is_no_plain_number_is_unreadable(number: object) -> None:
    assert "a value is" in why([record(values=[{"kpiValueId": ACTUAL, "value": number}])])


@pytest.mark.parametrize("literal", ["1e999999999999", "1e-999999999", "9" * 100_000, "0." + "1" * 100_000, "-1e41"])
def test_a_number_out_of_all_bounds_is_unreadable(literal: str) -> None:
    body = json.dumps([record(values=[{"kpiValueId": ACTUAL, "value": 0}])]).replace(": 0}", f": {literal}}}")
    assert "out of all bounds" in why(body.encode())


@pytest.mark.parametrize(
    "values",
    [
        None,
        {},
        {ACTUAL: 1},
        "177",
        [177],
        [{"value": 1}],
        [{"kpiValueId": "actual", "value": 1}],
        [{"kpiValueId": 5, "value": 1}],
        [{"kpiValueId": ACTUAL, "amount": 1}],
        [{"kpiValueId": ACTUAL, "value": 1}, {"kpiValueId": ACTUAL.upper(), "value": 1}],
    ],
)
def test_values_of_another_shape_are_unreadable(values: object) -> None:
    assert why([record(values=values)])


def test_a_record_without_a_team_is_unreadable_where_all_teams_were_asked_for() -> None:
    assert "no team" in why([without("teamId")], team=None)


@pytest.mark.parametrize(
    "more",
    [
        {"next": "https://x/?page=2"},
        {"@odata.nextLink": "x"},
        {"nextPageToken": "x"},
        {"hasMore": True},
        {"has_next": True},
        {"last": False},
        {"totalPages": 2},
        {"total": 5},
        {"totalElements": 2},
        {"@odata.count": 2},
        {"meta": {"pagination": {"total_pages": 3}}},
        {"_links": {"next": {"href": "x"}}},
        {"truncated": True},
    ],
)
def test_one_page_of_several_is_unreadable(more: dict[str, Any]) -> None:
    assert "one page of several" in why({"data": [record()], **more})


@pytest.mark.parametrize(
    "headers",
    [
        {"link": '<https://x/?page=2>; rel="next"'},
        {"link": "<a>; rel=prev, <b>; rel=next"},
        {"x_total_count": "2"},
        {"x_next_page": "2"},
        {"content_range": "items 0-0/2"},
    ],
)
def test_headers_may_say_that_it_is_one_page_of_several(headers: dict[str, str]) -> None:
    assert "one page of several" in why([record()], **headers)


def test_headers_that_say_it_is_all_change_nothing() -> None:
    headers = {"link": '<x>; rel="first"', "x_total_count": "1", "x_next_page": "", "content_range": "items 0-0/*"}
    assert read([record()], **headers) == FOUND
    assert Decimal(177) in read([record()], **headers)[key()].values()
