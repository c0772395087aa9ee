"""Cells → dates, times of day and codes: by declared rules, never by a guess."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpisync.mapping.parse import BadCell, check_format, code_text, parse_date, parse_seconds, quoted

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
        ("2026-11-20 06:30", "%Y-%m-%d %H:%M"),
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
        ("2026-11-20 06:30", None, "'2026-11-20 06:30' is not a date such as 2026-11-20; give the date's format"),
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


@pytest.mark.parametrize("format", ["%d.%m.%Y", "%Y%m%d", "%m/%d/%y", "%Y-%m", "%G-W%V", "%Y-%W-%a", "%Y %j", "%Y"])
def test_a_format_that_says_enough_is_taken(format: str) -> None:
    assert check_format(format) == format


@pytest.mark.parametrize(
    ("format", "said"),
    [
        ("%d.%m.", "a date needs a year, such as %Y"),
        ("dd.mm.yyyy", "a date needs a year, such as %Y"),
        ("%%Y-%m-%d", "a date needs a year, such as %Y"),
        ("%Y-%m-%d %z", "a time zone in a date is not converted; cast it to the plant's date in the source"),
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


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("14:43", 52980),
        ("0:00", 0),
        ("23:59:59", 86399),
        (time(14, 43, 30), 53010),
        (timedelta(hours=6, minutes=5), 21900),
        ("14:43:00.000", 52980),
    ],
)
def test_a_time_of_day_is_seconds_since_midnight(cell: object, seconds: int) -> None:
    assert parse_seconds(cell) == seconds


@pytest.mark.parametrize("cell", ["24:00", "14:60", "14:43:60", "14.43", "883", "2:43 PM", timedelta(days=2), "١٤:٤٣"])
def test_what_is_no_time_of_day_is_refused(cell: object) -> None:
    with pytest.raises(BadCell, match="is not a time of day such as 14:43"):
        parse_seconds(cell)


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
