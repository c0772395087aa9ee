"""Readings that count from the beginning of a month or year are taken apart, and nothing is guessed where one lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapping_builders import CATALOG, LOOKUPS, Mapped, mapped, options, scope, table
from pydantic import ValidationError

from kpisync.mapping.apply import Mapper
from kpisync.mapping.catalog_options import CalendarOptions, CatalogOptions
from kpisync.mapping.value_options import ValueOptions
from kpisync.mapping.workdays import Workdays, WorkdaysOptions
from kpisync.model import Catalog, Scope

OUTPUT: dict[str, Any] = {"kpi": "scrap", "value": "actual", "column": "n"}
MTD = {**OUTPUT, "cumulative": "mtd"}
YTD = {**OUTPUT, "cumulative": "ytd"}
LATE = date(2027, 1, 20)
WEEKDAYS = Workdays(WorkdaysOptions(days=["monday", "tuesday", "wednesday", "thursday", "friday"]))
FISCAL = CalendarOptions.model_validate({"start": "october"}).calendar()
BY_WEEKS = CalendarOptions.model_validate({"start": "october", "weeks": "4-4-5", "begins": "nearest"}).calendar()


def job(value: dict[str, Any], looks_at: Scope | None = None, catalog: Catalog = CATALOG, **parts: Any) -> Mapper:
    return Mapper(
        options(value, **parts),
        "board",
        catalog,
        LOOKUPS,
        looks_at or scope(today=LATE),
        workdays={"plant-1": WEEKDAYS},
        calendars={"fiscal": FISCAL, "by-weeks": BY_WEEKS},
    )


def of(
    rows: Iterable[Sequence[object]], value: dict[str, Any] = MTD, looks_at: Scope | None = None, **parts: Any
) -> Mapped:
    """Rows of `d`ate, `t`eam and `n`umber."""
    return mapped(job(value, looks_at, **parts), table(rows))


def in_november(*days: int, value: dict[str, Any] = MTD) -> Mapped:
    """Readings of some days of line 1: 10 on the first one, 20 on the second …"""
    return of([(f"2026-11-{day:02}", "L1", 10 * nth) for nth, day in enumerate(days, start=1)], value)


def allowing(**how: Any) -> dict[str, Any]:
    return {**OUTPUT, "cumulative": {"since": "month", **how}}


# ---------------------------------------------------------------- differences


def test_a_value_is_what_was_added_since_the_reading_before() -> None:
    found = of([("2026-11-01", "L1", "10"), ("2026-11-02", "L1", "25.5"), ("2026-11-03", "L1", "25.5")])
    assert found.numbers == {"line-1 2026-11-01": "10", "line-1 2026-11-02": "15.5", "line-1 2026-11-03": "0"}


def test_readings_begin_again_with_each_month() -> None:
    found = of(
        [("2026-10-30", "L1", 400), ("2026-10-31", "L1", 410), ("2026-11-01", "L1", 7)], allowing(gaps="to_last")
    )
    assert found.numbers == {"line-1 2026-10-30": "400", "line-1 2026-10-31": "10", "line-1 2026-11-01": "7"}


def test_year_to_date_readings_go_on_with_the_month_and_begin_again_with_the_year() -> None:
    days = [date(2026, 1, 1) + timedelta(days=each) for each in range(366)]
    found = of([(day, "L1", day.timetuple().tm_yday) for day in days], YTD)
    assert len(found.values) == 366
    assert {value.number for value in found.values} == {1}


def test_the_order_of_rows_and_files_does_not_matter() -> None:
    one = table([("2026-11-03", "L1", 30), ("2026-11-01", "L1", 10)])
    two = table([("2026-11-02", "L1", 15)], origin="in/b.csv")
    found = mapped(job(MTD), one, two)
    assert found.numbers == {"line-1 2026-11-03": "15", "line-1 2026-11-01": "10", "line-1 2026-11-02": "5"}
    assert found.sources == ["a.csv:2 minus line 2 of b.csv", "a.csv:3", "in/b.csv:2 minus line 3 of a.csv"]


def test_each_team_has_readings_of_its_own() -> None:
    rows = [("2026-11-01", "L1", 10), ("2026-11-01", "L2", 100), ("2026-11-02", "L1", 11), ("2026-11-02", "L2", 300)]
    assert list(of(rows).numbers.values()) == ["10", "100", "1", "200"]


def test_a_reading_that_a_correction_lowered_makes_a_negative_value_and_is_told() -> None:
    found = of([("2026-11-01", "L1", 10), ("2026-11-02", "L1", 8), ("2026-11-03", "L1", 7)])
    assert list(found.numbers.values()) == ["10", "-2", "-1"]
    assert found.intake.notes == ["cumulative: a.csv:3 is lower than line 2, and 1 more are"]


def test_scale_rounding_and_bounds_come_after_the_difference() -> None:
    value = {**MTD, "scale": "0.001", "decimals": 1, "min": 0}
    found = of([("2026-11-01", "L1", 1049), ("2026-11-02", "L1", 2098), ("2026-11-03", "L1", 98)], value)
    assert list(found.numbers.values()) == ["1", "1"]
    assert found.rejects == [
        "a.csv:4 minus line 3 out-of-bounds: -2 is below the smallest number that the job allows (min: 0)"
    ]


@pytest.mark.parametrize(("how", "second"), [("sum", "23"), ("max", "10"), ("last", "3"), ("first", "10")])
def test_rows_of_one_day_are_combined_before_readings_are_taken_apart(how: str, second: str) -> None:
    rows = [("2026-11-01", "L1", 10), ("2026-11-02", "L1", 20), ("2026-11-02", "L1", 13)]
    found = of(rows, {**MTD, "aggregate": how})
    assert list(found.numbers.values()) == ["10", second]


def test_the_parts_of_a_ratio_are_taken_apart_before_they_are_divided() -> None:
    """Scrap of the day by output of the day; the difference of two rates would be another number."""
    value = {"kpi": "scrap", "value": "actual", "numerator": "n", "denominator": "m", "cumulative": "mtd"}
    rows = [("2026-11-01", "L1", 1, 100), ("2026-11-02", "L1", 4, 200), ("2026-11-03", "L1", 4, 200)]
    found = mapped(job(value), table(rows, ("d", "t", "n", "m")))
    assert list(found.numbers.values()) == ["0.01", "0.03"]
    assert found.intake.skipped == {"denominator 0": 1}


# ---------------------------------------------------------------- gaps


def test_a_difference_over_a_day_without_a_reading_is_rejected() -> None:
    found = in_november(1, 2, 5, 6)
    assert found.numbers == {"line-1 2026-11-01": "10", "line-1 2026-11-02": "10", "line-1 2026-11-06": "10"}
    assert found.rejects == [
        "a.csv:4 gap: there is no reading of 2026-11-03, so the first one after 2026-11-02 is of several periods; "
        "add it, or say under cumulative what is no gap (workdays, gaps)"
    ]


def test_a_first_reading_after_the_first_day_is_of_several_days_too() -> None:
    found = in_november(3, 4)
    assert found.numbers == {"line-1 2026-11-04": "10"}
    assert "there is no reading of 2026-11-01, so the first one in its month is of several periods" in found.rejects[0]


def test_a_difference_over_several_days_counts_for_the_last_where_the_job_says_so() -> None:
    found = in_november(3, 6, 7, value=allowing(gaps="to_last"))
    assert found.numbers == {"line-1 2026-11-03": "10", "line-1 2026-11-06": "10", "line-1 2026-11-07": "10"}


def test_days_without_work_need_no_reading() -> None:
    """1 November 2026 is a Sunday; the 7th and 8th are a weekend."""
    found = in_november(2, 3, 4, 5, 6, 9, value=allowing(workdays="plant-1"))
    assert (len(found.values), found.rejects) == (6, [])


def test_a_workday_needs_one() -> None:
    found = in_november(2, 3, 4, 5, 9, value=allowing(workdays="plant-1"))
    assert found.codes == [("a.csv:6", "gap")]
    assert "there is no reading of 2026-11-06" in found.rejects[0]


def test_a_reading_of_a_day_without_work_counts_as_any_other() -> None:
    found = in_november(2, 3, 4, 5, 6, 7, 9, value=allowing(workdays="plant-1"))
    assert found.numbers["line-1 2026-11-07"] == "10"
    assert found.sources[-1] == "a.csv:8 minus line 7"


@pytest.mark.parametrize("gaps", ["reject", "to_last"])
def test_a_reading_that_was_rejected_spoils_the_next_value_and_no_other(gaps: str) -> None:
    rows = [("2026-11-01", "L1", "1"), ("2026-11-02", "L1", "x"), ("2026-11-03", "L1", "3"), ("2026-11-04", "L1", "9")]
    found = of(rows, allowing(gaps=gaps))
    assert found.numbers == {"line-1 2026-11-01": "1", "line-1 2026-11-04": "6"}
    assert found.codes == [("a.csv:3", "bad-number"), ("a.csv:4", "incomplete")]
    assert found.rejects[1].endswith("the reading before it (line 3) was rejected; correct that one")


def test_two_readings_of_one_day_are_rejected_and_spoil_the_next_value() -> None:
    rows = [("2026-11-01", "L1", 1), ("2026-11-02", "L1", 2), ("2026-11-02", "L1", 3), ("2026-11-03", "L1", 4)]
    found = of(rows, allowing(gaps="to_last"))
    assert found.numbers == {"line-1 2026-11-01": "1"}
    assert sorted(found.codes) == [("a.csv:3", "duplicate"), ("a.csv:4", "duplicate"), ("a.csv:5", "incomplete")]


def test_an_empty_reading_is_none() -> None:
    rows = [("2026-11-01", "L1", "1"), ("2026-11-02", "L1", ""), ("2026-11-03", "L1", "3")]
    assert of(rows).codes == [("a.csv:4", "gap")]


# ---------------------------------------------------------------- what is read for it


@pytest.mark.parametrize(
    ("value", "first"), [(OUTPUT, "2026-11-18"), (MTD, "2026-11-01"), (YTD, "2026-01-01"), (allowing(), "2026-11-01")]
)
def test_the_source_is_asked_for_all_back_to_the_beginning(value: dict[str, Any], first: str) -> None:
    assert job(value, scope("2026-11-18", "2026-11-19")).to_read == scope(first, "2026-11-19")


def test_a_fiscal_year_begins_where_its_calendar_says() -> None:
    value = {**OUTPUT, "cumulative": {"since": "year", "calendar": "fiscal"}}
    assert job(value, scope("2026-11-18")).to_read == scope("2026-10-01")
    found = of([("2026-09-30", "L1", 900), ("2026-10-01", "L1", 5), ("2026-10-02", "L1", 9)], value)
    assert (found.numbers, len(found.rejects)) == ({"line-1 2026-10-01": "5", "line-1 2026-10-02": "4"}, 1)


def test_a_fiscal_month_begins_where_its_calendar_says() -> None:
    """The second one of the year that begins on Monday, 28 September 2026."""
    value = allowing(calendar="by-weeks", gaps="to_last")
    found = of([("2026-10-25", "L1", 90), ("2026-10-26", "L1", 5), ("2026-11-01", "L1", 9)], value)
    assert list(found.numbers.values()) == ["90", "5", "4"]


def test_what_lies_before_the_scope_is_read_and_not_stated() -> None:
    rows = [(f"2026-11-{day:02}", "L1", day * day) for day in range(1, 20)]
    found = of(rows, MTD, scope("2026-11-18", today=date(2026, 11, 20)))
    assert found.numbers == {"line-1 2026-11-18": "35", "line-1 2026-11-19": "37"}
    assert found.rejects == []


def test_gaps_before_the_scope_are_nobodys_business() -> None:
    rows = [("2026-11-05", "L1", 1), ("2026-11-17", "L1", 2), ("2026-11-18", "L1", 4)]
    found = of(rows, MTD, scope("2026-11-18", today=date(2026, 11, 20)))
    assert (list(found.numbers.values()), found.rejects) == (["2"], [])


def test_values_beside_it_keep_to_the_scope() -> None:
    made = job(MTD, scope("2026-11-18"))
    beside = ValueOptions.model_validate({"kpi": "scrap", "value": "target", "column": "n"})
    both = made.options.model_copy(update={"values": [*made.options.values, beside]})
    rows = [("2026-11-16", "L1", "4"), ("2026-11-17", "L1", "6"), ("2026-11-18", "L1", "9")]
    looked = Mapper(both, "board", CATALOG, LOOKUPS, scope("2026-11-18"))
    assert mapped(looked, table(rows)).numbers == {"line-1 2026-11-18": "3", "line-1 t1 2026-11-18": "9"}


def test_the_reading_of_an_open_day_is_sent_as_far_as_it_goes() -> None:
    rows = [("2026-11-01", "L1", 1), ("2026-11-02", "L1", 3)]
    today = scope(today=date(2026, 11, 2))
    assert list(of(rows, MTD, today).numbers.values()) == ["1", "2"]
    assert list(of(rows, {**MTD, "aggregate": "sum"}, today).numbers.values()) == ["1"]


def test_the_rows_of_a_period_alone_do_not_decide_what_it_comes_to() -> None:
    assert job(OUTPUT).periods_stand_alone
    assert not job(MTD).periods_stand_alone


# ---------------------------------------------------------------- other periods than days


def kpis(**more: Any) -> Catalog:
    rate = {"id": "r1", "values": {"actual": "a3"}, **more}
    made = {"teams": {"line-1": "l1", "line-2": "l2"}, "kpis": {"rate": rate}}
    return CatalogOptions.model_validate(made).catalog({"fiscal": FISCAL, "by-weeks": BY_WEEKS})


RATE = {"kpi": "rate", "value": "actual", "column": "n", "cumulative": "ytd"}
MONTHS = [("2026-10-01", "L1", 100), ("2026-11-01", "L1", 130), ("2026-12-01", "L1", 190)]


def test_a_month_is_the_difference_of_year_to_date_readings_by_month() -> None:
    rows = [(f"2026-{month:02}-01", "L1", month * month) for month in range(1, 13)]
    found = mapped(job(RATE, catalog=kpis(interval="month")), table(rows))
    assert [str(value.number) for value in found.values] == [str(2 * month - 1) for month in range(1, 13)]


def test_the_last_of_daily_readings_is_that_of_the_month() -> None:
    rows = [("2026-01-30", "L1", 5), ("2026-01-31", "L1", 6), ("2026-02-01", "L1", 6), ("2026-02-28", "L1", 10)]
    made = job({**RATE, "aggregate": "last"}, catalog=kpis(interval="month"), date={"column": "d", "align": True})
    assert [str(value.number) for value in mapped(made, table(rows)).values] == ["6", "4"]


def test_a_month_without_a_reading_is_a_gap_too() -> None:
    found = mapped(job(RATE, catalog=kpis(interval="month")), table(MONTHS))
    assert found.codes == [("a.csv:2", "gap")]
    assert "there is no reading of 2026-01, so the first one in its year is of several periods" in found.rejects[0]


@pytest.mark.parametrize("calendar", ["fiscal", "by-weeks"])
def test_readings_by_fiscal_month_count_from_the_fiscal_year_of_the_kpi(calendar: str) -> None:
    begins = (
        ["2026-10-01", "2026-11-01", "2026-12-01"]
        if calendar == "fiscal"
        else ["2026-09-28", "2026-10-26", "2026-11-23"]
    )
    rows = [(day, "L1", 10**nth) for nth, day in enumerate(begins, start=1)]
    found = mapped(job(RATE, catalog=kpis(interval="month", calendar=calendar)), table(rows))
    assert (found.rejects, [str(value.number) for value in found.values]) == ([], ["10", "90", "900"])


@pytest.mark.parametrize(
    ("interval", "since"),
    [("week", "month"), ("week", "year"), ("month", "month"), ("quarter", "month"), ("year", "year")],
)
def test_a_period_that_is_no_part_of_what_readings_count_from_is_rejected(interval: str, since: str) -> None:
    value = {**RATE, "cumulative": {"since": since}}
    made = job(value, catalog=kpis(interval=interval), date={"column": "d", "align": True})
    found = mapped(made, table([("2026-11-02", "L1", 1)]))
    assert found.rejects == [
        f"a.csv:2 bad-period: a {interval} may lie across the beginning of the {since} that readings count from"
    ]


# ---------------------------------------------------------------- contradictions


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"aggregate": "mean"}, "a mean of readings cannot be taken apart; use sum, last or max"),
        ({"aggregate": "count"}, "a count of readings cannot be taken apart"),
        ({"column": None, "constant": 1}, "constant and fill_missing mean nothing to it"),
        ({"fill_missing": {"with": 0, "workdays": "plant-1"}}, "constant and fill_missing mean nothing to it"),
        ({"cumulative": "month"}, "cumulative"),
    ],
)
def test_what_means_nothing_together_is_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ValueOptions.model_validate({**MTD, **more})


# ---------------------------------------------------------------- against a slow and simple reading of the rules

FIRST = date(2026, 10, 20)
readings = st.dictionaries(
    st.tuples(st.integers(0, 30), st.sampled_from(["L1", "L2"])),
    st.decimals(-(10**9), 10**9, places=3, allow_nan=False),
    max_size=30,
)


@given(readings, st.randoms(), st.sampled_from(["reject", "to_last"]), st.integers(0, 25))
def test_values_are_exact_differences_and_all_that_is_sent_adds_up(
    stated: dict[tuple[int, str], Decimal], dice: Any, gaps: str, skipped: int
) -> None:
    since = FIRST + timedelta(days=skipped)
    expected: dict[tuple[date, str], Fraction] = {}
    for (at, team), number in stated.items():
        day = FIRST + timedelta(days=at)
        earlier = [each for each, other in stated if other == team and each < at]
        before = max((each for each in earlier if (FIRST + timedelta(days=each)).month == day.month), default=None)
        taken = Fraction(stated[before, team]) if before is not None else Fraction(0)
        follows = before == at - 1 or (before is None and day.day == 1)
        if day >= since and (follows or gaps == "to_last"):
            expected[day, team] = Fraction(number) - taken
    rows = [(FIRST + timedelta(days=at), team, number) for (at, team), number in stated.items()]
    dice.shuffle(rows)
    found = of(rows, allowing(gaps=gaps), Scope(LATE, since))
    teams = {id: code for code, name in LOOKUPS["lines"].items() for id in [CATALOG.teams[name]]}
    got = {(v.key.record.period, teams[v.key.record.team or ""]): Fraction(v.number) for v in found.values}
    assert got == expected
    wanted = sum(FIRST + timedelta(days=at) >= since for at, _ in stated)
    assert len(found.rejects) == wanted - len(expected)
