"""Records are grouped into windows that the platform answers in one request a team."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valuestreamer_board import key

from kpisync.destinations.valuestreamer.destination import SPEC
from kpisync.destinations.valuestreamer.options import ValueStreamerOptions
from kpisync.mapping.periods import period_start
from kpisync.model import Catalog, CatalogKpi, Interval, RecordKey
from kpisync.ports import Surroundings, Window

IDS = {interval: f"c3ba32c2-a13a-0000-0000-00000000000{n}" for n, interval in enumerate(Interval)}
CATALOG = Catalog(kpis={interval: CatalogKpi(interval, id, interval) for interval, id in IDS.items()})
DESTINATION = SPEC.build(
    ValueStreamerOptions.model_validate({"url": "https://board.example", "username": "a", "password": "b"}),
    Surroundings("board", CATALOG),
)


def windows(interval: Interval, *days: date | str) -> list[Window]:
    return DESTINATION.windows([key(str(day), kpi=IDS[interval]) for day in days])


def spans(interval: Interval, *days: date | str) -> list[tuple[str, str]]:
    return [(str(window.first), str(window.last)) for window in windows(interval, *days)]


def months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


@given(st.sampled_from(Interval), st.lists(st.dates(date(1990, 1, 1), date(2090, 12, 31)), max_size=60))
def test_every_key_is_in_exactly_one_window_that_is_small_enough(interval: Interval, days: list[date]) -> None:
    keys = {key(str(period_start(day, interval)), kpi=IDS[interval]) for day in days}
    found = DESTINATION.windows(keys)
    assert sorted(each for window in found for each in window.keys) == sorted(keys)
    for window in found:
        assert (window.first, window.last) == (
            min(each.period for each in window.keys),
            max(each.period for each in window.keys),
        )
        if interval is Interval.DAY:
            assert (window.last - window.first).days < 31
        else:
            assert window.last < months_later(window.first, 5)


def test_31_days_are_one_window_and_the_32nd_begins_another() -> None:
    first = date(2026, 12, 15)
    days = [first + timedelta(n) for n in range(32)]
    assert spans(Interval.DAY, *days) == [("2026-12-15", "2027-01-14"), ("2027-01-15", "2027-01-15")]


def test_a_leap_day_counts_as_a_day() -> None:
    days = [date(2028, 2, 1) + timedelta(n) for n in range(31)]
    assert spans(Interval.DAY, *days) == [("2028-02-01", "2028-03-02")]


def test_months_are_read_five_at_a_time_across_the_end_of_the_year() -> None:
    days = ["2026-10-01", "2026-11-01", "2026-12-01", "2027-01-01", "2027-02-01", "2027-03-01"]
    assert spans(Interval.MONTH, *days) == [("2026-10-01", "2027-02-01"), ("2027-03-01", "2027-03-01")]


def test_weeks_are_read_five_months_at_most() -> None:
    mondays = [date(2026, 8, 3) + timedelta(weeks=n) for n in range(30)]
    assert spans(Interval.WEEK, *mondays) == [("2026-08-03", "2026-12-28"), ("2027-01-04", "2027-02-22")]


def test_quarters_and_years_are_read_as_far_as_five_months_go() -> None:
    assert spans(Interval.QUARTER, "2026-01-01", "2026-04-01", "2026-07-01") == [
        ("2026-01-01", "2026-04-01"),
        ("2026-07-01", "2026-07-01"),
    ]
    assert spans(Interval.YEAR, "2026-01-01", "2027-01-01") == [
        ("2026-01-01", "2026-01-01"),
        ("2027-01-01", "2027-01-01"),
    ]


@pytest.mark.parametrize("interval", Interval)
def test_the_last_days_that_there_are_can_be_read(interval: Interval) -> None:
    assert spans(interval, "9999-12-01", "9999-12-31")[-1][1] == "9999-12-31"


def test_a_window_holds_one_kpi_and_all_its_teams_and_sub_tiles() -> None:
    keys = [
        RecordKey("board", kpi, team, sub_tile, date(2026, 11, 20))
        for kpi in (IDS[Interval.DAY], IDS[Interval.WEEK])
        for team in ("a", "b")
        for sub_tile in (None, "c")
    ]
    found = DESTINATION.windows(keys)
    assert {window.kpi: len(window.keys) for window in found} == {IDS[Interval.DAY]: 4, IDS[Interval.WEEK]: 4}
    assert all(each.kpi == window.kpi for window in found for each in window.keys)


def test_a_kpi_that_the_catalog_does_not_list_is_a_daily_one() -> None:
    found = DESTINATION.windows([key("2026-11-01", kpi="x"), key("2026-12-02", kpi="x")])
    assert len(found) == 2


def test_of_no_keys_there_are_no_windows() -> None:
    assert DESTINATION.windows([]) == []
