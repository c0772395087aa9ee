"""Lists of KPIs in the stand-ins of Quantive and Gtmhub: filtered, sorted, by page; folders and insights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox_caller import BRANDS, NOBODYS, read_kpi, results

from kpisync.sandbox.quantive.directory import (
    AVAILABILITY,
    ENERGY,
    FOLDER,
    INSIGHT,
    SCRAP_RATE,
    UNITS_PRODUCED,
)
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import SandboxSettings


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize("brand", BRANDS)
def test_a_list_counts_its_page_and_all_and_hides_other_accounts(sandbox: Sandbox, brand: str) -> None:
    answer = results(sandbox, "GET", "v2/kpis", brand=brand, skip="1", limit="2", sort="name").json
    assert (answer["count"], answer["totalCount"]) == (2, 4)
    assert [item["id"] for item in answer["items"]] == [ENERGY, SCRAP_RATE]


def test_a_page_may_be_taken_too_and_has_a_hundred_items_at_most(sandbox: Sandbox) -> None:
    for n in range(100):
        results(sandbox, "POST", "v1/kpis", {"name": f"K{n}"})
    counts = [results(sandbox, "GET", "v2/kpis", **query).json["count"] for query in ({"take": "3"}, {"limit": "999"})]
    assert counts == [3, 100]
    assert results(sandbox, "GET", "v2/kpis", skip="100").json["count"] == 4


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'{{_id:"{SCRAP_RATE}"}}', [SCRAP_RATE]),
        (f'{{"_id": {{"$in": ["{SCRAP_RATE}", "{NOBODYS}"]}}}}', [SCRAP_RATE]),
        ('{name: {$regex: "^[SU].*: ?|^Units"}}', [UNITS_PRODUCED]),
        (f'{{groups: "{FOLDER}", aggregation: "sum"}}', [UNITS_PRODUCED]),
        ("{}", [SCRAP_RATE, UNITS_PRODUCED, AVAILABILITY, ENERGY]),
    ],
)
def test_a_filter_in_the_words_of_mongo_chooses(sandbox: Sandbox, text: str, found: list[str]) -> None:
    answer = results(sandbox, "GET", "v2/kpis", filter=text).json
    assert [item["id"] for item in answer["items"]] == found
    assert answer["totalCount"] == len(found)


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "{_id:"},
        {"filter": "[]"},
        {"filter": '{id:"x"}'},
        {"filter": "{name:{$gt:1}}"},
        {"filter": '{name:{$regex:"("}}'},
        {"sort": "colour"},
        {"sort": "groups"},
        {"skip": "-1"},
        {"limit": "many"},
    ],
)
def test_a_list_that_is_asked_for_wrongly_is_400(sandbox: Sandbox, query: dict[str, str]) -> None:
    assert results(sandbox, "GET", "v2/kpis", **query).status == 400


def test_a_filter_may_be_ignored() -> None:
    with Sandbox(SandboxSettings(kpi_filter="ignored")) as sandbox:
        assert results(sandbox, "GET", "v2/kpis", filter=f'{{_id:"{SCRAP_RATE}"}}').json["totalCount"] == 4


def test_a_list_is_sorted_by_several_fields_and_backwards(sandbox: Sandbox) -> None:
    items = results(sandbox, "GET", "v2/kpis", sort="aggregation,-name", fields="name").json["items"]
    assert items == [
        {"id": AVAILABILITY, "name": "Availability"},
        {"id": SCRAP_RATE, "name": "Scrap rate"},
        {"id": UNITS_PRODUCED, "name": "Units produced"},
        {"id": ENERGY, "name": "Energy, from an insight"},
    ]


def test_a_bulk_patch_is_for_the_legacy_brand_and_changes_all_or_none(sandbox: Sandbox) -> None:
    changes = [{"id": SCRAP_RATE, "name": "A"}, {"id": AVAILABILITY, "name": "B"}]
    assert results(sandbox, "PATCH", "v1/kpis", changes).status == 405
    assert results(sandbox, "PATCH", "v1/kpis", [*changes, {"id": NOBODYS}], brand="gtmhub").status == 404
    assert results(sandbox, "PATCH", "v1/kpis", [*changes, {"id": ENERGY, "x": 1}], brand="gtmhub").status == 400
    assert results(sandbox, "PATCH", "v1/kpis", {}, brand="gtmhub").status == 400
    assert read_kpi(sandbox, SCRAP_RATE, brand="gtmhub").json["name"] == "Scrap rate"
    assert results(sandbox, "PATCH", "v1/kpis", changes, brand="gtmhub").status == 204
    assert [read_kpi(sandbox, id, brand="gtmhub").json["name"] for id in (SCRAP_RATE, AVAILABILITY)] == ["A", "B"]


def test_an_insight_names_the_kpis_that_it_feeds(sandbox: Sandbox) -> None:
    assert [item["id"] for item in results(sandbox, "GET", f"v1/insights/{INSIGHT}/usages/kpis").json["items"]] == [
        ENERGY
    ]
    assert results(sandbox, "GET", "v1/insights/none/usages/kpis").status == 404


def test_folders_can_be_listed_and_read(sandbox: Sandbox) -> None:
    items = results(sandbox, "GET", "v1/kpis/groups").json["items"]
    assert [(item["id"], item["name"]) for item in items] == [(FOLDER, "Production")]
    assert results(sandbox, "GET", f"v1/kpis/groups/{FOLDER}").json == items[0]
    assert results(sandbox, "GET", f"v1/kpis/groups/{NOBODYS}").status == 404
