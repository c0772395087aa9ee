"""Cells → the plant's day: zones, days that start late, changes of the clock, and the cells beside a date."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapping_builders import SCRAP, mapped, mapper, options, scope, table
from pydantic import ValidationError

from kpisync.mapping.date_options import DateOptions
from kpisync.mapping.days import Days
from kpisync.mapping.keys import Misfit

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe", "America/Santiago")
ZONES += ("Africa/Cairo", "Asia/Kathmandu", "Pacific/Apia", "UTC")
zones = st.sampled_from([ZoneInfo(name) for name in ZONES])
instants = st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def days(plant: str = "Europe/Berlin", **said: Any) -> Days:
    return Days(DateOptions.model_validate({"column": "d", **said}), ZoneInfo(plant))


def day(cell: object, plant: str = "Europe/Berlin", **said: Any) -> str:
    """The day as text, or the code and reason of the reject."""
    found = days(plant, **said).day(cell)
    return f"{found.code}: {found.reason}" if isinstance(found, Misfit) else found.isoformat()


def of_pair(date_cell: object, other: object, **said: Any) -> str:
    cells = days(**said).bound(table([], columns=("other", "d")))
    found = cells.day(cells.take((other, date_cell)))
    return f"{found.code}: {found.reason}" if isinstance(found, Misfit) else found.isoformat()


@st.composite
def rules(draw: st.DrawFn) -> dict[str, str]:
    """`day_starts` and whose the night is."""
    starts = draw(st.times(time(0), time(23, 59)))
    night = "end_day" if starts > time(12) else "start_day"
    return {"day_starts": f"{starts:%H:%M}", "night": night}


def oracle(instant: datetime, plant: ZoneInfo, rule: dict[str, str]) -> date:
    """By what the plant's clock shows at an instant, in UTC arithmetic."""
    offset = instant.astimezone(plant).utcoffset()
    assert offset is not None
    shown = instant.replace(tzinfo=None) + offset
    started = f"{shown:%H:%M}" >= rule["day_starts"]
    if rule["night"] == "end_day":
        return shown.date() + (DAY if started else timedelta())
    return shown.date() - (timedelta() if started else DAY)


# ---------------------------------------------------------------- a time of day must be declared


def test_a_time_of_day_that_nobody_declared_is_rejected_with_the_options_that_say_what_it_means() -> None:
    said = (
        " has a time of day; say under map.date which day that is: "
        'day_starts: "00:00" for the calendar day of the plant, and timezone if another clock wrote it'
    )
    assert day(at("2026-11-20T08:00")) == f"bad-date: column d: '2026-11-20 08:00:00'{said}"
    assert day("2026-11-20 08:00:00") == f"bad-date: column d: '2026-11-20 08:00:00'{said}"
    assert day("20.11.2026 08:00", format="%d.%m.%Y %H:%M") == f"bad-date: column d: '20.11.2026 08:00'{said}"
    assert day(46346.25, format="excel") == f"bad-date: column d: '46346.25'{said}"
    assert day("2026-11-20T00:00Z") == f"bad-date: column d: '2026-11-20T00:00Z'{said}"


def test_midnight_without_a_zone_is_a_date_and_not_a_time() -> None:
    for cell in (at("2026-11-20"), date(2026, 11, 20), "2026-11-20", "2026-11-20 00:00:00"):
        assert day(cell) == "2026-11-20"
    assert day("46346.0", format="excel") == "2026-11-20"


@pytest.mark.parametrize("said", [{"day_starts": "06:00"}, {"timezone": "UTC"}])
def test_a_date_without_a_time_is_rejected_where_the_time_decides(said: dict[str, str]) -> None:
    reason = "'2026-11-20' has no time of day, and map.date (day_starts, timezone) needs one"
    assert day("2026-11-20", **said) == f"bad-date: column d: {reason}"
    assert day(date(2026, 11, 20), **said) == f"bad-date: column d: {reason}"


def test_a_date_without_a_time_is_its_day_where_the_calendar_day_counts() -> None:
    assert day("2026-11-20", day_starts="00:00") == day("2026-11-20", timezone="Europe/Berlin") == "2026-11-20"


# ---------------------------------------------------------------- zones


def test_an_offset_in_a_cell_counts_before_the_zone_of_the_source() -> None:
    for cell in ("2016-12-31 23:00Z", at("2016-12-31T23:00+00:00"), "2017-01-01T00:00+01:00"):
        assert day(cell, timezone="Asia/Tokyo") == day(cell, day_starts="00:00") == "2017-01-01"


def test_a_time_without_an_offset_is_on_the_clock_of_the_source_or_else_of_the_plant() -> None:
    assert day("2016-12-31 23:00", timezone="UTC") == "2017-01-01"
    assert day(at("2016-12-31T23:00"), timezone="UTC") == "2017-01-01"
    assert day("2016-12-31 23:00", day_starts="00:00") == "2016-12-31"


# ---------------------------------------------------------------- days that start late


@pytest.mark.parametrize(
    ("cell", "starts", "night", "counts_for"),
    [
        ("2026-11-21 02:00", "06:00", "start_day", "2026-11-20"),
        ("2026-11-21 05:59:59", "06:00", "start_day", "2026-11-20"),
        ("2026-11-21 06:00", "06:00", "start_day", "2026-11-21"),
        ("2026-11-20 23:00", "06:00", "start_day", "2026-11-20"),
        ("2026-11-20 21:59:59", "22:00", "end_day", "2026-11-20"),
        ("2026-11-20 22:00", "22:00", "end_day", "2026-11-21"),
        ("2026-11-21 02:00", "22:00", "end_day", "2026-11-21"),
        ("2026-12-31 23:00", "22:00", "end_day", "2027-01-01"),
        ("2027-01-01 00:00", "00:00", "start_day", "2027-01-01"),
    ],
)
def test_the_night_belongs_to_the_day_that_is_declared(cell: str, starts: str, night: str, counts_for: str) -> None:
    assert day(cell, day_starts=starts, night=night) == counts_for
    assert day(at(cell), day_starts=starts, night=night) == counts_for


@given(instants, zones, rules())
def test_an_instant_counts_for_the_same_day_in_whatever_zone_it_is_written(
    instant: datetime, plant: ZoneInfo, rule: dict[str, str]
) -> None:
    read = days(plant.key, **rule).day
    expected = oracle(instant, plant, rule)
    assert read(instant) == expected
    for name in ZONES:
        shown = instant.astimezone(ZoneInfo(name))
        assert read(shown) == expected
        assert read(shown.isoformat()) == expected


@given(instants, zones, zones, rules())
def test_a_time_without_an_offset_counts_for_the_day_of_its_instant_or_is_rejected_if_it_has_two(
    instant: datetime, source: ZoneInfo, plant: ZoneInfo, rule: dict[str, str]
) -> None:
    shown = instant.astimezone(source)
    found = days(plant.key, timezone=source.key, **rule).day(shown.replace(tzinfo=None, fold=0))
    instants = {shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    expected = {oracle(each, plant, rule) for each in instants}
    if len(expected) == 1:
        assert {found} == expected
    else:
        assert isinstance(found, Misfit)
        assert "shows twice" in found.reason


@given(zones, rules(), st.dates(date(1990, 2, 1), date(2037, 1, 1)))
def test_a_time_of_the_plant_is_never_in_doubt_on_days_without_a_change_of_the_clock(
    plant: ZoneInfo, rule: dict[str, str], some: date
) -> None:
    noon = datetime.combine(some, time(12), plant)
    if (noon - 2 * DAY).utcoffset() == (noon + 2 * DAY).utcoffset():
        for hour in range(24):
            shown = datetime.combine(some, time(hour, 30))
            assert days(plant.key, **rule).day(shown) == oracle(
                shown.replace(tzinfo=plant).astimezone(UTC), plant, rule
            )


@pytest.mark.parametrize(
    ("plant", "starts", "change", "hours"),
    [
        ("Europe/Berlin", "06:00", "2026-03-28", 23),
        ("Europe/Berlin", "06:00", "2026-10-24", 25),
        ("Europe/Berlin", "00:00", "2026-10-25", 25),
        ("America/New_York", "06:00", "2026-03-07", 23),
        ("Australia/Sydney", "06:00", "2026-04-04", 25),
        ("Australia/Lord_Howe", "06:00", "2026-10-03", 23.5),
        ("Australia/Lord_Howe", "00:00", "2026-04-05", 24.5),
        ("America/Santiago", "00:00", "2026-09-06", 23),
        ("America/Santiago", "00:00", "2026-04-04", 25),
        ("Africa/Cairo", "00:00", "2026-04-24", 23),
        ("Asia/Kathmandu", "06:00", "2026-03-28", 24),
    ],
)
def test_days_on_which_the_clock_is_changed_are_longer_or_shorter(
    plant: str, starts: str, change: str, hours: float
) -> None:
    around = at(f"{change}T00:00+00:00") - 2 * DAY
    read = days(plant, day_starts=starts).day
    minutes = [around + count * 15 * MINUTE for count in range(4 * 24 * 5)]
    assert sum(read(minute) == date.fromisoformat(change) for minute in minutes) == hours * 4


def test_an_hour_that_is_there_twice_matters_only_where_the_day_depends_on_it() -> None:
    doubled = "2026-10-25 02:30"  # in Berlin
    assert day(doubled, day_starts="06:00") == "2026-10-24"
    assert day(doubled, timezone="Europe/Berlin", plant="America/New_York") == "2026-10-24"
    assert day(doubled, timezone="Europe/Berlin", plant="Atlantic/Cape_Verde") == (
        "bad-date: column d: '2026-10-25 02:30' is a time that the clock of Europe/Berlin shows twice, so it may count "
        "for 2026-10-24 or 2026-10-25; have the source write UTC or the offset"
    )
    assert day("2026-10-25T02:30+02:00", timezone="Europe/Berlin", plant="Atlantic/Cape_Verde") == "2026-10-24"


def test_an_hour_that_is_not_there_matters_only_where_the_day_depends_on_it() -> None:
    skipped = at("2026-03-29T02:30")  # in Berlin
    assert day(skipped, day_starts="06:00") == "2026-03-28"
    assert day(skipped, day_starts="00:00") == "2026-03-29"
    assert "the clock of Europe/Berlin skips, so it may count for 2026-03-28 or 2026-03-29" in day(
        skipped, day_starts="03:00"
    )


# ---------------------------------------------------------------- a time in a column of its own

SAP = {"format": "%Y%m%d", "time": {"column": "other", "format": "%H%M%S"}, "null": ["00000000"]}


def test_a_date_and_the_time_beside_it_are_one_moment() -> None:
    assert of_pair("20241023", "190021", **SAP) == "2024-10-23"
    assert of_pair("20241023", "035959", **SAP, day_starts="06:00") == "2024-10-22"
    assert of_pair(date(2024, 10, 23), time(3), **SAP, day_starts="06:00") == "2024-10-22"
    assert of_pair("20241231", "233000", **SAP, timezone="UTC") == "2025-01-01"


def test_a_time_without_a_date_is_nothing() -> None:
    assert of_pair("00000000", "000000", **SAP) == (
        "no-date: column d holds '00000000', which stands for no date, so the period is unknown"
    )
    assert of_pair("", "190021", **SAP) == "no-date: column d is empty, so the period is unknown"


def test_a_date_without_the_time_that_was_declared_is_rejected() -> None:
    assert of_pair("20241023", "", **SAP) == (
        "no-time: column other is empty, so the time of day is unknown, and with it the day"
    )
    assert of_pair("20241023", "256060", **SAP) == "bad-time: column other: '256060' is not a time of the format %H%M%S"
    assert of_pair("20241323", "190021", **SAP) == "bad-date: column d: '20241323' is not a date of the format %Y%m%d"


def test_a_date_beside_a_time_has_none_of_its_own() -> None:
    assert "has a time of day" in of_pair("2024-10-23 08:00", "19:00", time={"column": "other"})


# ---------------------------------------------------------------- a year in a column of its own

DATEV = {"format": "%d%m", "year": {"column": "other", "format": "%Y%m%d"}}


@pytest.mark.parametrize(
    ("cell", "first", "found"),
    [
        ("3112", "20260701", "2026-12-31"),
        ("0101", "20260701", "2027-01-01"),
        ("0101", "20260101", "2026-01-01"),
        ("2902", "20260701", "bad-date: column d: '2902' does not exist in the year from 2026-07-01 on"),
        ("9999", "20260701", "bad-date: column d: '9999' is not a date of the format %d%m"),
        ("", "20260701", "no-date: column d is empty, so the period is unknown"),
        ("3112", "", "no-date: column other is empty, so the year is unknown"),
        ("3112", "2026", "bad-date: column other: '2026' is not a date of the format %Y%m%d"),
    ],
)
def test_a_date_without_a_year_takes_it_from_another_column(cell: str, first: str, found: str) -> None:
    assert of_pair(cell, first, **DATEV) == found


# ---------------------------------------------------------------- what stands for no date, or around one


def test_a_closing_date_is_rejected_unless_its_letter_is_declared() -> None:
    format = "%d.%m.%Y"
    assert day("C31.12.2014", format=format) == (
        "bad-date: column d: 'C31.12.2014' is not a date of the format %d.%m.%Y; "
        "if it is a closing date, set closing: C, or leave it out with drop_rows"
    )
    assert day("C31.12.2014", format=format, closing="C") == "2014-12-31"
    assert day("31.12.2014", format=format, closing="C") == "2014-12-31"
    assert day("U31.12.2014", format=format, closing="C").startswith("bad-date: column d: 'U31.12.2014' is not")
    assert day("Celle", format=format) == "bad-date: column d: 'Celle' is not a date of the format %d.%m.%Y"


def test_only_declared_cells_stand_for_no_date() -> None:
    for cell in ("00/00/0000", " 00/00/0000 "):
        assert day(cell, format="%m/%d/%Y", null=["00/00/0000"]).startswith("no-date: ")
        assert day(cell, format="%m/%d/%Y").startswith("bad-date: ")
    assert day(0, format="cyyddd", null="0").startswith("no-date: ")


# ---------------------------------------------------------------- what may be declared


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"day_starts": "6"}, "not a time of day such as 06:00"),
        ({"day_starts": "24:00"}, "not a time of day such as 06:00"),
        ({"day_starts": "22:00"}, "a day that starts after noon counts for the day on which it ends"),
        ({"day_starts": "06:00", "night": "end_day"}, "day_starts is when the night begins, such as 22:00"),
        ({"night": "end_day"}, "day_starts is when the night begins, such as 22:00"),
        ({"timezone": "Europe/Berln"}, "not an IANA time zone; did you mean Europe/Berlin?"),
        ({"year": {"column": "y"}}, "so they need a format such as %d%m"),
        ({"format": "%d%m"}, "a date needs a year, such as %Y"),
        ({"format": "%d%m%Y", "year": {"column": "y"}}, "the year is to come from another column"),
        ({"format": "%d%m", "year": {"column": "y"}, "day_starts": "06:00"}, "have no time of day"),
        ({"time": {"column": "t", "format": "%d"}}, "a time of day has no date"),
        ({"closing": "?"}, "String should match pattern"),
    ],
)
def test_what_does_not_fit_together_is_refused(said: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        DateOptions.model_validate({"column": "d", **said})
    assert reason in str(refused.value)


def test_options_are_written_back_as_a_user_writes_them() -> None:
    made = DateOptions.model_validate({"column": "d", "day_starts": "22:00", "night": "end_day"})
    assert made.model_dump(mode="json", exclude_unset=True) == {
        "column": "d", "day_starts": "22:00", "night": "end_day",
    }  # fmt: skip


# ---------------------------------------------------------------- runs


@given(zones, zones, rules(), st.dates(date(1990, 2, 1), date(2037, 1, 1)), st.integers(0, 40), instants)
def test_every_moment_of_the_days_that_are_looked_at_is_asked_for(
    plant: ZoneInfo, source: ZoneInfo, rule: dict[str, str], first: date, length: int, instant: datetime
) -> None:
    looked_at = scope(first.isoformat(), (first + length * DAY).isoformat())
    asked = days(plant.key, timezone=source.key, **rule).to_read(looked_at)
    assert asked.first is not None
    assert asked.last is not None
    for edge in (first, first + length * DAY, first + (length + 1) * DAY):
        near = datetime.combine(edge, time(), UTC) + (instant - at("1990-01-01T00:00Z")) % (4 * DAY) - 2 * DAY
        if oracle(near, plant, rule) in looked_at:
            assert near.astimezone(source).date() in asked
    assert asked.first <= first - DAY
    assert asked.last >= first + (length + 1) * DAY


def test_dates_without_times_are_asked_for_as_they_are() -> None:
    assert days().to_read(scope("2026-11-01", "2026-11-20")) == scope("2026-11-01", "2026-11-20")
    assert days(day_starts="06:00").to_read(scope()) == scope()
    assert days(day_starts="06:00").to_read(scope("0001-01-01", "9999-12-31")) == scope("0001-01-01", "9999-12-31")


@pytest.mark.parametrize(
    ("now", "said", "today"),
    [
        ("2026-11-20T23:30+00:00", {}, "2026-11-21"),
        ("2026-11-21T04:59+00:00", {"day_starts": "06:00"}, "2026-11-20"),
        ("2026-11-21T05:00+00:00", {"day_starts": "06:00"}, "2026-11-21"),
        ("2026-11-20T21:00+00:00", {"day_starts": "22:00", "night": "end_day"}, "2026-11-21"),
    ],
)
def test_today_is_the_day_that_the_plant_counts_for(now: str, said: dict[str, str], today: str) -> None:
    assert days(**said).today(at(now)) == date.fromisoformat(today)


def test_text_and_typed_cells_of_a_job_count_for_the_same_days() -> None:
    made = options(SCRAP, date={"column": "d", "day_starts": "06:00"})
    rows = [["2026-11-19 05:00", "L1", "1"], [at("2026-11-19T06:00"), "L1", "2"], [at("2026-11-19T05:00Z"), "L2", "3"]]
    found = mapped(mapper(made, timezone=ZoneInfo("Europe/Berlin")), table(rows))
    assert found.numbers == {"line-1 2026-11-18": "1", "line-1 2026-11-19": "2", "line-2 2026-11-19": "3"}


def test_a_night_after_the_last_day_that_is_looked_at_is_left_out_unless_it_belongs_to_it() -> None:
    made = options({**SCRAP, "aggregate": "sum"}, date={"column": "d", "day_starts": "06:00"})
    rows = [[f"2026-11-{day} {hour}:00", "L1", "1"] for day in range(16, 20) for hour in ("03", "12")]
    found = mapped(mapper(made, scope("2026-11-17", "2026-11-17"), timezone=ZoneInfo("Europe/Berlin")), table(rows))
    assert found.numbers == {"line-1 2026-11-17": "2"}
    assert found.rejects == []


@pytest.mark.parametrize("said", [SAP, DATEV])
def test_a_date_that_needs_another_cell_tells_no_periods_apart(said: dict[str, Any]) -> None:
    made = mapper(options(SCRAP, date={"column": "d", **said}), scope("2026-11-01", "2026-11-20"))
    assert not made.tells_periods_apart
    assert made.period_of("20241023") == made.period_of("") == date.min
    assert mapper(options(SCRAP, date={"column": "d", "day_starts": "06:00"})).tells_periods_apart
