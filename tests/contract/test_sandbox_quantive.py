"""The stand-ins of Quantive and Gtmhub keep to what is known of the two: their login and single KPIs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sandbox_caller import ACCOUNT, BRANDS, NOBODYS, call, post_snapshot, read_kpi, read_snapshots, results, token

from kpisync.model import Catalog, CatalogKpi, Interval
from kpisync.sandbox.quantive.directory import (
    AVAILABILITY,
    ENERGY,
    INSIGHT,
    OTHER_ACCOUNT,
    OTHERS_KPI,
    SCRAP_RATE,
    UNITS_PRODUCED,
)
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import SandboxSettings

NOW = datetime(2022, 9, 7, 12, tzinfo=UTC)  # the Wednesday of 2022-W36


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(now=lambda: NOW) as sandbox:
        yield sandbox


# ---------------------------------------------------------------- login


@pytest.mark.parametrize("brand", BRANDS)
@pytest.mark.parametrize("headers", [{}, token("wrong"), {**token(), "Authorization": "Basic sandbox"}])
def test_a_request_without_the_right_token_is_401(sandbox: Sandbox, brand: str, headers: dict[str, str]) -> None:
    answer = results(sandbox, "GET", f"v1/kpis/{SCRAP_RATE}", brand=brand, headers=headers)
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("account", [None, "", "acme"])
@pytest.mark.parametrize("status", [400, 403])
def test_an_account_that_is_missing_or_no_id_is_refused_with_the_status_set(account: str | None, status: int) -> None:
    with Sandbox(SandboxSettings.model_validate({"account_status": status})) as sandbox:
        answer = results(sandbox, "GET", f"v1/kpis/{SCRAP_RATE}", headers=token(account=account))
        assert (answer.status, b"empty or invalid account id" in answer.body) == (status, True)


def test_the_header_of_the_account_has_no_case(sandbox: Sandbox) -> None:
    headers = {"authorization": "bearer sandbox", "GTMHUB-ACCOUNTID": ACCOUNT.upper()}
    assert results(sandbox, "GET", f"v1/kpis/{SCRAP_RATE}", headers=headers).status == 200


@pytest.mark.parametrize("status", [404, 403])
def test_a_kpi_of_another_account_is_out_of_reach(status: int) -> None:
    with Sandbox(SandboxSettings.model_validate({"foreign_kpi_status": status})) as sandbox:
        assert results(sandbox, "GET", f"v1/kpis/{OTHERS_KPI}").status == status
        others = token(account=OTHER_ACCOUNT)
        assert results(sandbox, "GET", f"v1/kpis/{SCRAP_RATE}", headers=others).status == status
        assert results(sandbox, "GET", f"v1/kpis/{OTHERS_KPI}", headers=others).status == 200


def test_token_and_account_can_be_chosen() -> None:
    with Sandbox(SandboxSettings(token="t0p", account=NOBODYS)) as sandbox:
        answer = results(sandbox, "GET", f"v1/kpis/{SCRAP_RATE}", headers=token("t0p", NOBODYS))
        assert (answer.status, answer.json["accountId"]) == (200, NOBODYS)


# ---------------------------------------------------------------- what is there at first


def test_each_aggregation_and_an_insight_are_there_from_the_beginning(sandbox: Sandbox) -> None:
    asked = {id: read_kpi(sandbox, id).json for id in (SCRAP_RATE, UNITS_PRODUCED, AVAILABILITY, ENERGY)}
    assert [document["aggregation"] for document in asked.values()] == ["last", "sum", "average", "sum"]
    assert asked[SCRAP_RATE]["name"] == "Scrap rate"
    assert [id for id, document in asked.items() if "insightLink" in document] == [ENERGY]
    assert asked[ENERGY]["insightLink"]["insightName"] == INSIGHT


def test_a_catalog_names_its_kpis_and_adds_those_that_are_not_there() -> None:
    own = "5e8ed44adcddda0da9eabfff"
    catalog = Catalog(
        kpis={
            "scrap": CatalogKpi("scrap", SCRAP_RATE.upper(), Interval.DAY),
            "own": CatalogKpi("own", own),
            "guid": CatalogKpi("guid", "c3ba32c2-a13a-0000-0000-000000000000"),
        }
    )
    with Sandbox(catalogs={"quantive": catalog}) as sandbox:
        assert [read_kpi(sandbox, id).json["name"] for id in (SCRAP_RATE, own)] == ["scrap", "own"]
        assert read_kpi(sandbox, own, brand="gtmhub").status == 404
        assert results(sandbox, "GET", "v2/kpis").json["totalCount"] == 5


# ---------------------------------------------------------------- one KPI


@pytest.mark.parametrize("brand", BRANDS)
def test_a_created_kpi_can_be_read_and_its_digits_stay(sandbox: Sandbox, brand: str) -> None:
    body = '{"name": "Yield", "aggregation": "sum", "formatting": {"fractionSize": 2, "x": 1.50}}'
    created = results(sandbox, "POST", "v1/kpis", body, brand=brand)
    read = read_kpi(sandbox, created.json["id"], brand=brand)
    assert (created.status, read.status, len(created.json["id"])) == (201, 200, 24)
    assert read.json == created.json
    assert b"1.50" in read.body
    assert (read.json["accountId"], read.json["isOwner"], read.json["targetOperator"]) == (
        ACCOUNT,
        True,
        "should_increase",
    )


def test_an_insight_is_written_as_insight_and_read_as_insight_link(sandbox: Sandbox) -> None:
    created = results(sandbox, "POST", "v1/kpis", {"name": "K", "insight": {"insightName": "abc"}}).json
    assert (created["insightLink"], "insight" in created) == ({"insightName": "abc"}, False)


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"name": ""}', '{"name": 1}', '{"name": "K", "aggregation": "median"}', '{"name": "K", "x": 1}'],
)
def test_a_kpi_that_is_malformed_is_400(sandbox: Sandbox, body: str) -> None:
    assert results(sandbox, "POST", "v1/kpis", body).status == 400
    assert results(sandbox, "GET", "v2/kpis").json["totalCount"] == 4


def test_a_patch_changes_what_it_names_and_keeps_the_rest(sandbox: Sandbox) -> None:
    before = read_kpi(sandbox).json
    assert results(sandbox, "PATCH", f"v1/kpis/{SCRAP_RATE}", {"name": "Scrap", "ownerId": NOBODYS}).status == 200
    after = read_kpi(sandbox).json
    changed = {name for name in after if after[name] != before[name]}
    assert (after["name"], after["ownerId"], after["ownerIds"]) == ("Scrap", NOBODYS, [NOBODYS])
    assert changed == {"name", "ownerId", "ownerIds", "isOwner", "modifiedById"}


@pytest.mark.parametrize("body", [{"insight": {}}, {"name": ""}, {"x": 1}, []])
def test_a_patch_that_is_malformed_changes_nothing(sandbox: Sandbox, body: object) -> None:
    before = read_kpi(sandbox).json
    assert results(sandbox, "PATCH", f"v1/kpis/{SCRAP_RATE}", body).status == 400
    assert read_kpi(sandbox).json == before


@pytest.mark.parametrize(("brand", "status"), [("quantive", 204), ("gtmhub", 200)])
def test_a_deleted_kpi_is_gone_with_its_snapshots(sandbox: Sandbox, brand: str, status: int) -> None:
    post_snapshot(sandbox, SCRAP_RATE, brand=brand)
    deletions = [results(sandbox, "DELETE", f"v1/kpis/{SCRAP_RATE}", brand=brand).status for _ in range(2)]
    assert (deletions, sandbox.records(brand)) == ([status, 404], {})


@pytest.mark.parametrize(("id", "status"), [(NOBODYS, 404), ("scrap", 400)])
def test_a_kpi_that_is_not_there_is_404_and_what_is_no_id_400(sandbox: Sandbox, id: str, status: int) -> None:
    assert read_kpi(sandbox, id).status == status
    assert post_snapshot(sandbox, id).status == status


def test_an_id_may_be_written_in_capitals(sandbox: Sandbox) -> None:
    assert read_kpi(sandbox, SCRAP_RATE.upper()).json["id"] == SCRAP_RATE


def test_a_reset_brings_back_what_was_there_at_first(sandbox: Sandbox) -> None:
    results(sandbox, "DELETE", f"v1/kpis/{SCRAP_RATE}")
    results(sandbox, "POST", "v1/kpis", {"name": "Yield"})
    post_snapshot(sandbox, AVAILABILITY)
    sandbox.reset()
    assert read_snapshots(sandbox, AVAILABILITY) == []
    assert (read_kpi(sandbox).status, results(sandbox, "GET", "v2/kpis").json["totalCount"]) == (200, 4)


# ---------------------------------------------------------------- elsewhere


@pytest.mark.parametrize(
    ("path", "status"),
    [("v1/kpi", 404), ("v3/kpis", 404), ("v1/kpis", 405), (f"v1/kpis/{SCRAP_RATE}/snapshots", 405)],
)
def test_what_cannot_be_read_is_refused(sandbox: Sandbox, path: str, status: int) -> None:
    assert results(sandbox, "GET", path).status == status


def test_a_path_outside_the_api_is_404(sandbox: Sandbox) -> None:
    answer = call(sandbox, "GET", "/quantive/api/v1/kpis", headers=token())
    assert (answer.status, b"/quantive/results/api/v1/" in answer.body) == (404, True)
