"""Snapshots in the stand-ins of Quantive and Gtmhub: which are read, and in which shape."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from sandbox_caller import BRANDS, numbers, post_snapshot, read_snapshots, results, set_to

from kpisync.sandbox.quantive.directory import AVAILABILITY, ENERGY, FOLDER, OTHERS_KPI, SCRAP_RATE, UNITS_PRODUCED
from kpisync.sandbox.server import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


# ---------------------------------------------------------------- groups


@pytest.mark.parametrize(
    ("group", "by"),
    [("2022-W36", "week"), ("2022-09-05", "day"), ("2022-09", "month"), ("2022-Q3", "quarter"), ("2022", "year")],
)
def test_a_group_is_read_under_the_literal_that_it_was_posted_with(sandbox: Sandbox, group: str, by: str) -> None:
    post_snapshot(sandbox, SCRAP_RATE, group)
    assert [found["group"] for found in read_snapshots(sandbox, SCRAP_RATE, groupBy=by)] == [group]


@pytest.mark.parametrize("group", ["2022-W53", "2022-W00", "2022-13", "2022-02-30", "2022-Q5", "W36", "", "2022-w36"])
def test_a_group_that_does_not_exist_is_400(sandbox: Sandbox, group: str) -> None:
    assert post_snapshot(sandbox, SCRAP_RATE, group).status == 400


def test_a_read_by_another_period_puts_a_week_where_its_monday_is(sandbox: Sandbox) -> None:
    for group, value in {"2022-W36": 1, "2022-W35": 2, "2022-W31": 4}.items():
        post_snapshot(sandbox, UNITS_PRODUCED, group, value)
    by_month = numbers(read_snapshots(sandbox, UNITS_PRODUCED, groupBy="month"))
    assert by_month == [("2022-08", 6, [4, 2]), ("2022-09", 1, [1])]


@pytest.mark.parametrize(
    ("window", "found"),
    [
        ({"from": "2022-09-05", "to": "2022-09-05"}, ["2022-W36"]),
        ({"from": "2022-09-06", "to": "2022-09-11"}, []),
        ({"from": "2022-08-29", "to": "2022-09-11"}, ["2022-W35", "2022-W36"]),
        ({"from": "2022-09-06"}, ["2022-W37"]),
        ({"to": "2022-09-04"}, ["2022-W35"]),
    ],
)
def test_a_window_holds_the_groups_whose_first_day_lies_in_it(
    sandbox: Sandbox, window: dict[str, str], found: list[str]
) -> None:
    for group in ("2022-W37", "2022-W35", "2022-W36"):
        post_snapshot(sandbox, SCRAP_RATE, group)
    assert [group["group"] for group in read_snapshots(sandbox, SCRAP_RATE, **window)] == found


@pytest.mark.parametrize(
    "query", [{"groupBy": "hour"}, {"from": "5.9.2022"}, {"to": "2022-02-30"}, {"ids": "x"}, {"mykpis": "undefined"}]
)
def test_a_read_that_is_asked_for_wrongly_is_400(sandbox: Sandbox, query: dict[str, str]) -> None:
    assert results(sandbox, "GET", "v1/kpi-snapshots", **{"ids": SCRAP_RATE, **query}).status == 400


@pytest.mark.parametrize(
    ("kpi", "value"), [(SCRAP_RATE, "2"), (UNITS_PRODUCED, "7"), (AVAILABILITY, "2.333333333333333333333333333")]
)
def test_the_value_of_a_group_is_the_last_the_sum_or_the_average(sandbox: Sandbox, kpi: str, value: str) -> None:
    for posted in (1, 4, 2):
        post_snapshot(sandbox, kpi, value=posted)
    assert read_snapshots(sandbox, kpi)[0]["value"] == Decimal(value)


def test_no_digit_is_lost_in_a_sum(sandbox: Sandbox) -> None:
    for posted in ("12345678901234567890.123456789", "0.0000000000000000001"):
        post_snapshot(sandbox, UNITS_PRODUCED, value=posted)
    value = read_snapshots(sandbox, UNITS_PRODUCED)[0]["value"]
    assert str(value) == "12345678901234567890.1234567890000000001"


# ---------------------------------------------------------------- which KPIs


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"ids": f"{AVAILABILITY},{SCRAP_RATE},{OTHERS_KPI},{'0' * 24}"}, {SCRAP_RATE, AVAILABILITY}),
        ({"groupIds": FOLDER}, {SCRAP_RATE, UNITS_PRODUCED}),
        ({"ungrouped": "true", "mykpis": "false"}, {AVAILABILITY, ENERGY}),
        ({"mykpis": "true"}, {SCRAP_RATE, UNITS_PRODUCED, AVAILABILITY, ENERGY}),
    ],
)
@pytest.mark.parametrize("brand", BRANDS)
def test_kpis_are_chosen_by_id_folder_and_owner(
    sandbox: Sandbox, brand: str, query: dict[str, str], found: set[str]
) -> None:
    assert results(sandbox, "GET", "v1/kpi-snapshots", brand=brand, **query).json.keys() == found


def test_a_read_without_any_kpi_is_400(sandbox: Sandbox) -> None:
    assert results(sandbox, "GET", "v1/kpi-snapshots").status == 400


@pytest.mark.parametrize(("brand", "version", "status"), [("quantive", "v1", 400), ("gtmhub", "v2", 404)])
def test_the_second_read_is_of_one_version_only(sandbox: Sandbox, brand: str, version: str, status: int) -> None:
    assert results(sandbox, "GET", f"{version}/kpis/snapshots", brand=brand, ids=SCRAP_RATE).status == status


# ---------------------------------------------------------------- shapes


def test_snapshots_may_be_read_as_one_list() -> None:
    with set_to(snapshot_shape="items") as sandbox:
        ids = [post_snapshot(sandbox, SCRAP_RATE, value=value).json["id"] for value in (5, 6)]
        read = results(sandbox, "GET", "v1/kpi-snapshots", ids=f"{SCRAP_RATE},{ENERGY}").json
    assert read == {
        "items": [
            {"kpiId": SCRAP_RATE, "group": "2022-W36", "value": 5, "id": ids[0]},
            {"kpiId": SCRAP_RATE, "group": "2022-W36", "value": 6, "id": ids[1]},
        ]
    }


def test_snapshots_may_be_read_in_a_way_that_holds_no_number() -> None:
    with set_to(snapshot_shape="odd") as sandbox:
        post_snapshot(sandbox, SCRAP_RATE)
        read = results(sandbox, "GET", "v1/kpi-snapshots", ids=SCRAP_RATE).json
    assert read == {"series": [f"{SCRAP_RATE}|2022-W36|5"]}
