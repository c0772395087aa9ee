"""A workday without a row becomes a number only where that is a statement, and never where a row may be missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapping_builders import CATALOG, LINE_1, LINE_2, LOOKUPS, TODAY, Mapped, mapped, options, scope, table
from pydantic import ValidationError

from kpisync.mapping.apply import Mapper
from kpisync.mapping.collect import Collector
from kpisync.mapping.options import OpenPeriods
from kpisync.mapping.value_options import ValueOptions
from kpisync.mapping.workdays import Workdays, WorkdaysOptions
from kpisync.model import Intake, Scope

FILL: dict[str, Any] = {"with": 0, "workdays": "plant-1"}
ACCIDENTS: dict[str, Any] = {"kpi": "scrap", "value": "actual", "aggregate": "count", "fill_missing": FILL}
PLANT = Workdays(
    WorkdaysOptions.model_validate(
        {
            "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "closed": ["2026-11-11"],
            "open": ["2026-11-14"],
        }
    )
)
# TODAY is Friday, 20 November 2026.


def job(value: dict[str, Any] = ACCIDENTS, looks_at: Scope | None = None, **parts: Any) -> Mapper:
    more = {key: parts.pop(key) for key in ("kpis", "teams", "open_periods", "lookups") if key in parts}
    lookups = more.pop("lookups", LOOKUPS)
    return Mapper(
        options(value, **parts), "board", CATALOG, lookups, looks_at or scope(), workdays={"plant-1": PLANT}, **more
    )


def of(rows: Iterable[Sequence[object]], value: dict[str, Any] = ACCIDENTS, **parts: Any) -> Mapped:
    """Rows of `d`ate, `t`eam and `n`umber."""
    return mapped(job(value, **parts), table(rows))


def filled(found: Mapped) -> list[str]:
    """`L1 09`, …: team and day of the month of what was filled in."""
    return sorted(
        f"{'L1' if value.key.record.team == LINE_1 else 'L2'} {value.key.record.period:%d}"
        for value in found.values
        if value.source.startswith("no row")
    )


def filling(**how: Any) -> dict[str, Any]:
    return {**ACCIDENTS, "fill_missing": {**FILL, **how}}


BETWEEN = [("2026-11-09", "L1", "cut"), ("2026-11-16", "L1", "fell")]  # two Mondays
L1_BETWEEN = ["L1 10", "L1 12", "L1 13", "L1 14"]  # the 11th is closed, Saturday the 14th is open
L2_BETWEEN = ["L2 09", "L2 10", "L2 12", "L2 13", "L2 14", "L2 16"]


# ---------------------------------------------------------------- which days, which teams


def test_workdays_between_the_first_and_the_last_row_are_filled_for_all_teams_of_the_lookup() -> None:
    found = of(BETWEEN)
    assert filled(found) == [*L1_BETWEEN, *L2_BETWEEN]
    assert {f"{value.number}" for value in found.values if value.source.startswith("no row")} == {"0"}
    assert found.rejects == []


def test_a_filled_value_says_why_it_is_there_and_the_run_how_many_there_are() -> None:
    found = of(BETWEEN, team="line-1")
    assert found.values[-1].source == "no row on a workday of plant-1"
    assert found.intake.notes == ["fill_missing: 4 values are filled in, for workdays without a row"]


def test_only_the_teams_that_are_named_are_filled() -> None:
    assert filled(of(BETWEEN, filling(teams=["line-2"]))) == L2_BETWEEN
    assert filled(of(BETWEEN, filling(teams=[LINE_1]))) == L1_BETWEEN


def test_the_one_team_of_the_map_is_filled() -> None:
    assert filled(of(BETWEEN, team="line-1")) == L1_BETWEEN


def test_teams_that_no_row_can_be_of_are_not_filled() -> None:
    assert filled(of([], lookups={"lines": {"L9": "line-9", "L1": "line-1", "01": "line-1"}})) == []
    found = of(BETWEEN, lookups={"lines": {"L9": "line-9", "L1": "line-1", "01": "line-1"}})
    assert filled(found) == L1_BETWEEN


def test_a_run_that_looks_at_one_team_or_one_kpi_fills_no_other() -> None:
    assert filled(of(BETWEEN, teams=frozenset({LINE_2}))) == L2_BETWEEN
    assert filled(of(BETWEEN, kpis=frozenset({"another"}))) == []


def test_a_source_that_is_complete_is_filled_until_yesterday() -> None:
    found = of(BETWEEN, filling(until="yesterday", teams=["line-1"]))
    assert filled(found) == [*L1_BETWEEN, "L1 17", "L1 18", "L1 19"]


def test_a_source_that_holds_all_of_the_lookback_is_filled_from_its_beginning() -> None:
    value = filling(**{"from": "lookback"}, teams=["line-1"])
    assert filled(of(BETWEEN, value, looks_at=scope("2026-11-05"))) == ["L1 05", "L1 06", *L1_BETWEEN]
    assert filled(of(BETWEEN, value)) == L1_BETWEEN


def test_without_any_row_a_whole_lookback_is_filled_only_where_the_job_says_that_the_source_is_complete() -> None:
    whole = filling(**{"from": "lookback"}, until="yesterday", teams=["line-1"])
    assert filled(of([], whole, looks_at=scope("2026-11-18"))) == ["L1 18", "L1 19"]
    for part in ({"from": "lookback"}, {"until": "yesterday"}, {}):
        assert filled(of([], filling(**part), looks_at=scope("2026-11-18"))) == []


def test_rows_outside_of_the_lookback_tell_how_far_the_source_reaches() -> None:
    found = of(BETWEEN, looks_at=scope("2026-11-12", "2026-11-13"), team="line-1")
    assert filled(found) == ["L1 12", "L1 13"]


@pytest.mark.parametrize("how", [None, OpenPeriods.SEND])
def test_a_day_that_has_not_ended_is_never_filled(how: OpenPeriods | None) -> None:
    rows = [("2026-11-19", "L1", "cut"), ("2026-11-23", "L2", "planned")]
    assert filled(of(rows, open_periods=how)) == ["L2 19"]


def test_a_week_is_filled_if_it_ended_and_somebody_worked_and_all_of_it_lies_between_the_rows() -> None:
    value = {**filling(), "kpi": "orders"}
    rows = [("2026-10-21", "L1", ""), ("2026-11-15", "L1", "")]  # a Wednesday and a Sunday
    found = of(rows, value, date={"column": "d", "align": True})
    weeks = {"line-1": [43, 46, 44, 45], "line-2": [44, 45, 46]}
    assert [each for each in found.numbers if each.startswith("line-1")] == [
        f"line-1 2026-W{n}" for n in weeks["line-1"]
    ]
    assert [each for each in found.numbers if each.startswith("line-2")] == [
        f"line-2 2026-W{n}" for n in weeks["line-2"]
    ]


# ---------------------------------------------------------------- what keeps a day from being filled


def test_a_day_with_a_row_keeps_its_number() -> None:
    found = of([*BETWEEN, ("2026-11-12", "L1", "cut"), ("2026-11-12", "L1", "cut")], team="line-1")
    assert found.numbers["line-1 2026-11-12"] == "2"
    assert filled(found) == ["L1 10", "L1 13", "L1 14"]


def test_an_empty_cell_is_not_0() -> None:
    value = {**ACCIDENTS, "aggregate": "sum", "column": "n"}
    rows = [("2026-11-09", "L1", "1"), ("2026-11-10", "L1", ""), ("2026-11-12", "L1", "2")]
    found = of(rows, value, team="line-1")
    assert list(found.numbers) == ["line-1 2026-11-09", "line-1 2026-11-12"]


def test_a_zero_that_means_not_entered_yet_is_not_filled_in_either() -> None:
    value = {**ACCIDENTS, "aggregate": "sum", "column": "n", "zero_is_null": True}
    rows = [("2026-11-09", "L1", "1"), ("2026-11-10", "L1", "0"), ("2026-11-12", "L1", "2")]
    assert filled(of(rows, value, team="line-1")) == []


@pytest.mark.parametrize(
    ("row", "others"),
    [
        (("2026-11-10", "L1", "x"), ["L2 10"]),  # the team is known
        (("2026-11-10", "L9", "1"), []),
        (("2026-11-10", "", "1"), []),
    ],
)
def test_a_day_is_not_filled_for_whom_a_rejected_row_may_be_of(row: tuple[str, str, str], others: list[str]) -> None:
    value = {**ACCIDENTS, "aggregate": "sum", "column": "n"}
    found = of([("2026-11-09", "L1", "1"), row, ("2026-11-12", "L1", "2")], value)
    assert len(found.rejects) == 1
    assert filled(found) == ["L2 09", *others, "L2 12"]


def test_nothing_is_filled_where_a_row_may_be_of_any_day() -> None:
    found = of([*BETWEEN, ("12.11.", "L1", "cut")])
    assert filled(found) == []
    assert found.intake.notes == ["fill_missing: nothing is filled, because a row was rejected that may be of any day"]


def test_nothing_is_filled_where_the_reader_rejected_a_row() -> None:
    made, intake = job(), Intake()
    collector = Collector.of(made)
    intake.reject("a.csv:7", "fields", "5 fields for 3 columns")
    for reading in made.readings(table(BETWEEN), intake, collector.presence):
        collector.add(reading, "a.csv")
    assert [value.source for value in collector.values(intake)] == ["a.csv:2", "a.csv:3"]


def test_a_day_that_two_rows_state_is_rejected_and_not_filled() -> None:
    value = {**ACCIDENTS, "aggregate": None, "column": "n"}
    rows = [("2026-11-09", "L1", 1), ("2026-11-10", "L1", 1), ("2026-11-10", "L1", 1), ("2026-11-12", "L1", 1)]
    found = of(rows, value, team="line-1")
    assert [code for _, code in found.codes] == ["duplicate", "duplicate"]
    assert filled(found) == []


def test_what_a_period_comes_to_does_not_follow_from_its_rows_alone() -> None:
    assert not job().periods_stand_alone


# ---------------------------------------------------------------- contradictions


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"aggregate": "mean", "column": "n"}, "a mean or a ratio of no rows is no number"),
        ({"aggregate": "last", "column": "n"}, "fill_missing is for counts, sums and single rows"),
        ({"aggregate": None, "constant": 1}, "fill_missing is for counts, sums and single rows"),
        ({"aggregate": None, "numerator": "a", "denominator": "b"}, "fill_missing is for counts, sums and single rows"),
        ({"kpi": {"column": "k"}}, "fill_missing needs kpi, value and sub_tile by name"),
        ({"value": {"column": "k"}}, "fill_missing needs kpi, value and sub_tile by name"),
        ({"sub_tile": {"column": "k"}}, "fill_missing needs kpi, value and sub_tile by name"),
        ({"fill_missing": {"workdays": "plant-1"}}, "with"),
        ({"fill_missing": {"with": 0}}, "workdays"),
    ],
)
def test_what_means_nothing_together_is_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ValueOptions.model_validate({**ACCIDENTS, **more})


# ---------------------------------------------------------------- against a slow and simple reading of the rules

MONDAY = date(2026, 11, 2)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from(["L1", "L2", "L9"])), max_size=12),
    st.integers(0, 20),
    st.integers(0, 20),
    st.sampled_from(["first_row", "lookback"]),
    st.sampled_from(["last_row", "yesterday"]),
)
def test_every_day_is_stated_once_or_not_at_all(
    events: list[tuple[int, str]], first: int, last: int, since: str, until: str
) -> None:
    looks_at = Scope(TODAY, MONDAY + timedelta(days=first), MONDAY + timedelta(days=last))
    rows = [(MONDAY + timedelta(days=day), team, "") for day, team in events]
    expected = {}
    spoilt = {day for day, team in events if team == "L9" and first <= day <= last}
    days = [day for day, _ in events]
    for day in range(first, last + 1):
        when = MONDAY + timedelta(days=day)
        begun = since == "lookback" or (days and min(days) <= day)
        goes_on = until == "yesterday" or (days and day <= max(days))
        for team in ("L1", "L2") if when < TODAY else ():
            count = events.count((day, team))
            if count or (begun and goes_on and when in PLANT and day not in spoilt):
                expected[when, team] = count
    found = of(rows, filling(**{"from": since}, until=until), looks_at=looks_at)
    teams = {LINE_1: "L1", LINE_2: "L2"}
    assert {(v.key.record.period, teams[v.key.record.team or ""]): v.number for v in found.values} == expected
    assert len(found.values) == len(expected)
