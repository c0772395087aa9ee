"""Projections and statistics: what the stand-in of Quantive has and the one of Gtmhub has not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sandbox_caller import NOBODYS, Answer, post_snapshot, read_kpi, results

from kpisync.sandbox.quantive.directory import (
    SCRAP_RATE,
    UNITS_PRODUCED,
)
from kpisync.sandbox.server import Sandbox

NOW = datetime(2022, 9, 7, 12, tzinfo=UTC)  # the Wednesday of 2022-W36


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(now=lambda: NOW) as sandbox:
        yield sandbox


# ---------------------------------------------------------------- projections


def project(sandbox: Sandbox, day: str = "2022-09-30", value: object = 5) -> Answer:
    return results(sandbox, "POST", f"v1/kpis/{SCRAP_RATE}/projections", f'{{"date":"{day}","value":{value}}}')


def test_a_projection_is_created_changed_and_deleted(sandbox: Sandbox) -> None:
    created = project(sandbox, value="2.50")
    path = f"v1/kpis/{SCRAP_RATE}/projections"
    assert (created.status, b'"value": 2.50' in created.body) == (201, True)
    assert results(sandbox, "GET", path).json == {"items": [created.json], "totalCount": 1}
    one = f"{path}/{created.json['id']}"
    assert results(sandbox, "PATCH", one, {"date": "2022-10-01", "value": 3}).status == 204
    assert results(sandbox, "GET", path).json["items"] == [
        {"id": created.json["id"], "date": "2022-10-01", "value": 3},
    ]
    assert [entry["value"] for entry in read_kpi(sandbox).json["projections"]] == [3]
    assert [results(sandbox, "DELETE", one).status for _ in range(2)] == [204, 404]


def test_a_second_projection_of_a_day_is_409_and_stores_nothing(sandbox: Sandbox) -> None:
    project(sandbox)
    other = project(sandbox, "2022-10-31").json["id"]
    path = f"v1/kpis/{SCRAP_RATE}/projections"
    assert project(sandbox, value=6).status == 409
    assert results(sandbox, "PATCH", f"{path}/{other}", {"date": "2022-09-30", "value": 6}).status == 409
    assert results(sandbox, "PATCH", f"{path}/{other}", {"date": "2022-10-31", "value": 7}).status == 204
    assert [item["value"] for item in results(sandbox, "GET", path).json["items"]] == [5, 7]


@pytest.mark.parametrize(("day", "value"), [("2022-02-30", 1), ("2022-9-1", 1), ("2022-09-01", '"1"')])
def test_a_projection_that_is_malformed_is_400(sandbox: Sandbox, day: str, value: object) -> None:
    assert project(sandbox, day, value).status == 400


@pytest.mark.parametrize("body", ["", "[]", '{"value":1}', '{"date":"2022-09-01","value":1,"x":1}'])
def test_a_projection_needs_a_date_and_a_value_and_nothing_else(sandbox: Sandbox, body: str) -> None:
    assert results(sandbox, "POST", f"v1/kpis/{SCRAP_RATE}/projections", body).status == 400


def test_a_snapshot_is_no_projection_and_a_projection_no_snapshot(sandbox: Sandbox) -> None:
    ids = {"projections": post_snapshot(sandbox, SCRAP_RATE).json["id"], "snapshots": project(sandbox).json["id"]}
    paths = [f"v1/kpis/{SCRAP_RATE}/{kind}/{id}" for kind, id in ids.items()]
    assert [results(sandbox, "DELETE", path).status for path in paths] == [404, 404]
    assert len(sandbox.records("quantive")) == 2


@pytest.mark.parametrize("path", ["projections", f"projections/{NOBODYS}", "statistics", f"snapshots/{NOBODYS}"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_the_legacy_brand_lacks_projections_statistics_and_the_deletion_of_a_snapshot(
    sandbox: Sandbox, method: str, path: str
) -> None:
    answer = results(sandbox, method, f"v1/kpis/{SCRAP_RATE}/{path}", brand="gtmhub")
    assert (answer.status, b"no such endpoint" in answer.body) == (404, True)


# ---------------------------------------------------------------- statistics


def statistics(sandbox: Sandbox, type: str, id: str = UNITS_PRODUCED, zone: str = "UTC") -> Answer:
    return results(sandbox, "GET", f"v1/kpis/{id}/statistics", type=type, timeZone=zone)


@pytest.mark.parametrize(
    ("type", "current", "previous"),
    [("week", 1, 2), ("month", 1, 6), ("three-months", 15, 144), ("year", 159, 32), ("all-time", 191, None)],
)
def test_statistics_are_of_this_period_and_the_one_before(
    sandbox: Sandbox, type: str, current: int, previous: int | None
) -> None:
    groups = {
        "2022-W36": 1,
        "2022-W35": 2,
        "2022-W32": 4,
        "2022-07": 8,
        "2022-Q2": 16,
        "2021": 32,
        "2022-W37": 64,
        "2022-06": 128,
    }
    for group, value in groups.items():
        post_snapshot(sandbox, UNITS_PRODUCED, group, value)
    answer = statistics(sandbox, type).json
    assert (answer["currentPeriod"]["value"], answer["previousPeriod"]["value"]) == (current, previous)


def test_a_change_is_a_share_of_the_older_number(sandbox: Sandbox) -> None:
    post_snapshot(sandbox, SCRAP_RATE, "2022-W36", 3)
    post_snapshot(sandbox, SCRAP_RATE, "2022-W35", 2)
    project(sandbox, "2022-09-06", 100)
    project(sandbox, "2022-09-08", 6)
    assert statistics(sandbox, "week", SCRAP_RATE).json == {
        "currentPeriod": {"value": 3, "deltaPercentage": Decimal("0.5")},
        "previousPeriod": {"value": 2, "deltaPercentage": None},
        "nextProjection": {"value": 6, "deltaPercentage": 1},
    }


def test_the_time_zone_says_which_day_it_is() -> None:
    with Sandbox(now=lambda: datetime(2022, 9, 4, 23, tzinfo=UTC)) as sandbox:
        post_snapshot(sandbox, SCRAP_RATE, "2022-W36", 3)
        values = [statistics(sandbox, "week", SCRAP_RATE, zone).json["currentPeriod"] for zone in ("UTC", "UTC+1")]
    assert [part["value"] for part in values] == [None, 3]


@pytest.mark.parametrize("type", ["", "quarter"])
def test_statistics_of_an_unknown_type_are_400(sandbox: Sandbox, type: str) -> None:
    assert statistics(sandbox, type).status == 400
