"""Rows → readings: what is read, what is left alone, and what is rejected with which words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from mapping_builders import (
    CATALOG,
    LINE_1,
    LINE_2,
    ORDERS,
    SCRAP,
    TODAY,
    mapped,
    mapper,
    of_rows,
    options,
    scope,
    table,
)

from kpisync.mapping.options import Empty, OpenPeriods
from kpisync.model import Interval, NumberFormat, RecordKey, Rhythm

DAY = "2026-11-20"
MINUTES = {**SCRAP, "as": "minutes"}
COUNT = {"kpi": "scrap", "value": "actual", "aggregate": "count"}
TARGET = {"kpi": "scrap", "value": "target", "constant": 2.5}
THREE = {Rhythm(Interval.DAY), Rhythm(Interval.WEEK), Rhythm(Interval.MONTH)}


# ---------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("", "no-date: column d is empty, so the period is unknown"),
        (None, "no-date: column d is empty, so the period is unknown"),
        (
            "20.11.2026",
            "bad-date: column d: '20.11.2026' is not a date such as 2026-11-20; give the date's format",
        ),
        (
            ["2026-11-20"],
            "bad-date: column d: '['2026-11-20']' is not a date such as 2026-11-20; give the date's format",
        ),
    ],
)
def test_a_row_without_a_date_is_rejected(cell: object, said: str) -> None:
    found = of_rows([[cell, "L1", "1"]], SCRAP, TARGET)
    assert found.values == []
    assert found.rejects == [f"a.csv:2 {said}"]


def test_a_moment_is_not_mistaken_for_the_day_that_it_equals() -> None:
    rows = [[datetime(2026, 11, 19, 1, tzinfo=UTC), "L1", "1"], [datetime.fromisoformat("2026-11-19"), "L1", "2"]]
    found = of_rows([*rows, [date(2026, 11, 18), "L1", "3"]])
    assert found.numbers == {"line-1 2026-11-19": "2", "line-1 2026-11-18": "3"}
    assert found.codes == [("a.csv:2", "bad-date")]


def test_a_day_inside_its_week_is_rejected_unless_it_may_be_moved() -> None:
    rows = [["2026-11-11", "L1", "1"]]
    assert of_rows(rows, ORDERS).rejects == [
        "a.csv:2 not-aligned: 2026-11-11 is not the first day of its week (2026-W46 starts on 2026-11-09); "
        "correct it, or set align: true under map.date"
    ]
    assert of_rows(rows, ORDERS, date={"column": "d", "align": True}).numbers == {"line-1 2026-W46": "1"}


def test_an_aligned_week_belongs_to_its_iso_year() -> None:
    rows = [["2027-01-03", "L1", "1"], ["2024-12-30", "L1", "2"], ["2020-02-29", "L1", "3"]]
    found = of_rows(rows, ORDERS, date={"column": "d", "align": True})
    assert found.numbers == {"line-1 2026-W53": "1", "line-1 2025-W01": "2", "line-1 2020-W09": "3"}


def test_one_row_may_state_values_of_several_intervals() -> None:
    rate = {"kpi": "rate", "value": "actual", "column": "n"}
    found = of_rows([["2026-06-01", "L1", "7"]], SCRAP, ORDERS, rate)
    assert found.numbers == {"line-1 2026-06-01": "7", "line-1 2026-W23": "7", "line-1 2026-06": "7"}
    assert mapper(options(SCRAP, ORDERS, rate)).rhythms() == THREE


def test_a_kpi_from_a_column_may_have_any_interval_of_the_catalog() -> None:
    long = {"kpi": {"column": "k"}, "value": "actual", "column": "n"}
    assert mapper(options(long)).rhythms() == THREE


# ---------------------------------------------------------------- scope


def test_a_row_outside_of_the_scope_is_left_alone_whatever_is_wrong_with_it() -> None:
    rows = [["2026-11-01", "L9", "x"], ["2026-11-30", "", ""], ["2026-11-11", "L1", "5"]]
    found = mapped(mapper(options(), scope("2026-11-10", "2026-11-12")), table(rows))
    assert found.numbers == {"line-1 2026-11-11": "5"}
    assert found.rejects == []


def test_a_period_that_the_scope_touches_is_taken_whole() -> None:
    made = options({**ORDERS, "aggregate": "sum"}, SCRAP, date={"column": "d", "align": True})
    rows = [[f"2026-11-{day:02}", "L1", "1"] for day in range(1, 16)]
    found = mapped(mapper(made, scope("2026-11-05", "2026-11-10")), table(rows))
    weeks = {name: number for name, number in found.numbers.items() if "W" in name}
    assert weeks == {"line-1 2026-W45": "7", "line-1 2026-W46": "7"}
    assert len(found.numbers) - len(weeks) == 6  # days of a daily KPI are not widened


def test_a_row_of_an_unknown_kpi_is_rejected_where_any_period_of_the_run_may_hold_it() -> None:
    long = options({"kpi": {"column": "k"}, "value": "actual", "column": "n"}, team=LINE_1)
    rows = [["2026-11-09", "ordrs", "1"], ["2026-10-31", "ordrs", "1"]]
    found = mapped(mapper(long, scope("2026-11-11")), table(rows, ("d", "k", "n")))
    assert found.codes == [("a.csv:2", "unknown-kpi")]


def test_what_a_filter_leaves_out_makes_no_rejects() -> None:
    rows = [[DAY, "L1", "x"], [DAY, "L2", "2"], ["2026-11-16", "L9", "1"]]
    only_team = mapped(mapper(options(), teams=frozenset({LINE_2})), table(rows))
    assert only_team.numbers == {f"line-2 {DAY}": "2"}
    assert only_team.codes == [("a.csv:4", "unknown-team")]  # it may be the one that was asked for
    only_kpi = mapped(mapper(options(), kpis=frozenset({"o1"})), table(rows))
    assert (only_kpi.values, only_kpi.rejects) == ([], [])


# ---------------------------------------------------------------- open periods


def test_an_open_period_is_sent_but_not_an_aggregate_of_it() -> None:
    rows = [["2026-11-19", "L1", "1"], [DAY, "L1", "2"], ["2026-11-21", "L1", "3"]]
    assert of_rows(rows).numbers == {"line-1 2026-11-19": "1", f"line-1 {DAY}": "2", "line-1 2026-11-21": "3"}
    assert of_rows(rows, {**SCRAP, "aggregate": "sum"}).numbers == {"line-1 2026-11-19": "1"}


@pytest.mark.parametrize(("choice", "sent"), [(OpenPeriods.SEND, 2), (OpenPeriods.SKIP, 1)])
def test_a_job_decides_about_open_periods(choice: OpenPeriods, sent: int) -> None:
    rows = [["2026-11-09", "L1", "1"], ["2026-11-16", "L1", "2"]]
    for value in (ORDERS, {**ORDERS, "aggregate": "max"}):
        assert len(mapped(mapper(options(value), open_periods=choice), table(rows)).values) == sent


def test_rows_of_a_skipped_open_period_are_left_alone_whatever_is_wrong_with_them() -> None:
    found = of_rows([[DAY, "L9", "x"]], {**SCRAP, "aggregate": "sum"})
    assert (found.values, found.rejects) == ([], [])


def test_in_an_open_period_the_other_values_of_the_row_are_sent() -> None:
    found = of_rows([[DAY, "L1", "1"]], {**SCRAP, "aggregate": "sum"}, TARGET)
    assert found.numbers == {f"line-1 t1 {DAY}": "2.5"}


@pytest.mark.parametrize(
    ("period", "kpi", "value", "covered"),
    [
        ("2026-11-19", "scrap", SCRAP, True),
        (DAY, "scrap", SCRAP, True),
        (DAY, "scrap", {**SCRAP, "aggregate": "sum"}, False),
        ("2026-11-19", "scrap", {**SCRAP, "aggregate": "sum"}, True),
        ("2026-11-01", "scrap", SCRAP, False),
        ("2026-11-09", "orders", ORDERS, True),
        ("2026-11-02", "orders", ORDERS, False),
        ("2026-11-10", "unlisted", SCRAP, True),
    ],
)
def test_a_run_covers_what_the_source_should_have_stated(
    period: str, kpi: str, value: dict[str, Any], covered: bool
) -> None:
    id = CATALOG.kpis[kpi].id if kpi in CATALOG.kpis else kpi
    key = RecordKey("board", id, LINE_1, None, date.fromisoformat(period))
    assert mapper(options(value), scope("2026-11-10")).covers(key) is covered


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("cell", "value", "number"),
    [
        ("1.50", {}, "1.5"),
        ("100", {}, "100"),
        ("-0", {}, "0"),
        ("0", {}, "0"),
        ("11762.078000000001", {}, "11762.078000000001"),
        (0.1, {}, "0.1"),
        (Decimal("1E+3"), {}, "1000"),
        (b"1.25", {}, "1.25"),
        ("0.98", {"scale": 100}, "98"),
        ("5", {"scale": -1}, "-5"),
        ("0", {"scale": -1}, "0"),
        ("2.5", {"decimals": 0}, "3"),
        ("-2.5", {"decimals": 0}, "-3"),
        ("2.45", {"decimals": 1}, "2.5"),
        ("-2.45", {"decimals": 1}, "-2.5"),
        ("2.4499", {"decimals": 1}, "2.4"),
        ("-0.04", {"decimals": 1}, "0"),
        ("149", {"decimals": 0, "scale": "0.01"}, "1"),
        ("7", {"decimals": 2}, "7"),
        ("1234567890123456789012345678901234", {}, "1234567890123456789012345678901234"),
        ("123456789012345678901234567890123", {"scale": 10}, "1234567890123456789012345678901230"),
        ("12345678901234567890123456789012.5", {}, "12345678901234567890123456789012.5"),
    ],
)
def test_a_number_is_scaled_and_then_rounded_half_away_from_zero(
    cell: object, value: dict[str, Any], number: str
) -> None:
    assert of_rows([[DAY, "L1", cell]], {**SCRAP, **value}).numbers == {f"line-1 {DAY}": number}


@pytest.mark.parametrize(
    ("cell", "value", "number"),
    [
        ("14:43", {}, "883"),
        ("0:00", {}, "0"),
        ("14:43:20", {}, "883.333333"),
        ("14:43:30", {"decimals": 0}, "884"),
        ("14:43:20", {"scale": 60}, "53000"),
    ],
)
def test_a_time_of_day_is_sent_as_minutes(cell: str, value: dict[str, Any], number: str) -> None:
    assert of_rows([[DAY, "L1", cell]], {**MINUTES, **value}).numbers == {f"line-1 {DAY}": number}


def test_a_cell_that_is_no_number_is_rejected_and_the_rest_of_the_row_is_sent() -> None:
    found = of_rows([[DAY, "L1", "n/a"]], SCRAP, TARGET)
    assert found.numbers == {f"line-1 t1 {DAY}": "2.5"}
    assert found.rejects == [
        "a.csv:2 bad-number: column n: 'n/a' is not a number; if it means no value, declare it under null"
    ]


def test_a_cell_that_is_no_time_is_rejected() -> None:
    found = of_rows([[DAY, "L1", "25:00"]], MINUTES)
    assert found.rejects == ["a.csv:2 bad-number: column n: '25:00' is not a time of day such as 14:43"]


@pytest.mark.parametrize(
    ("cells", "value", "said"),
    [
        (["1" + "0" * 33], {"scale": 10}, "the number to send has more than 34 digits before the decimal point"),
        (["1" + "0" * 32 + "1"], {"scale": "1.1"}, "the number to send has more than 34 digits; set decimals"),
    ],
)
def test_a_number_beyond_what_can_be_sent_is_rejected(cells: list[str], value: dict[str, Any], said: str) -> None:
    found = of_rows([[DAY, "L1", cell] for cell in cells], {**SCRAP, **value})
    assert found.rejects == [f"a.csv:2 bad-number: {said}"]
    assert found.values == []


@pytest.mark.parametrize("cell", ["", "  ", None, "-", "#N/A", b"", b" - "])
@pytest.mark.parametrize("value", [SCRAP, MINUTES, {**COUNT, "column": "n"}])
def test_an_empty_cell_is_no_statement(cell: object, value: dict[str, Any]) -> None:
    nulls = NumberFormat(nulls=frozenset({"", "-", "#N/A"}))
    made = mapper(options(value))
    found = mapped(made, table([["2026-11-19", "L1", cell]], numbers=nulls))
    assert (found.values, found.rejects) == ([], [])


def test_an_empty_cell_is_a_reject_where_the_job_says_so() -> None:
    found = mapped(mapper(options(), empty=Empty.REJECT), table([[DAY, "L1", ""]]))
    assert found.values == []
    assert found.rejects == ["a.csv:2 empty: column n is empty, and the job says empty: reject"]


def test_a_column_may_have_its_own_number_format() -> None:
    own = table([[DAY, "L1", "1,5"]])
    german = type(own)(own.origin, own.columns, own.rows, own.numbers, {"n": NumberFormat(",", ".")})
    assert mapped(mapper(options()), german).numbers == {f"line-1 {DAY}": "1.5"}


def test_the_source_of_a_value_is_its_line() -> None:
    found = of_rows([[DAY, "L1", "1"], [DAY, "L2", "2"]])
    assert found.sources == ["a.csv:2", "a.csv:3"]


def test_values_of_one_record_share_its_key() -> None:
    one, other = of_rows([[DAY, "L1", "1"]], SCRAP, TARGET).values
    assert one.key.record is other.key.record


def test_today_is_what_the_scope_says() -> None:
    later = scope(today=date(2026, 11, 23))
    found = mapped(mapper(options({**SCRAP, "aggregate": "sum"}), later), table([[str(TODAY), "L1", "2"]]))
    assert found.numbers == {f"line-1 {DAY}": "2"}
