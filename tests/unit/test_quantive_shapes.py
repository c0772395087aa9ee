"""Snapshots as they may be shown: no public source says how, so any shape is looked through, and nothing is guessed."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from kpisync.destinations.quantive.groups import Groups
from kpisync.destinations.quantive.reading import Held, Unclear, snapshots_in
from kpisync.model import Aggregation, CatalogKpi, Interval
from kpisync.support.json import loads

KPI, OTHER = "5e8c27e3dcdddaa4addbdee8", "5e8ed44adcddda0da9eab365"


def weeks(aggregation: Aggregation | None) -> Groups:
    return Groups(CatalogKpi("scrap", KPI, Interval.WEEK, aggregation=aggregation))


def found(document: Any, aggregation: Aggregation | None = Aggregation.LAST) -> dict[str, Held]:
    return snapshots_in(loads(json.dumps(document)), weeks(aggregation))


def unclear(document: Any, aggregation: Aggregation | None = Aggregation.LAST) -> str:
    with pytest.raises(Unclear) as why:
        found(document, aggregation)
    return str(why.value)


def group(value: Any, *snapshots: Any, name: str = "2026-W47") -> dict[str, Any]:
    return {"group": name, "value": value, "snapshots": [{"id": f"s{n}", "value": n} for n in snapshots]}


@pytest.mark.parametrize(
    "document",
    [
        {KPI: [group(5, 5)]},
        {KPI.upper(): [group(5, 5)]},
        {"items": [{"kpiId": KPI, "group": "2026-W47", "value": 5, "id": "s5"}], "totalCount": 1},
        [{"kpiId": KPI, "name": "Scrap", "groups": [{"bucket": "2026-W47", "sum": 5, "snapshotId": "s5"}]}],
        [{"period": "2026-W47", "value": 5, "id": "s5", "timeZone": "UTC+1"}],
        {"data": {"kpi": {"id": KPI, "name": "Scrap"}, "series": [{"x": "2026-W47", "value": 5, "id": "s5"}]}},
    ],
)
def test_a_group_and_a_number_are_found_in_any_shape(document: Any) -> None:
    assert found(document) == {"2026-W47": Held(Decimal(5), 1, "s5")}


@pytest.mark.parametrize(
    "document",
    [{}, [], None, {KPI: []}, {KPI: None}, {"items": [], "totalCount": 0}, [{"kpiId": KPI, "groups": None}]],
)
def test_nothing_is_nothing(document: Any) -> None:
    assert found(document) == {}


@pytest.mark.parametrize(
    "gap", [group(None), group(0), group(5), {"group": "2026-W47", "value": None}, {"group": "2026-W47"}]
)
def test_a_gap_that_is_filled_for_a_chart_is_no_snapshot(gap: Any) -> None:
    assert found({KPI: [gap]}) == {}


def test_zero_is_a_number() -> None:
    assert found({KPI: [group(0, 0)]}) == {"2026-W47": Held(Decimal(0), 1, "s0")}


@pytest.mark.parametrize(
    "document",
    [
        {"series": [f"{KPI}|2026-W47|5"]},
        [{"date": "16.11.2026", "amount": 5}],
        {"error": "no such thing"},
        {"count": 1},
        "2026-W47",
        5,
        {KPI: [{"group": "2026-W5", "value": 5}]},
        {KPI: [group(5, 5), {"group": "W46", "amount": 5}]},
        {KPI: [group(5, 5), {"day": "2026-11-09", "value": 5}]},
        {KPI: [{"group": "2026-W47", "value": "5"}]},
        {KPI: [{"group": "2026-W47", "min": 1, "max": 2}]},
        {KPI: [{"group": "2026-W47", "value": 5, "snapshots": [{"id": "s1"}]}]},
        {KPI: [{"group": "2026-W47", "value": 5, "snapshots": [], "notes": []}]},
    ],
)
def test_what_is_not_understood_is_never_taken_for_nothing(document: Any) -> None:
    assert unclear(document)


def test_a_filter_that_the_platform_passed_over_shows_others_which_are_left_out() -> None:
    assert found({OTHER: [group(9, 9)], KPI: [group(5, 5)]}) == {"2026-W47": Held(Decimal(5), 1, "s5")}
    assert found([{"kpiId": OTHER, "group": "2026-W47", "value": 9}]) == {}


def test_several_snapshots_of_a_group_count_by_its_own_number_and_none_of_them_is_the_one() -> None:
    assert found({KPI: [group(8, 3, 5)]}) == {"2026-W47": Held(Decimal(8), 2, None)}


@pytest.mark.parametrize(
    ("aggregation", "number"), [(Aggregation.LAST, "5"), (Aggregation.SUM, "8"), (Aggregation.AVERAGE, "4")]
)
def test_several_snapshots_without_a_number_of_their_group_are_aggregated(
    aggregation: Aggregation, number: str
) -> None:
    items = [{"kpiId": KPI, "group": "2026-W47", "value": value, "id": f"s{value}"} for value in (3, 5)]
    assert found({"items": items}, aggregation) == {"2026-W47": Held(Decimal(number), 2, None)}
    assert "aggregation" in unclear({"items": items}, None)


def test_one_that_is_shown_twice_is_one() -> None:
    assert found({"folders": [[group(5, 5)], [group(5, 5)]]}) == {"2026-W47": Held(Decimal(5), 1, "s5")}


def test_digits_are_kept() -> None:
    shown = loads(f'{{"{KPI}": [{{"group": "2026-W47", "value": 12345678901234.567891}}]}}')
    held = snapshots_in(shown, weeks(None))
    assert held["2026-W47"].number == Decimal("12345678901234.567891")
