"""Readings → one number per key: aggregated as the job says, or rejected where two rows state one value."""

from __future__ import annotations

import tracemalloc
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_builders import LINE_1, ORDERS, SCRAP, mapped, mapper, of_rows, options, scope, table

from kpisync.mapping.collect import Collector
from kpisync.mapping.numbers import finish
from kpisync.mapping.options import Empty
from kpisync.mapping.value_options import Aggregate, ValueOptions
from kpisync.model import Intake

DAY = "2026-11-19"
HINT = "correct the source, or say in the job how to combine them (aggregate)"
ALIGNED = {"date": {"column": "d", "align": True}}
MONDAY = date(2026, 11, 9)


def aggregated(how: str, cells: list[object], **more: Any) -> dict[str, str]:
    return of_rows([[DAY, "L1", cell] for cell in cells], {**SCRAP, "aggregate": how, **more}).numbers


# ---------------------------------------------------------------- duplicates


def test_two_rows_for_one_value_are_both_rejected_each_naming_the_other() -> None:
    found = of_rows([[DAY, "L1", "1"], [DAY, "L2", "5"], [DAY, "L1", "2"]])
    assert found.numbers == {f"line-2 {DAY}": "5"}
    assert found.rejects == [
        f"a.csv:2 duplicate: the same value also stands in a.csv:4; {HINT}",
        f"a.csv:4 duplicate: the same value also stands in a.csv:2; {HINT}",
    ]


def test_equal_numbers_are_duplicates_too() -> None:
    assert of_rows([[DAY, "L1", "1"], [DAY, "L1", "1.0"]]).codes == [("a.csv:2", "duplicate"), ("a.csv:3", "duplicate")]


def test_duplicates_are_found_across_files() -> None:
    one, two = table([[DAY, "L1", "1"]], origin="a.csv"), table([[DAY, "L1", "2"]], origin="b.csv")
    assert mapped(mapper(options()), one, two).rejects == [
        f"a.csv:2 duplicate: the same value also stands in b.csv:2; {HINT}",
        f"b.csv:2 duplicate: the same value also stands in a.csv:2; {HINT}",
    ]


def test_of_many_duplicates_each_names_three_and_counts_the_rest() -> None:
    found = of_rows([[DAY, "L1", str(number)] for number in range(6)])
    assert found.codes == [(f"a.csv:{line}", "duplicate") for line in range(2, 8)]
    said = [reject.partition("stands in ")[2].partition(";")[0] for reject in found.rejects]
    assert said == [
        "a.csv:3, a.csv:4, a.csv:5 and 2 more rows",
        "a.csv:2, a.csv:4, a.csv:5 and 2 more rows",
        "a.csv:2, a.csv:3, a.csv:5 and 2 more rows",
        "a.csv:2, a.csv:3, a.csv:4 and 2 more rows",
        "a.csv:2, a.csv:3, a.csv:4 and 2 more rows",
        "a.csv:2, a.csv:3, a.csv:4 and 2 more rows",
    ]


def test_of_five_duplicates_each_names_three_and_one_more() -> None:
    assert "stands in a.csv:2, a.csv:3, a.csv:4 and 1 more row;" in of_rows([[DAY, "L1", "1"]] * 5).rejects[4]


def test_a_row_for_a_value_that_another_row_left_unreadable_is_a_duplicate() -> None:
    found = of_rows([[DAY, "L1", "x"], [DAY, "L1", "2"]])
    assert found.values == []
    assert found.codes == [("a.csv:2", "bad-number"), ("a.csv:2", "duplicate"), ("a.csv:3", "duplicate")]


def test_two_days_of_one_week_are_duplicates_where_nothing_combines_them() -> None:
    found = of_rows([["2026-11-09", "L1", "1"], ["2026-11-10", "L1", "2"]], ORDERS, **ALIGNED)
    assert found.codes == [("a.csv:2", "duplicate"), ("a.csv:3", "duplicate")]


def test_two_entries_of_the_map_for_one_value_are_duplicates_even_where_they_aggregate() -> None:
    summed = {**SCRAP, "aggregate": "sum"}
    found = of_rows([[DAY, "L1", "1"], [DAY, "L1", "2"]], summed, {**summed, "team": LINE_1})
    assert found.values == []
    assert found.codes == [("a.csv:2,3", "duplicate"), ("a.csv:2", "duplicate"), ("a.csv:3", "duplicate")]


def test_a_constant_that_several_rows_state_is_one_value() -> None:
    constant = {"kpi": "scrap", "value": "target", "constant": 2.5}
    found = of_rows([[DAY, "L1", "1"], [DAY, "L1", ""], [DAY, "L1", ""]], SCRAP, constant)
    assert found.numbers == {f"line-1 {DAY}": "1", f"line-1 t1 {DAY}": "2.5"}
    assert found.rejects == []
    assert found.sources == ["a.csv:2", "a.csv:2"]


def test_a_constant_and_a_cell_for_one_value_are_duplicates() -> None:
    found = of_rows([[DAY, "L1", "1"]], SCRAP, {"kpi": "scrap", "value": "actual", "constant": 1, "team": LINE_1})
    assert found.codes == [("a.csv:2", "duplicate"), ("a.csv:2", "duplicate")]


# ---------------------------------------------------------------- aggregates


@pytest.mark.parametrize(
    ("how", "cells", "more", "number"),
    [
        ("sum", ["1", "2.5", "-4"], {}, "-0.5"),
        ("sum", ["1", "", "2"], {}, "3"),
        ("sum", ["0.1"] * 10, {}, "1"),
        ("mean", ["1", "2"], {}, "1.5"),
        ("mean", ["1", "1", "2"], {}, "1.333333"),
        ("mean", ["-1", "-1", "-2"], {"decimals": 2}, "-1.33"),
        ("mean", ["1", "", "2"], {}, "1.5"),
        ("mean", ["1", "0", "0"], {"scale": 3}, "1"),
        ("mean", ["1", "0", "0"], {"scale": "1.5", "decimals": 0}, "1"),
        ("mean", ["7"], {}, "7"),
        ("min", ["2", "-3", "1"], {}, "-3"),
        ("max", ["2", "-3", "1"], {"scale": -1}, "-2"),
        ("first", ["2", "-3", "1"], {}, "2"),
        ("last", ["2", "-3", "1"], {}, "1"),
        ("count", ["2", "", "x", "0"], {}, "3"),
        ("count", ["2", "2"], {"scale": 100}, "200"),
        ("sum", ["06:00", "06:20"], {"as": "minutes"}, "740"),
        ("sum", ["00:00:50"] * 3, {"as": "minutes", "decimals": 0}, "3"),
        ("mean", ["06:00", "06:00:01"], {"as": "minutes"}, "360.008333"),
        ("max", ["06:00", "23:59"], {"as": "minutes"}, "1439"),
        ("sum", ["1e18", "1e-15", "-1e18"], {}, "0.000000000000001"),
    ],
)
def test_rows_of_one_period_are_combined_as_the_job_says(
    how: str, cells: list[object], more: dict[str, Any], number: str
) -> None:
    assert aggregated(how, cells, **more) == {f"line-1 {DAY}": number}


def test_a_count_without_a_column_counts_rows() -> None:
    found = of_rows([[DAY, "L1", ""], [DAY, "L1", "x"]], {"kpi": "scrap", "value": "actual", "aggregate": "count"})
    assert found.numbers == {f"line-1 {DAY}": "2"}


def test_where_nothing_is_counted_nothing_is_stated() -> None:
    assert aggregated("count", ["", ""]) == {}
    assert aggregated("sum", ["", ""]) == {}


@pytest.mark.parametrize(
    ("how", "number", "source"),
    [("first", "3", "a.csv:4 (+4 rows)"), ("last", "5", "a.csv:6 (+4 rows)"), ("max", "5", "a.csv:6 (+4 rows)")],
)
def test_first_and_last_go_by_date_and_then_by_the_order_of_rows(how: str, number: str, source: str) -> None:
    days = ["2026-11-11", "2026-11-13", "2026-11-09", "2026-11-09", "2026-11-13"]
    rows = [[day, "L1", str(nth)] for nth, day in enumerate(days, start=1)]
    found = of_rows(rows, {**ORDERS, "aggregate": how}, **ALIGNED)
    assert found.numbers == {"line-1 2026-W46": number}
    assert found.sources == [source]


def test_an_aggregate_goes_across_files_and_names_the_rows_of_the_first() -> None:
    one, two = table([[DAY, "L1", "1"], [DAY, "L1", "2"]]), table([[DAY, "L1", "4"]], origin="b.csv")
    found = mapped(mapper(options({**SCRAP, "aggregate": "sum"})), one, two)
    assert found.numbers == {f"line-1 {DAY}": "7"}
    assert found.sources == ["a.csv:2,3 (+1 row)"]


def test_the_source_of_an_aggregate_names_five_rows_and_counts_the_rest() -> None:
    found = of_rows([[DAY, "L1", "1"]] * 7, {**SCRAP, "aggregate": "sum"})
    assert found.sources == ["a.csv:2,3,4,5,6 (+2 rows)"]


@pytest.mark.parametrize("how", [each for each in Aggregate if each is not Aggregate.COUNT])
@pytest.mark.parametrize("cells", [["x", "1", "2"], ["1", "x", "2"], ["1", "2", "x"]])
def test_an_aggregate_that_lacks_a_rejected_row_is_not_sent(how: Aggregate, cells: list[str]) -> None:
    found = of_rows([[DAY, "L1", cell] for cell in cells], {**SCRAP, "aggregate": how})
    assert found.values == []
    assert [code for _, code in found.codes] == ["bad-number", "incomplete"]
    assert found.rejects[-1].endswith(
        f" incomplete: the {how} of 3 rows is not sent, because 1 of them was rejected; correct what was rejected"
    )


def test_an_aggregate_of_rejected_rows_alone_says_how_many_they_are() -> None:
    found = of_rows([[DAY, "L1", "x"], [DAY, "L1", "y"]], {**SCRAP, "aggregate": "sum"})
    assert found.rejects[-1] == (
        "a.csv:2,3 incomplete: the sum of 2 rows is not sent, because 2 of them were rejected; "
        "correct what was rejected"
    )
    alone = of_rows([[DAY, "L1", "x"]], {**SCRAP, "aggregate": "sum"})
    assert alone.codes == [("a.csv:2", "bad-number")]


def test_an_empty_cell_that_is_rejected_makes_its_aggregate_incomplete() -> None:
    made = mapper(options({**SCRAP, "aggregate": "count", "column": "n"}), empty=Empty.REJECT)
    found = mapped(made, table([[DAY, "L1", "1"], [DAY, "L1", ""]]))
    assert found.values == []
    assert [code for _, code in found.codes] == ["empty", "incomplete"]


def test_days_that_may_not_be_moved_make_the_aggregate_of_their_week_incomplete() -> None:
    found = of_rows([["2026-11-09", "L1", "1"], ["2026-11-10", "L1", "2"]], {**ORDERS, "aggregate": "sum"})
    assert found.values == []
    assert found.codes == [("a.csv:3", "not-aligned"), ("a.csv:2,3", "incomplete")]


def test_a_day_that_may_not_be_moved_does_not_spoil_the_row_that_states_the_week() -> None:
    found = of_rows([["2026-11-09", "L1", "1"], ["2026-11-10", "L1", "2"]], ORDERS)
    assert found.numbers == {"line-1 2026-W46": "1"}
    assert found.codes == [("a.csv:3", "not-aligned")]


def test_a_sum_too_large_to_send_is_rejected() -> None:
    found = of_rows([[DAY, "L1", "9" * 34], [DAY, "L1", "1"]], {**SCRAP, "aggregate": "sum"})
    assert found.rejects == [
        "a.csv:2,3 bad-number: the number to send has more than 34 digits before the decimal point"
    ]


def test_values_come_in_the_order_of_their_first_rows() -> None:
    rows = [[DAY, "L2", "1"], ["2026-11-18", "L1", "1"], [DAY, "L1", "1"], [DAY, "L2", "1"]]
    found = of_rows(rows, {**SCRAP, "aggregate": "sum"})
    assert list(found.numbers) == [f"line-2 {DAY}", "line-1 2026-11-18", f"line-1 {DAY}"]


# ---------------------------------------------------------------- against a slow and simple reading of the rules

cells = st.decimals(-(10**20), 10**20, allow_nan=False, allow_infinity=False, places=4) | st.decimals(
    -100, 100, allow_nan=False, places=1
)
rows_of_a_month = st.lists(
    st.tuples(st.integers(0, 27), st.sampled_from(["L1", "L2"]), cells | st.none()), min_size=1, max_size=40
)


def rounded(exact: Fraction, decimals: int) -> Fraction:
    """Half away from zero."""
    whole, rest = divmod(abs(exact) * 10**decimals, 1)
    away = whole + (rest >= Fraction(1, 2))
    return Fraction(away if exact >= 0 else -away, 10**decimals)


def combined(how: Aggregate, found: list[tuple[int, int, Fraction]]) -> Fraction:
    """`found` are day, row and number."""
    numbers = [number for _, _, number in found]
    match how:
        case Aggregate.SUM:
            return sum(numbers, Fraction(0))
        case Aggregate.MEAN:
            return sum(numbers, Fraction(0)) / len(numbers)
        case Aggregate.MIN:
            return min(numbers)
        case Aggregate.MAX:
            return max(numbers)
        case Aggregate.COUNT:
            return Fraction(len(numbers))
        case Aggregate.FIRST:
            return min(found)[2]
        case Aggregate.LAST:
            return max(found)[2]


@given(
    rows_of_a_month,
    st.sampled_from(Aggregate),
    st.sampled_from(["1", "-1", "100", "0.015", "3"]),
    st.none() | st.integers(0, 12),
)
@settings(deadline=None)
def test_every_aggregate_is_exact_and_rounded_once(
    rows: list[tuple[int, str, Decimal | None]], how: Aggregate, scale: str, decimals: int | None
) -> None:
    value = {**ORDERS, "aggregate": how, "scale": scale, "decimals": decimals}
    made = mapper(options(value, **ALIGNED), scope(today=date(2027, 1, 1)))
    lines = [[str(MONDAY + timedelta(days=day)), team, number] for day, team, number in rows]
    expected: dict[tuple[date, str], list[tuple[int, int, Fraction]]] = {}
    for at, (day, team, number) in enumerate(rows):
        if number is not None:
            week = MONDAY + timedelta(days=day - day % 7)
            expected.setdefault((week, team), []).append((day, at, Fraction(number)))
    found = mapped(made, table(lines))
    assert found.rejects == []
    places = 6 if decimals is None and how is Aggregate.MEAN else decimals
    wanted = {}
    for (week, team), some in expected.items():
        exact = combined(how, some) * Fraction(scale)
        wanted[week, team] = exact if places is None else rounded(exact, places)
    teams = {LINE_1: "L1"}
    assert {
        (value.key.record.period, teams.get(value.key.record.team or "", "L2")): Fraction(value.number)
        for value in found.values
    } == wanted


@given(st.lists(st.decimals(-(10**30), 10**30, allow_nan=False, places=3), min_size=1, max_size=12), st.randoms())
def test_no_order_of_rows_changes_a_sum_or_a_mean(numbers: list[Decimal], random: Any) -> None:
    for how in ("sum", "mean"):
        once = aggregated(how, [*numbers])
        random.shuffle(numbers)
        assert aggregated(how, [*numbers]) == once


@given(st.decimals(-(10**12), 10**12, allow_nan=False, places=9), st.integers(0, 12))
def test_what_is_sent_has_no_factor_of_ten_no_trailing_zero_and_no_minus_before_zero(
    number: Decimal, decimals: int
) -> None:
    sent = f"{finish(number, 1, ValueOptions(kpi='k', value='v', column='n', decimals=decimals))}"
    assert "E+" not in sent
    assert sent != "-0"
    assert "." not in sent or not sent.endswith(("0", "."))
    assert Fraction(sent) == rounded(Fraction(number), decimals)


# ---------------------------------------------------------------- size


def test_a_value_needs_few_bytes() -> None:
    """About 450 at the peak with what the model keeps of it; a second copy of every value would show."""
    count = 20_000
    made = mapper(options())
    rows = ([(date(2020, 1, 1) + timedelta(days=at // 2)), f"L{at % 2 + 1}", at + 0.5] for at in range(count))
    collector, intake = Collector(made.options.values), Intake()
    tracemalloc.start()
    try:
        for reading in made.readings(table(rows), intake):
            collector.add(reading, "exports/scrap_11.csv")
        values = collector.values(intake)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(values) == count
    assert peak / count < 650


def test_a_collector_gives_its_values_once() -> None:
    made, intake = mapper(options()), Intake()
    collector = Collector(made.options.values)
    for reading in made.readings(table([[DAY, "L1", "1"]]), intake):
        collector.add(reading, "a.csv")
    assert len(collector.values(intake)) == 1
    assert collector.values(intake) == []
