"""Reads of Quantive and Gtmhub, and what is sent with every request."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from quantive_account import BUDGET, SCRAP, account, fault, key

from kpisync.errors import DestinationError
from kpisync.model import ReplyKind
from kpisync.sandbox.settings import SandboxSettings

ACTUAL, TARGET = "actual", "target"


def test_one_read_has_the_values_and_the_targets_of_a_year() -> None:
    weeks = [key()._replace(period=key().period - timedelta(weeks=n)) for n in range(50)]
    with account() as okr:
        for week in weeks[::10]:
            okr.by_hand(5, week)
            okr.by_hand(2, week, TARGET)
        assert okr.read(*weeks) == {week: {ACTUAL: Decimal(5), TARGET: Decimal(2)} for week in weeks[::10]}
        assert okr.requests == {"GET": 2}


def test_a_read_asks_by_kpi_period_and_time_zone() -> None:
    with account() as okr:
        okr.read(key("2026-11-02"), key("2026-11-09"))
        asked = okr.paths[0].partition("?")[2].split("&")
        expected = {f"ids={SCRAP}", "groupBy=week", "from=2026-11-02", "to=2026-11-15", "timeZone=UTC%2B1"}
        assert set(asked) == expected


def test_the_word_for_an_interval_can_be_set() -> None:
    with account(group_by={"month": "MONTHS"}) as okr:
        assert okr.unreadable(key("2026-10-01", BUDGET)).reply.status == 400
        assert "groupBy=MONTHS" in okr.paths[0]


@pytest.mark.parametrize("brand", ["quantive", "gtmhub"])
def test_both_brands_are_read_in_both_shapes(brand: str) -> None:
    for shape in ("map", "items"):
        with account(brand, SandboxSettings(snapshot_shape=shape)) as okr:  # type: ignore[arg-type]
            okr.by_hand("0.10")
            assert okr.read(key(), key("2026-11-02")) == {key(): {ACTUAL: Decimal("0.10")}}


def test_gtmhub_is_not_asked_for_targets() -> None:
    with account("gtmhub") as okr:
        okr.read(key())
        assert okr.requests == {"GET": 1}


def test_an_answer_that_is_not_understood_says_what_to_set() -> None:
    with account(settings=SandboxSettings(snapshot_shape="odd")) as okr:
        okr.by_hand(5)
        reply = okr.unreadable(key()).reply
        assert reply.kind is ReplyKind.REFUSED
        assert "read_before: never and confirm: none" in reply.words


@pytest.mark.parametrize(
    "body",
    [
        '{"items": [{"id": "a", "date": "2026-11-09", "value": 2}], "totalCount": 2}',
        '{"items": [{"id": "a", "date": "09.11.2026", "value": 2}], "totalCount": 1}',
        '{"items": [{"id": "a", "date": "2026-11-09", "value": null}], "totalCount": 1}',
        '{"items": [{"id": "a", "date": "2026-13-09", "value": 1}], "totalCount": 1}',
        '{"projections": []}',
        "[3]",
    ],
)
def test_targets_that_are_not_understood_whole_are_not_read(body: str) -> None:
    with account() as okr:
        okr.sandbox.faults = [fault("garbage", "GET", "/projections", body=body)]
        assert okr.unreadable(key()).reply.kind is ReplyKind.REFUSED


@pytest.mark.parametrize("body", ['{"items": null, "totalCount": 0}', '{"items": []}'])
def test_no_targets_are_none(body: str) -> None:
    with account() as okr:
        okr.sandbox.faults = [fault("garbage", "GET", "/projections", body=body)]
        assert okr.read(key()) == {}


@pytest.mark.parametrize(
    ("kind", "more", "reply"),
    [
        ("status", {"status": 500}, ReplyKind.FAILED),
        ("status", {"status": 429}, ReplyKind.BUSY),
        ("status", {"status": 403}, ReplyKind.REFUSED),
        ("drop-before", {}, ReplyKind.UNKNOWN),
        ("garbage", {"body": "<html>", "headers": {"Content-Type": "text/html"}}, ReplyKind.FAILED),
        ("garbage", {"body": '{"a": 1, "a": 2}'}, ReplyKind.FAILED),
    ],
)
@pytest.mark.parametrize("path", ["/kpi-snapshots", "/projections"])
def test_a_failed_read_is_unreadable(path: str, kind: str, more: dict[str, object], reply: ReplyKind) -> None:
    with account() as okr:
        okr.sandbox.faults = [fault(kind, "GET", path, **more)]
        assert okr.unreadable(key()).reply.kind is reply


def test_an_unpaid_account_ends_the_run() -> None:
    with account() as okr:
        okr.sandbox.faults = [fault("status", "GET", status=402, body="upgrade your plan")]
        with pytest.raises(DestinationError, match="upgrade your plan"):
            okr.read(key())


def test_a_token_or_an_account_that_is_wrong_ends_the_run() -> None:
    for option, says in (("token", "login"), ("account", "account")):
        with account(**{option: "wrong"}) as okr, pytest.raises(DestinationError, match=says):
            okr.read(key())


def test_no_read_spans_more_than_a_year() -> None:
    weeks = [key((date(2024, 1, 1) + timedelta(weeks=n)).isoformat()) for n in range(120)]
    with account() as okr:
        windows = okr.destination.windows([*weeks, key("9999-12-27")])
    assert [len(window.keys) for window in windows] == [52, 52, 16, 1]
    assert all((window.last - window.first).days < 360 for window in windows)
