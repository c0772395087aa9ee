"""What another person keys into the stand-ins of Quantive and Gtmhub, and what the page and the state show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sandbox_caller import call, numbers, post_snapshot, read_snapshots, results, set_to, switch, token

from kpisync.model import Catalog, CatalogKpi, Interval, RecordKey
from kpisync.sandbox.platform import Refusal
from kpisync.sandbox.quantive.directory import AVAILABILITY, SCRAP_RATE, UNITS_PRODUCED
from kpisync.sandbox.server import Sandbox

MONDAY = date(2022, 9, 5)  # the first day of 2022-W36


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize(("rule", "posted"), [("append", [5, 6]), ("upsert", [6])])
def test_a_person_keys_in_a_snapshot_of_the_week_as_a_client_does(rule: str, posted: list[int]) -> None:
    with set_to(snapshots=rule) as sandbox:
        post_snapshot(sandbox, SCRAP_RATE)
        sandbox.put_by_hand(MONDAY + timedelta(2), None, "Scrap rate", None, {"actual": 6}, platform="quantive")
        assert numbers(read_snapshots(sandbox, SCRAP_RATE)) == [("2022-W36", 6, posted)]
        assert [key.period for key in sandbox.records("quantive")] == [MONDAY]


def test_a_person_keys_in_by_the_interval_of_the_catalog() -> None:
    catalog = Catalog(kpis={"scrap": CatalogKpi("scrap", SCRAP_RATE, Interval.MONTH)})
    with Sandbox(catalogs={"gtmhub": catalog}) as sandbox:
        sandbox.put_by_hand(MONDAY, None, "scrap", None, {"actual": 6}, platform="gtmhub")
        assert numbers(read_snapshots(sandbox, SCRAP_RATE, brand="gtmhub", groupBy="month")) == [("2022-09", 6, [6])]
        assert [key.period for key in sandbox.records("gtmhub")] == [date(2022, 9, 1)]


def test_a_person_sets_a_target_and_changes_it(sandbox: Sandbox) -> None:
    for value in (3, 4):
        sandbox.put_by_hand(MONDAY, None, SCRAP_RATE, None, {"target": value}, platform="quantive")
    items = results(sandbox, "GET", f"v1/kpis/{SCRAP_RATE}/projections").json["items"]
    assert [(item["date"], item["value"]) for item in items] == [("2022-09-05", 4)]
    key = RecordKey("quantive", SCRAP_RATE, None, None, MONDAY)
    assert sandbox.records("quantive") == {key: {"target": Decimal(4)}}


@pytest.mark.parametrize(("kpi", "actual"), [(SCRAP_RATE, 7), (UNITS_PRODUCED, 12), (AVAILABILITY, 6)])
def test_the_record_of_a_period_holds_the_aggregate_and_the_target(sandbox: Sandbox, kpi: str, actual: int) -> None:
    for value in (5, 7):
        post_snapshot(sandbox, kpi, value=value)
    sandbox.put_by_hand(MONDAY, None, kpi, None, {"target": 9}, platform="quantive")
    key = RecordKey("quantive", kpi, None, None, MONDAY)
    assert sandbox.records("quantive") == {key: {"actual": Decimal(actual), "target": Decimal(9)}}


def test_what_is_deleted_by_hand_is_gone_and_can_be_deleted_once(sandbox: Sandbox) -> None:
    for group in ("2022-W36", "2022-W36", "2022-W37"):
        post_snapshot(sandbox, SCRAP_RATE, group)
    sandbox.put_by_hand(MONDAY, None, SCRAP_RATE, None, {"target": 1}, platform="quantive")
    sandbox.delete_by_hand(MONDAY, None, SCRAP_RATE, None, platform="quantive")
    assert [key.period for key in sandbox.records("quantive")] == [MONDAY + timedelta(7)]
    with pytest.raises(Refusal, match="no such record"):
        sandbox.delete_by_hand(MONDAY, None, SCRAP_RATE, None, platform="quantive")


@pytest.mark.parametrize(
    ("platform", "team", "kpi", "value", "words"),
    [
        ("quantive", "line-1", SCRAP_RATE, "actual", "neither teams nor sub-tiles"),
        ("quantive", None, "nothing", "actual", "no KPI 'nothing'"),
        ("quantive", None, SCRAP_RATE, "minimum", "has actual and target"),
        ("gtmhub", None, SCRAP_RATE, "target", "has actual"),
    ],
)
def test_what_a_person_cannot_key_in_is_refused(
    sandbox: Sandbox, platform: str, team: str | None, kpi: str, value: str, words: str
) -> None:
    with pytest.raises(Refusal, match=words):
        sandbox.put_by_hand(MONDAY, team, kpi, None, {value: 1}, platform=platform)
    assert sandbox.records(platform) == {}


def test_the_state_holds_each_snapshot_by_itself(sandbox: Sandbox) -> None:
    ids = [post_snapshot(sandbox, SCRAP_RATE, value=value).json["id"] for value in ("5.0", "6")]
    state = call(sandbox, "GET", "/_sandbox/state").json
    line = {"kpi": "Scrap rate", "team": None, "sub_tile": None, "date": "2022-09-05", "group": "2022-W36"}
    assert state["platforms"]["quantive"]["records"] == [
        {**line, "values": {"actual": "6"}, "id": ids[1], "by": "the token"},
        {**line, "values": {"actual": "5.0"}, "id": ids[0], "by": "the token"},
    ]
    assert (state["platforms"]["gtmhub"]["records"], "token" in state["settings"]) == ([], False)


def test_what_was_changed_last_comes_first(sandbox: Sandbox) -> None:
    for day in (MONDAY, MONDAY + timedelta(1), MONDAY):
        sandbox.put_by_hand(day, None, SCRAP_RATE, None, {"target": 1}, platform="quantive")
    records = call(sandbox, "GET", "/_sandbox/state").json["platforms"]["quantive"]["records"]
    assert [record["date"] for record in records] == ["2022-09-05", "2022-09-06"]


def test_the_page_shows_the_login_the_snapshots_and_who_wrote_them(sandbox: Sandbox) -> None:
    switch(
        sandbox,
        "record",
        '{"platform":"quantive","kpi":"Scrap rate","date":"2022-09-07","values":{"actual":6.50,"target":1}}',
    )
    page = call(sandbox, "GET", "/").body.decode()
    assert f"url: {sandbox.platform_url('quantive')}\n    account: " in page
    for words in ('token: "sandbox"', "actual: 6.50", "group: 2022-W36", "by: a person", "target: 1", "2022-09-07"):
        assert words in page


def test_the_page_escapes_what_a_client_calls_a_kpi_and_its_token() -> None:
    with set_to(token="</pre><script>") as sandbox:
        headers = token("</pre><script>")
        body = {"name": "<script>alert(1)</script>"}
        id = results(sandbox, "POST", "v1/kpis", body, headers=headers).json["id"]
        sandbox.put_by_hand(MONDAY, None, id, None, {"actual": 1}, platform="quantive")
        page = call(sandbox, "GET", "/").body.decode()
    assert ("<script" in page, page.count("&lt;script&gt;") >= 2) == (False, True)


@pytest.mark.parametrize("account", ["", "acme", "5be26318"])
def test_settings_refuse_an_account_that_is_no_id(sandbox: Sandbox, account: str) -> None:
    answer = switch(sandbox, "settings", json.dumps({"account": account}))
    assert (answer.status, b"24 hexadecimal digits" in answer.body) == (400, True)
