"""Names, ids and codes → ids, or a reject that names the nearest one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from mapping_builders import (
    CATALOG,
    EARLY,
    LINE_1,
    LINE_2,
    NOWHERE,
    SCRAP,
    mapped,
    mapper,
    of_rows,
    options,
    scope,
    table,
)

from kpisync.errors import ConfigError, SourceError
from kpisync.mapping.apply import resolve
from kpisync.mapping.keys import Unmapped, nearest
from kpisync.model import Interval

DAY = "2026-11-20"
LONG = [
    {"kpi": {"column": "k"}, "value": {"column": "v"}, "column": "n", "sub_tile": {"column": "s"}, "team": LINE_1},
]
COLUMNS = ("d", "k", "v", "s", "n")


def test_an_unknown_code_is_rejected_with_the_nearest_one() -> None:
    found = of_rows([[DAY, "L9", "1"]])
    assert found.values == []
    assert found.rejects == ["a.csv:2 unknown-team: L9 is not in lookup lines; did you mean L2?"]


@pytest.mark.parametrize(
    ("team", "parts", "said"),
    [
        ("Halle 7", {}, "unknown-team: Halle 7 is not in lookup lines"),
        ("", {}, "no-team: column t is empty, so the team is unknown"),
        (None, {}, "no-team: column t is empty, so the team is unknown"),
        (" \u00a0", {}, "no-team: column t is empty, so the team is unknown"),
        ("line1", {"team": {"column": "t"}}, "unknown-team: line1 is not a team of the catalog; did you mean line-1?"),
        ("L1", {"team": {"column": "t", "lookup": "wrong"}}, "unknown-team: line-7 is not a team of the catalog"),
        ("a\u202eb", {}, "unknown-team: 'a\\u202eb' is not in lookup lines"),
        ("z" * 1000, {}, f"unknown-team: '{'z' * 40}…' is not in lookup lines"),
        (["L1"], {}, "unknown-team: ['L1'] is not in lookup lines"),
        ({"a": 1}, {}, "unknown-team: {'a': 1} is not in lookup lines"),
        (True, {}, "unknown-team: True is not in lookup lines"),
        (Decimal("sNaN"), {}, "unknown-team: sNaN is not in lookup lines"),
    ],
)
def test_a_row_without_a_team_is_rejected_in_plain_words(team: object, parts: dict[str, Any], said: str) -> None:
    found = of_rows([[DAY, team, "1"]], **parts)
    assert found.values == []
    assert [reject.partition("; did")[0] for reject in found.rejects] == [f"a.csv:2 {said}".partition("; did")[0]]
    if "did you mean" in said:
        assert found.rejects == [f"a.csv:2 {said}"]


@pytest.mark.parametrize("code", ["L1", " L1 ", b"L1", "L1\u00a0"])
def test_a_code_is_looked_up_without_its_padding(code: object) -> None:
    assert of_rows([[DAY, code, "1"]]).numbers == {f"line-1 {DAY}": "1"}


@pytest.mark.parametrize("team", ["line-2", LINE_2, LINE_2.upper()])
def test_a_cell_without_a_lookup_is_a_name_or_an_id(team: str) -> None:
    assert of_rows([[DAY, team, "1"]], team={"column": "t"}).numbers == {f"line-2 {DAY}": "1"}


def test_an_id_that_the_catalog_does_not_list_is_taken() -> None:
    found = of_rows([[DAY, "", "1"]], {"kpi": NOWHERE.upper(), "value": NOWHERE, "column": "n"}, team=NOWHERE)
    assert found.values[0].key.record[:3] == ("board", NOWHERE, NOWHERE)
    assert found.values[0].key.value == NOWHERE


def test_a_long_table_names_everything_in_its_cells() -> None:
    rows = [
        [DAY, "scrap", "actual", "early", "1"],
        [DAY, CATALOG.kpis["scrap"].id.upper(), "target", EARLY, "2"],
        ["2026-11-16", "o1", "actual", "", "3"],
        ["2026-11-16", "scrapp", "actual", "early", "4"],
        ["2026-11-16", "scrap", "actuall", "early", "5"],
        ["2026-11-16", "scrap", "actual", "erly", "6"],
        ["2026-11-16", "", "actual", "early", "7"],
    ]
    found = mapped(mapper(options(*LONG)), table(rows, COLUMNS))
    assert found.numbers == {f"line-1 early {DAY}": "1", f"line-1 early t1 {DAY}": "2"}
    assert found.rejects == [
        "a.csv:4 no-sub-tile: column s is empty, so the sub-tile is unknown",
        "a.csv:5 unknown-kpi: scrapp is not a kpi of the catalog; did you mean scrap?",
        "a.csv:6 unknown-value: actuall is not a value of KPI scrap; did you mean actual?",
        "a.csv:7 unknown-sub-tile: erly is not a sub-tile of KPI scrap; did you mean early?",
        "a.csv:8 no-kpi: column k is empty, so the kpi is unknown",
    ]


def test_a_platform_without_teams_needs_none() -> None:
    found = of_rows([[DAY, "target", "1"]], {"kpi": "scrap", "value": {"column": "t"}, "column": "n"}, team=None)
    assert found.values[0].key.record.team is None
    assert found.values[0].key.value == "t1"


def test_a_row_whose_team_is_unknown_is_one_reject_however_many_values_it_has() -> None:
    values = [
        SCRAP,
        {"kpi": "scrap", "value": "target", "column": "n", "team": "line-1"},
        {"kpi": "orders", "value": "actual", "column": "n"},
    ]
    found = of_rows([["2026-11-16", "L9", "x"]], *values)
    assert found.codes == [("a.csv:2", "unknown-team"), ("a.csv:2", "bad-number")]


def test_cells_that_are_equal_and_yet_differ_are_not_mistaken_for_one_another() -> None:
    lookups = {"codes": {"1": "line-1", "True": "line-2"}}
    made = options({**SCRAP}, team={"column": "t", "lookup": "codes"})
    rows = [[DAY, 1, "1"], ["2026-11-19", True, "2"], ["2026-11-18", 1.0, "3"], ["2026-11-17", Decimal("1.00"), "4"]]
    found = mapped(type(mapper(made))(made, "board", CATALOG, lookups, scope()), table(rows))
    assert [value.key.record.team for value in found.values] == [LINE_1, LINE_2, LINE_1, LINE_1]


def test_a_wrong_lookup_over_a_long_table_is_not_compared_forever() -> None:
    found = of_rows([[DAY, f"L1-{code}", "1"] for code in range(150)] + [[DAY, "L1-0", "1"]])
    suggested = [reject for reject in found.rejects if "did you mean" in reject]
    assert len(suggested) == 101  # a hundred texts, one of them twice
    assert found.rejects[-2] == "a.csv:151 unknown-team: L1-149 is not in lookup lines"


def test_answers_beyond_all_memory_are_forgotten_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kpisync.mapping.keys._MOST_REMEMBERED", 1)
    rows = [[DAY, "L1", "1"], [DAY, "L2", "2"], ["2026-11-19", "L1", "3"]]
    assert of_rows(rows).numbers == {f"line-1 {DAY}": "1", f"line-2 {DAY}": "2", "line-1 2026-11-19": "3"}


@pytest.mark.parametrize(
    ("value", "parts", "said"),
    [
        ({"kpi": "scrp"}, {}, "scrp is not a kpi of the catalog; did you mean scrap?"),
        ({"value": "actuel"}, {}, "actuel is not a value of KPI scrap; did you mean actual?"),
        ({"sub_tile": "late"}, {}, "late is not a sub-tile of KPI scrap"),
        ({"team": "line-9"}, {}, "line-9 is not a team of the catalog; did you mean line-2?"),
        ({}, {"team": "line-9"}, "line-9 is not a team of the catalog; did you mean line-2?"),
    ],
)
def test_a_name_in_the_map_that_the_catalog_does_not_have_is_a_mistake_of_the_configuration(
    value: dict[str, Any], parts: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        of_rows([[DAY, "L1", "1"]], {**SCRAP, **value}, **parts)
    assert (refused.value.what, refused.value.hint) == (
        said,
        "Catalog names stand under `catalog`; kpisync discover writes them",
    )


def test_a_column_that_the_table_does_not_have_is_an_error_of_the_source() -> None:
    for part in ({"team": {"column": "x"}}, {"date": {"column": "x"}}):
        with pytest.raises(SourceError, match="there is no column 'x'"):
            of_rows([], **part)
    with pytest.raises(SourceError, match="there is no column 'x'"):
        of_rows([], {**SCRAP, "column": "x"})


def test_names_and_ids_resolve_alike() -> None:
    ids = resolve(CATALOG, "orders", "target", "line-1", None)
    assert ids == resolve(CATALOG, "o1", "t2", LINE_1.upper(), None)
    assert ids == ("o1", Interval.WEEK, "t2", LINE_1, None)
    assert resolve(CATALOG, "scrap", "actual", None, "early").sub_tile == EARLY
    with pytest.raises(Unmapped) as unknown:
        resolve(CATALOG, "orders", "actual", "line-3", None)
    assert (unknown.value.code, str(unknown.value)) == (
        "unknown-team",
        "line-3 is not a team of the catalog; did you mean line-2?",
    )


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert nearest("PUMPS", ["pumps", "valves"]) == "; did you mean pumps?"
    assert nearest("x" * 101, ["x" * 101]) == ""
