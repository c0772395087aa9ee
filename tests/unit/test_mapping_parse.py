"""Cells → dates, times of day and codes: by declared rules, never by a guess."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpisync.mapping.durations import parse_duration
from kpisync.mapping.formats import check_clock_format, check_format, check_format_without_year, read_without_year
from kpisync.mapping.parse import BadCell, code_text, parse_clock, parse_date, parse_moment, parse_seconds, quoted

NOVEMBER_20 = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("cell", "format"),
    [
        ("2026-11-20", None),
        (" 2026-11-20 ", None),
        ("2026-11-20T00:00:00", None),
        ("2026-11-20 00:00:00.000", None),
        (NOVEMBER_20, None),
        (datetime.fromisoformat("2026-11-20"), "%d.%m.%Y"),
        ("20.11.2026", "%d.%m.%Y"),
        ("11/20/26", "%m/%d/%y"),
        ("20261120", "%Y%m%d"),
        (20261120, "%Y%m%d"),
        (Decimal("20261120.0"), "%Y%m%d"),
        (b"20261120", "%Y%m%d"),
        ("2026-324", "%Y-%j"),
        ("2026-11-20 00:00", "%Y-%m-%d %H:%M"),
        ("46346", "excel"),
        (46346.0, "excel"),
        ("44884", "excel-1904"),
        ("126324", "cyyddd"),
        (126324, "cyyddd"),
    ],
)
def test_a_date_is_read_as_declared(cell: object, format: str | None) -> None:
    assert parse_date(cell, format) == NOVEMBER_20


@pytest.mark.parametrize(
    ("text", "format", "start"),
    [
        ("2026-W47", "%G-W%V", "2026-11-16"),
        ("2026-W1", "%G-W%V", "2025-12-29"),
        ("2026-W53", "%G-W%V", "2026-12-28"),
        ("2026-W47-5", "%G-W%V-%u", "2026-11-20"),
        ("202647", "%G%V", "2026-11-16"),
        ("11/2026", "%m/%Y", "2026-11-01"),
        ("2026", "%Y", "2026-01-01"),
        ("7.6.2024", "%d.%m.%Y", "2024-06-07"),
        ("29.02.2024", "%d.%m.%Y", "2024-02-29"),
    ],
)
def test_a_period_is_its_first_day(text: str, format: str, start: str) -> None:
    assert parse_date(text, format) == date.fromisoformat(start)


@pytest.mark.parametrize("cell", [None, "", "  ", "\u00a0", b""])
def test_an_empty_cell_is_no_date(cell: object) -> None:
    assert parse_date(cell, None) is None
    assert parse_seconds(cell) is None


@pytest.mark.parametrize(
    ("cell", "format", "said"),
    [
        ("20.11.2026", None, "'20.11.2026' is not a date such as 2026-11-20; give the date's format"),
        ("2026-02-30", None, "'2026-02-30' is not a date that exists"),
        ("2026-11-20 06:30", None, "'2026-11-20 06:30' has a time of day; cast it to a date in the query"),
        ("2026-11-20 25:00", None, "'2026-11-20 25:00' is not a date that exists"),
        ("46346.5", "excel", "'46346.5' has a time of day; cast it to a date in the query"),
        ("46346,5", "excel", "'46346,5' is not an Excel serial, such as 46346"),
        (-1, "excel-1904", "'-1' is not an Excel serial, such as 44884"),
        (60, "excel", "'60' lies outside 1970–2199"),
        ("126366", "cyyddd", "'126366' is not a date of the form CYYDDD, such as 126324"),
        (0, "cyyddd", "'0' is not a date of the form CYYDDD, such as 126324"),
        (True, "cyyddd", "'True' is not a date of the form CYYDDD, such as 126324"),
        (46346, None, "'46346' is not a date such as 2026-11-20; give the date's format"),
        (True, None, "'True' is not a date such as 2026-11-20; give the date's format"),
        ("25.07.2017", "%m.%d.%Y", "'25.07.2017' is not a date of the format %m.%d.%Y"),
        ("٢٠.11.2026", "%d.%m.%Y", "'٢٠.11.2026' is not a date of the format %d.%m.%Y"),
        ("2024111", "%Y%m%d", "'2024111' is not a date of the format %Y%m%d"),
        ("1112024", "%d%m%Y", "'1112024' is not a date of the format %d%m%Y"),
        ("2025-W53", "%G-W%V", "'2025-W53' is not a date of the format %G-W%V"),
        ("2025 366", "%Y %j", "'2025 366' is not a date of the format %Y %j"),
        ("00000000", "%Y%m%d", "'00000000' is not a date of the format %Y%m%d"),
        ("1899-12-30", None, "'1899-12-30' lies outside 1970–2199"),
        (date(2200, 1, 1), None, "'2200-01-01' lies outside 1970–2199"),
        (
            datetime.fromisoformat("2026-11-20T08:00"),
            None,
            "'2026-11-20 08:00:00' has a time of day; cast it to a date in the query",
        ),
        (
            datetime(2026, 11, 20, tzinfo=UTC),
            None,
            "'2026-11-20 00:00:00+00:00' has a time of day; cast it to a date in the query",
        ),
        ("x\u202e" + "y" * 50, None, f"'x\\u202e{'y' * 38}…' is not a date such as 2026-11-20; give the date's format"),
    ],
)
def test_what_is_not_the_declared_date_is_refused_in_plain_words(cell: object, format: str | None, said: str) -> None:
    with pytest.raises(BadCell) as refused:
        parse_date(cell, format)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    "format",
    [
        *["%d.%m.%Y", "%Y%m%d", "%m/%d/%y", "%Y-%m", "%G-W%V", "%Y-%W-%a", "%Y %j", "%Y"],
        *["%d.%m.%Y %I:%M %p", "%Y%m%dT%H%M%S%z"],
    ],
)
def test_a_format_that_says_enough_is_taken(format: str) -> None:
    assert check_format(format) == format


@pytest.mark.parametrize(
    ("format", "said"),
    [
        ("%d.%m.", "a date needs a year, such as %Y"),
        ("dd.mm.yyyy", "a date needs a year, such as %Y"),
        ("%%Y-%m-%d", "a date needs a year, such as %Y"),
        ("%Y-%m-%d %z", "%z stands at the end, after a time of day"),
        ("%z %Y-%m-%d %H:%M", "%z stands at the end, after a time of day"),
        ("%Y-%m-%d %H:%M %Z", "names of time zones are not unique; an offset such as +01:00 is %z"),
        ("%Y-%m-%d %I:%M", "the format leaves a part of the date open"),
        ("%Y-%W", "a week by %U or %W needs a weekday; an ISO week is %G-W%V"),
        ("%Y-%d", "the format leaves a part of the date open; %d.%m.%Y, %Y-%m, %G-W%V and %Y say enough"),
        ("%Y-W%V", "not a date format: ISO week directive '%V' is incompatible with the year directive '%Y'"),
        ("%Y-%Q", "not a date format: 'Q' is a bad directive"),
    ],
)
def test_a_format_that_leaves_something_open_is_refused(format: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        check_format(format)


@given(st.dates(date(1970, 1, 1), date(2199, 12, 31)), st.sampled_from(["%d.%m.%Y", "%Y%m%d", "%Y-%j", "%G-W%V-%u"]))
def test_every_day_is_read_back_from_what_it_is_written_as(day: date, format: str) -> None:
    assert parse_date(day.strftime(format), format) == parse_date(day.isoformat(), None) == day


EVENING = datetime.fromisoformat("2016-12-31T23:00")


@pytest.mark.parametrize(
    ("cell", "format", "moment"),
    [
        ("2016-12-31 23:00", None, EVENING),
        ("2016-12-31T23:00:00.000", None, EVENING),
        ("2016-12-31 23:00Z", None, EVENING.replace(tzinfo=UTC)),
        ("2016-12-31 23:00:00+00", None, EVENING.replace(tzinfo=UTC)),
        ("2017-01-01 00:00 +0100", None, EVENING.replace(tzinfo=UTC)),
        ("2016-12-31 14:30:00.000-08:30", None, EVENING.replace(tzinfo=UTC)),
        ("31.12.2016 23:00", "%d.%m.%Y %H:%M", EVENING),
        ("12/31/2016 11:00:00 PM", "%m/%d/%Y %I:%M:%S %p", EVENING),
        ("20170101T000000+01:00", "%Y%m%dT%H%M%S%z", EVENING.replace(tzinfo=UTC)),
        ("31.12.2016 23:00 Z", "%d.%m.%Y %H:%M %z", EVENING.replace(tzinfo=UTC)),
        ("42735.9583333333", "excel", EVENING),
        (42735.958333333336, "excel", EVENING),
        ("41273.95833333", "excel-1904", EVENING),
        (EVENING, "%d.%m.%Y", EVENING),
    ],
)
def test_a_moment_has_the_zone_that_its_cell_names_and_no_other(
    cell: object, format: str | None, moment: datetime
) -> None:
    found = parse_moment(cell, format)
    assert found == moment
    assert isinstance(found, datetime)
    assert (found.tzinfo is None) == (moment.tzinfo is None)


@pytest.mark.parametrize(
    ("cell", "format"),
    [
        ("2016-12-31 23:00 CET", None),
        ("2016-12-31 23:00+99:00", None),
        ("2016-12-31 23", None),
        ("31.12.2016 23:00", "%d.%m.%Y %H:%M %z"),
        ("31.12.2016 23:00 CET", "%d.%m.%Y %H:%M %z"),
        ("31.12.2016", "%d.%m.%Y %H:%M"),
    ],
)
def test_a_moment_that_is_not_written_as_declared_is_refused(cell: str, format: str | None) -> None:
    with pytest.raises(BadCell):
        parse_moment(cell, format)


@given(st.dates(date(1970, 1, 1), date(2199, 12, 31)))
def test_the_two_systems_of_serials_are_1462_days_apart(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    assert parse_date(serial, "excel") == parse_date(str(serial - 1462), "excel-1904") == day


@given(st.dates(date(1970, 1, 1), date(2199, 12, 31)))
def test_a_jd_edwards_date_is_the_century_the_year_and_the_day_of_the_year(day: date) -> None:
    written = f"{day.year // 100 - 19}{day:%y%j}"
    assert parse_date(written, "cyyddd") == parse_date(int(written), "cyyddd") == day


@pytest.mark.parametrize(
    ("text", "format", "first", "day"),
    [
        ("3112", "%d%m", "2026-07-01", "2026-12-31"),
        ("0101", "%d%m", "2026-07-01", "2027-01-01"),
        ("0107", "%d%m", "2026-07-01", "2026-07-01"),
        ("3006", "%d%m", "2026-07-01", "2027-06-30"),
        ("2902", "%d%m", "2023-07-01", "2024-02-29"),
        ("2902", "%d%m", "2024-02-29", "2024-02-29"),
        ("2802", "%d%m", "2024-02-29", "2025-02-28"),
        ("2902", "%d%m", "2024-07-01", None),
        ("5.1.", "%d.%m.", "2026-12-01", "2027-01-05"),
        ("Jan", "%b", "2026-07-01", "2027-01-01"),
    ],
)
def test_a_date_without_a_year_is_the_first_such_day_from_another_one_on(
    text: str, format: str, first: str, day: str | None
) -> None:
    assert check_format_without_year(format) == format
    found = read_without_year(text, format, date.fromisoformat(first))
    assert found == (date.fromisoformat(day) if day else None)


@given(st.dates(date(1970, 1, 1), date(2198, 12, 31)), st.integers(0, 365))
def test_a_day_within_a_year_is_told_by_its_day_and_month_alone(first: date, later: int) -> None:
    day = first + timedelta(days=min(later, 364))
    assert read_without_year(day.strftime("%d%m"), "%d%m", first) == day


@pytest.mark.parametrize("format", ["%d.%m.%Y", "excel", "%d", "%W-%a", "%d%m %z", "%d%m %H:%M"])
def test_a_format_for_dates_without_a_year_says_the_month_at_least(format: str) -> None:
    with pytest.raises(ValueError, match="a year"):
        check_format_without_year(format)


@pytest.mark.parametrize(
    ("cell", "format", "clock"),
    [
        ("190021", "%H%M%S", time(19, 0, 21)),
        ("1021", "%H%M%S", time(0, 10, 21)),
        (90021, "%H%M%S", time(9, 0, 21)),
        (0, "%H%M%S", time()),
        ("930", "%H%M", time(9, 30)),
        ("7:00:21 PM", "%I:%M:%S %p", time(19, 0, 21)),
        ("19:00:21.5", None, time(19, 0, 21, 500_000)),
        (time(19, 0), "%H%M%S", time(19)),
        (timedelta(hours=19), None, time(19)),
        ("", "%H%M%S", None),
    ],
)
def test_a_time_of_day_is_read_as_declared(cell: object, format: str | None, clock: time | None) -> None:
    assert parse_clock(cell, format) == clock


@pytest.mark.parametrize(
    ("cell", "format"), [("240000", "%H%M%S"), ("9.30", "%H:%M"), ("1900211", "%H%M%S"), ("24:00", None)]
)
def test_what_is_no_time_of_its_format_is_refused(cell: str, format: str | None) -> None:
    with pytest.raises(BadCell, match=f"^'{cell}' is not a time of"):
        parse_clock(cell, format)


@pytest.mark.parametrize("format", ["%I:%M", "%d %H:%M", "%M", "%H:%M %z", "noon", "%Q", "%c"])
def test_a_format_of_times_says_the_hour_of_the_day_and_nothing_of_dates(format: str) -> None:
    with pytest.raises(ValueError, match="time of day"):
        check_clock_format(format)


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("14:43", 52980),
        ("0:00", 0),
        ("23:59:59", 86399),
        (time(14, 43, 30), 53010),
        (timedelta(hours=6, minutes=5), 21900),
        ("14:43:00.000", 52980),
        ("14:43:00.250", Decimal("52980.25")),
        (datetime.fromisoformat("2026-11-20T14:43"), 52980),
    ],
)
def test_a_time_of_day_is_seconds_since_midnight(cell: object, seconds: Decimal) -> None:
    assert parse_seconds(cell) == seconds


@pytest.mark.parametrize(
    "cell",
    ["24:00", "14:60", "14:43:60", "14.43", "883", "2:43 PM", timedelta(days=2), "١٤:٤٣", EVENING.replace(tzinfo=UTC)],
)
def test_what_is_no_time_of_day_is_refused(cell: object) -> None:
    with pytest.raises(BadCell, match="is not a time of day such as 14:43"):
        parse_seconds(cell)


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("2 days 04:46:24.000000000", 189984),
        ("-675 days, 0:00:00", -58320000),
        ("-1 day, 23:00:00", -3600),
        ("-1 days +23:00:00", -3600),
        ("-1 days -01:00:00", -90000),
        ("1 day", 86400),
        ("24:30", 88200),
        ("100:00:00.5", Decimal("360000.5")),
        ("-0:30", -1800),
        ("PT1H30M", 5400),
        ("P2DT4H46M24.25S", Decimal("189984.25")),
        ("-P1D", -86400),
        (timedelta(days=-1, microseconds=1), Decimal("-86399.999999")),
        (time(0, 30), 1800),
        (None, None),
        (" ", None),
    ],
)
def test_a_length_of_time_is_seconds(cell: object, seconds: Decimal | None) -> None:
    assert parse_duration(cell) == seconds


@pytest.mark.parametrize(
    "cell",
    ["P", "PT", "P1DT", "P1M", "90", "1:5", "1:60", "2 days,", "-1 days 04:00:00", "1 mon", "2 days04:00", EVENING, 90],
)
def test_what_is_no_length_of_time_or_may_be_two_is_refused(cell: object) -> None:
    with pytest.raises(BadCell, match="is not a length of time such as 26:30, 2 days 04:46:24 or PT1H30M"):
        parse_duration(cell)


@given(st.timedeltas(timedelta(days=-9999), timedelta(days=9999)))
def test_a_length_of_time_as_python_writes_it_is_read_back_exactly(span: timedelta) -> None:
    micros = span // timedelta(microseconds=1)
    assert parse_duration(str(span)) == parse_duration(span) == Decimal(micros) / 1_000_000


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (" 0010 ", "0010"),
        ("Linie\u00a0", "Linie"),
        ("Mu\u0308hle", "Mühle"),
        (10, "10"),
        (10.0, "10"),
        (Decimal("10.0"), "10"),
        (Decimal("1E+3"), "1000"),
        (1.5, "1.5"),
        (Decimal("1.50"), "1.5"),
        (1e22, "10000000000000000000000"),
        (float("inf"), "Infinity"),
        (Decimal("sNaN"), "sNaN"),
        (Decimal("1E+999999"), "1E+999999"),
        (True, "True"),
        (None, ""),
        (b"L1", "L1"),
        (memoryview(b"L1"), "L1"),
        (b"\xff", "\\xff"),
        (["L1"], "['L1']"),
        (UUID("8dca904d-9134-3bb0-95b7-3f72ae3dfacf"), "8dca904d-9134-3bb0-95b7-3f72ae3dfacf"),
    ],
)
def test_a_code_is_the_text_that_a_person_would_see(cell: object, text: str) -> None:
    assert code_text(cell) == text


def test_an_integer_of_any_size_has_a_text() -> None:
    assert code_text(10**5000) == "1" + "0" * 5000


def test_a_cell_in_a_message_is_cut_and_escaped() -> None:
    assert quoted("a\nb\x1b[31m") == "'a\\u000ab\\u001b[31m'"
    assert quoted("x" * 41) == f"'{'x' * 40}…'"
    assert quoted(7) == "'7'"
