"""The stand-in of ValueStreamer keeps to what is known of the platform, and to the switches where nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from sandbox_caller import (
    ACTUAL,
    API,
    BUDGET,
    CATALOG,
    EARLY,
    ENERGY,
    LINE_1,
    LINE_2,
    MEDIA_TYPE,
    SCRAP,
    STRANGER,
    TARGET,
    call,
    get,
    login,
    put,
    record_path,
    values,
    window,
)

from kpisync.model import Catalog, CatalogKpi, RecordKey
from kpisync.sandbox.platform import Refusal
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import SandboxSettings


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxSettings(partial_sets="merge-keep"), CATALOG) as sandbox:
        yield sandbox


# ---------------------------------------------------------------- login


@pytest.mark.parametrize(
    "headers", [{}, login(password="wrong"), login(username="other"), {"Authorization": "Bearer sandbox"}]
)
def test_a_request_without_the_right_login_is_401_and_stores_nothing(sandbox: Sandbox, headers: dict[str, str]) -> None:
    answer = call(sandbox, "PUT", record_path(), values(actual=1), headers | {"Content-Type": MEDIA_TYPE})
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="kpisync sandbox"')
    assert sandbox.records() == {}


def test_a_login_may_have_letters_beyond_ascii() -> None:
    with Sandbox(SandboxSettings(username="jörg", password="käse:1"), CATALOG) as sandbox:
        assert call(sandbox, "GET", f"{API}/teams", headers=login("jörg", "käse:1")).status == 200


# ---------------------------------------------------------------- catalog


def test_kpis_and_teams_are_bare_lists_of_ids_and_names(sandbox: Sandbox) -> None:
    kpis = call(sandbox, "GET", f"{API}/kpi").json
    teams = call(sandbox, "GET", f"{API}/teams").json
    assert {"id": SCRAP, "name": "scrap"} in kpis
    assert {"id": LINE_1, "name": "line-1", "shortName": "line-1", "parentTeam": None} in teams


def test_a_kpi_shows_its_interval_its_values_and_its_teams(sandbox: Sandbox) -> None:
    kpi = call(sandbox, "GET", f"{API}/kpi/{ENERGY}").json
    assert (kpi["id"], kpi["name"], kpi["kpiValueTimeReference"], kpi["kpiValueIsInteger"]) == (
        ENERGY,
        "energy",
        "WEEK",
        False,
    )
    assert kpi["kpiValues"] == [{"id": ACTUAL, "name": "Ist"}, {"id": TARGET, "name": "Sollwert"}]
    assert {"id": LINE_2, "name": "line-2"} in kpi["recordingTeams"]


def test_only_a_kpi_with_a_target_shows_a_target_type(sandbox: Sandbox) -> None:
    assert "targetValueType" in call(sandbox, "GET", f"{API}/kpi/{SCRAP}").json
    assert "targetValueType" not in call(sandbox, "GET", f"{API}/kpi/{BUDGET}").json


def test_a_team_can_be_looked_up(sandbox: Sandbox) -> None:
    assert call(sandbox, "GET", f"{API}/teams/{LINE_2}").json["name"] == "line-2"


# ---------------------------------------------------------------- one record


def test_a_created_record_answers_201_and_an_updated_one_200(sandbox: Sandbox) -> None:
    assert [put(sandbox, values(actual=177)).status, put(sandbox, values(actual=178)).status] == [201, 200]


def test_a_write_answers_with_the_record_as_a_read_shows_it(sandbox: Sandbox) -> None:
    written = put(sandbox, values(actual=177, target=190)).json
    assert written == {
        "date": "2026-11-20",
        "teamId": LINE_1,
        "kpiId": SCRAP,
        "subTileId": None,
        "values": [{"kpiValueId": ACTUAL, "value": 177}, {"kpiValueId": TARGET, "value": 190}],
    }
    assert get(sandbox).json == written


def test_a_record_that_is_not_there_is_404(sandbox: Sandbox) -> None:
    assert get(sandbox).status == 404
    assert call(sandbox, "DELETE", record_path()).status == 404


def test_a_deleted_record_is_gone(sandbox: Sandbox) -> None:
    put(sandbox, values(actual=1))
    answer = call(sandbox, "DELETE", record_path())
    assert (answer.status, answer.body) == (204, b"")
    assert get(sandbox).status == 404


def test_a_sub_tile_is_a_record_of_its_own(sandbox: Sandbox) -> None:
    put(sandbox, values(actual=1))
    put(sandbox, values(actual=2), sub_tile=EARLY)
    assert get(sandbox).values == {ACTUAL: "1"}
    assert get(sandbox, sub_tile=EARLY).values == {ACTUAL: "2"}
    assert get(sandbox, sub_tile=EARLY).json["subTileId"] == EARLY


@pytest.mark.parametrize("digits", ["1.50", "0.1", "12345678901234567890.123456789", "-3", "883", "0.0000001"])
def test_a_number_keeps_its_digits(sandbox: Sandbox, digits: str) -> None:
    put(sandbox, values(actual=digits))
    assert get(sandbox).values == {ACTUAL: digits}


def test_a_number_is_shown_without_an_exponent(sandbox: Sandbox) -> None:
    put(sandbox, values(actual="1e3", target="1E-7"))
    assert get(sandbox).values == {ACTUAL: "1000", TARGET: "0.0000001"}


@pytest.mark.parametrize(
    "literal", ['"177"', "null", "NaN", "Infinity", "true", "[1]", "{}", "1e999999", "1e99999999999999999999", "1" * 50]
)
def test_a_value_that_is_no_plain_number_is_400(sandbox: Sandbox, literal: str) -> None:
    assert put(sandbox, values(actual=literal)).status == 400
    assert sandbox.records() == {}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"values": []}',
        '{"values": [1]}',
        '{"values": [{"kpiValueId": "x"}]}',
        '{"values": [{"kpiValueId": 1, "value": 1}]}',
        values(actual=1)[:-1] + ', "target": 2}',
        values(actual=1).replace('"value":1', '"value":1,"target":2'),
        f'{{"values":[{{"kpiValueId":"{ACTUAL}","value":1}},{{"kpiValueId":"{ACTUAL}","value":2}}]}}',
        "[" * 100_000,
    ],
)
def test_a_body_of_another_shape_is_400(sandbox: Sandbox, body: str) -> None:
    answer = put(sandbox, body)
    assert (answer.status, sandbox.records()) == (400, {})
    assert answer.json["message"]


@pytest.mark.parametrize("day", ["2026-02-30", "2026-13-01", "20.11.2026", "20261120", "2026-W47-1", "today"])
def test_a_date_must_exist_and_be_written_as_yyyy_mm_dd(sandbox: Sandbox, day: str) -> None:
    assert put(sandbox, values(actual=1), day=day).status == 400


@pytest.mark.parametrize("part", ["team", "kpi", "sub_tile"])
def test_an_unknown_id_in_the_path_is_404_and_a_malformed_one_400(sandbox: Sandbox, part: str) -> None:
    assert put(sandbox, values(actual=1), **{part: STRANGER}).status == 404
    assert put(sandbox, values(actual=1), **{part: "line-1"}).status == 400


def test_an_unknown_value_kind_is_400(sandbox: Sandbox) -> None:
    assert put(sandbox, values(actual=1).replace(ACTUAL, STRANGER)).status == 400


def test_ids_are_the_same_in_capitals(sandbox: Sandbox) -> None:
    put(sandbox, values(actual=1).replace(ACTUAL, ACTUAL.upper()), team=LINE_1.upper(), kpi=SCRAP.upper())
    assert get(sandbox).values == {ACTUAL: "1"}


def test_unknown_paths_are_404_and_unknown_methods_405(sandbox: Sandbox) -> None:
    assert call(sandbox, "GET", f"{API}/users").status == 404
    assert call(sandbox, "GET", "/valuestreamer/elsewhere").status == 404
    assert call(sandbox, "GET", "/api/exchange/teams").status == 404
    answer = call(sandbox, "PATCH", record_path())
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, PUT, DELETE")
    assert call(sandbox, "PUT", f"{API}/teams").status == 405


# ---------------------------------------------------------------- without a catalog


def test_without_a_catalog_every_well_formed_id_is_taken() -> None:
    with Sandbox() as sandbox:
        assert put(sandbox, values(actual=1), team=STRANGER, kpi=STRANGER, sub_tile=STRANGER).status == 201
        assert put(sandbox, values(actual=1), team="line-1").status == 400
        assert call(sandbox, "GET", f"{API}/kpi/{STRANGER}").json["kpiValueTimeReference"] == "DAY"


def test_a_catalog_may_be_given_by_platform() -> None:
    with Sandbox(catalogs={"valuestreamer": CATALOG}) as sandbox:
        assert put(sandbox, values(actual=1), kpi=STRANGER).status == 404


# ---------------------------------------------------------------- what a write leaves out


def _left_out(behaviour: str) -> dict[str, str]:
    """What stands after target and then actual are written by themselves, with an older target of 5 before."""
    with Sandbox(SandboxSettings.model_validate({"partial_sets": behaviour}), CATALOG) as sandbox:
        put(sandbox, values(actual=1, target=5), day="2026-11-18")
        put(sandbox, values(target=7))
        put(sandbox, values(actual=9))
        return get(sandbox).values


@pytest.mark.parametrize(
    ("behaviour", "stands"),
    [
        ("merge-keep", {ACTUAL: "9", TARGET: "7"}),
        ("merge-target-zero", {ACTUAL: "9", TARGET: "0"}),
        ("merge-target-historical", {ACTUAL: "9", TARGET: "5"}),
        ("replace-all", {ACTUAL: "9"}),
    ],
)
def test_what_a_write_leaves_out_follows_the_behaviour(behaviour: str, stands: dict[str, str]) -> None:
    assert _left_out(behaviour) == stands


@pytest.mark.parametrize(
    ("behaviour", "stands"),
    [
        ("merge-keep", {ACTUAL: "9"}),
        ("merge-target-zero", {ACTUAL: "9", TARGET: "0"}),
        ("merge-target-historical", {ACTUAL: "9", TARGET: "0"}),
        ("replace-all", {ACTUAL: "9"}),
    ],
)
def test_a_created_record_gets_a_target_that_was_not_sent(behaviour: str, stands: dict[str, str]) -> None:
    with Sandbox(SandboxSettings.model_validate({"partial_sets": behaviour}), CATALOG) as sandbox:
        assert put(sandbox, values(actual=9)).values == stands


def test_a_historical_target_is_the_latest_earlier_one_of_the_same_series() -> None:
    with Sandbox(SandboxSettings(partial_sets="merge-target-historical"), CATALOG) as sandbox:
        put(sandbox, values(target=4), day="2026-11-17")
        put(sandbox, values(target=5), day="2026-11-18")
        put(sandbox, values(target=6), day="2026-11-18", team=LINE_2)
        put(sandbox, values(target=8), day="2026-11-21")
        assert put(sandbox, values(actual=9)).values[TARGET] == "5"


def test_a_target_sent_alone_leaves_the_other_values() -> None:
    with Sandbox(SandboxSettings(partial_sets="merge-target-zero"), CATALOG) as sandbox:
        put(sandbox, values(actual=9, target=1))
        assert put(sandbox, values(target=2)).values == {ACTUAL: "9", TARGET: "2"}


@pytest.mark.parametrize(
    ("name", "is_target"), [("Target value", True), ("Sollwert", True), ("ZIEL", True), ("Ist", False)]
)
def test_a_value_is_a_target_by_its_name(name: str, is_target: bool) -> None:
    catalog = Catalog(kpis={"k": CatalogKpi("k", SCRAP, values={"count": ACTUAL, name: TARGET})})
    with Sandbox(SandboxSettings(partial_sets="merge-target-zero"), catalog) as sandbox:
        assert (TARGET in put(sandbox, values(actual=1)).values) is is_target


# ---------------------------------------------------------------- switches


@pytest.mark.parametrize("content_type", [None, "application/json", "application/vs.v3.0+json"])
def test_a_write_without_the_versioned_media_type_is_415_unless_lenient(
    sandbox: Sandbox, content_type: str | None
) -> None:
    assert put(sandbox, values(actual=1), content_type).status == 415
    sandbox.settings = SandboxSettings(media_type="lenient")
    assert put(sandbox, values(actual=1), content_type).status == 201


def test_a_media_type_may_have_parameters(sandbox: Sandbox) -> None:
    assert put(sandbox, values(actual=1), f"{MEDIA_TYPE};charset=UTF-8").status == 201


def test_a_weekly_date_must_be_a_monday_and_a_monthly_one_the_first(sandbox: Sandbox) -> None:
    weekly = [put(sandbox, values(actual=1), kpi=ENERGY, day=day).status for day in ("2026-11-20", "2026-11-16")]
    monthly = [put(sandbox, values(actual=1), kpi=BUDGET, day=day).status for day in ("2026-11-16", "2026-11-01")]
    assert (weekly, monthly) == ([400, 201], [400, 201])


def test_a_misaligned_date_is_stored_as_it_is_where_that_is_accepted(sandbox: Sandbox) -> None:
    sandbox.settings = SandboxSettings(date_rule="accept")
    assert put(sandbox, values(actual=1), kpi=ENERGY, day="2026-11-20").json["date"] == "2026-11-20"


def test_an_integer_kpi_refuses_what_is_not_whole(sandbox: Sandbox) -> None:
    sandbox.settings = SandboxSettings(integer_kpis=frozenset({"scrap"}))
    assert call(sandbox, "GET", f"{API}/kpi/{SCRAP}").json["kpiValueIsInteger"] is True
    assert [put(sandbox, values(actual=number)).status for number in ("1.5", "2.0")] == [400, 201]
    sandbox.settings = SandboxSettings(integer_kpis=frozenset({SCRAP}), integers="accept")
    assert put(sandbox, values(actual="1.5")).status == 200


# ---------------------------------------------------------------- lists


def test_a_list_holds_the_records_of_the_window_both_ends_included(sandbox: Sandbox) -> None:
    for day in ("2026-11-01", "2026-11-02", "2026-11-04", "2026-11-05"):
        put(sandbox, values(actual=day[-1]), day=day)
    found = window(sandbox, "2026-11-02", "2026-11-04").json
    assert [record["date"] for record in found] == ["2026-11-02", "2026-11-04"]
    assert found[0]["values"] == [{"kpiValueId": ACTUAL, "value": 2}]


def test_a_list_holds_one_team_and_its_sub_tiles(sandbox: Sandbox) -> None:
    put(sandbox, values(actual=1))
    put(sandbox, values(actual=2), sub_tile=EARLY)
    put(sandbox, values(actual=3), team=LINE_2)
    found = window(sandbox, "2026-11-20", "2026-11-20").json
    assert [(record["teamId"], record["subTileId"]) for record in found] == [(LINE_1, None), (LINE_1, EARLY)]


@pytest.mark.parametrize(
    ("team_filter", "status", "count"), [("optional", 200, 2), ("required", 400, 0), ("empty", 200, 0)]
)
def test_a_list_without_a_team_follows_the_filter(sandbox: Sandbox, team_filter: str, status: int, count: int) -> None:
    put(sandbox, values(actual=1))
    put(sandbox, values(actual=2), team=LINE_2)
    sandbox.settings = SandboxSettings.model_validate({"team_filter": team_filter})
    answer = window(sandbox, "2026-11-20", "2026-11-20", team=None)
    assert answer.status == status
    assert status == 400 or len(answer.json) == count


@pytest.mark.parametrize(
    ("kpi", "first", "last", "status"),
    [
        (SCRAP, "2022-10-01", "2022-10-31", 200),
        (SCRAP, "2022-10-01", "2022-11-01", 400),
        (ENERGY, "2022-01-01", "2022-06-30", 200),
        (ENERGY, "2022-01-01", "2022-07-01", 400),
        (BUDGET, "2022-08-31", "2023-02-27", 200),
        (BUDGET, "2022-08-31", "2023-02-28", 400),
        (SCRAP, "2022-10-02", "2022-10-01", 400),
        (BUDGET, "9999-08-01", "9999-12-30", 200),
    ],
)
def test_a_window_is_at_most_31_days_or_6_months(
    sandbox: Sandbox, kpi: str, first: str, last: str, status: int
) -> None:
    assert window(sandbox, first, last, kpi).status == status


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"kpi-id={SCRAP}&from=2026-11-01",
        "from=2026-11-01&to=2026-11-02",
        f"kpi-id={STRANGER}&from=2026-11-01&to=2026-11-02",
        f"kpi-id={SCRAP}&from=2026-11-01&to=2026-11-31",
        f"kpi-id={SCRAP}&team-id={STRANGER}&from=2026-11-01&to=2026-11-02",
    ],
)
def test_a_list_needs_a_known_kpi_and_two_dates(sandbox: Sandbox, query: str) -> None:
    assert call(sandbox, "GET", f"{API}/kpi-data?{query}").status == 400


# ---------------------------------------------------------------- the fixture's own side


def test_another_hand_changes_only_what_it_names(sandbox: Sandbox) -> None:
    put(sandbox, values(actual=1, target=2))
    sandbox.put_by_hand(date(2026, 11, 20), "line-1", "scrap", None, {"target": "2.50"})
    key = RecordKey("valuestreamer", SCRAP, LINE_1, None, date(2026, 11, 20))
    assert sandbox.records() == {key: {ACTUAL: Decimal(1), TARGET: Decimal("2.50")}}
    assert get(sandbox).values[TARGET] == "2.50"


def test_another_hand_creates_and_deletes_without_a_request(sandbox: Sandbox) -> None:
    day = date(2026, 11, 20)
    sandbox.put_by_hand(day, LINE_1, SCRAP, "early", {ACTUAL: 3})
    assert [key.sub_tile for key in sandbox.records()] == [EARLY]
    sandbox.delete_by_hand(day, LINE_1, SCRAP, "early")
    assert (sandbox.records(), sandbox.journal) == ({}, [])


def test_another_hand_cannot_delete_what_is_not_there(sandbox: Sandbox) -> None:
    with pytest.raises(Refusal, match="no such record"):
        sandbox.delete_by_hand(date(2026, 11, 20), "line-1", "scrap", None)
