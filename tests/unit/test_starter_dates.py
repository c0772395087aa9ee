"""A date format is proposed where the cells show it, and left to a person where they do not."""

from __future__ import annotations

from datetime import date

import pytest

from kpisync.starter.dates import date_column, looks_like_date
from tests.unit.starter_builders import as_cells


@pytest.mark.parametrize(
    ("cells", "format"),
    [
        (("07.06.2024", "25.06.2024"), "%d.%m.%Y"),
        (("07/06/2017", "07/25/2017"), "%m/%d/%Y"),
        (("12/06/2021", "25/06/2021"), "%d/%m/%Y"),
        (("20241023", "20241101"), "%Y%m%d"),
        (("2024-12-16", "2024-12-17"), None),
        (("2025-W01", "2025-W02"), "%G-W%V"),
        (("11.2026", "12.2026"), "%m.%Y"),
        (("21.11.2026 10:14:12", "30.11.2026 08:00:00"), "%d.%m.%Y %H:%M:%S"),
    ],
)
def test_the_one_format_that_reads_every_cell_is_proposed(cells: tuple[str, ...], format: str | None) -> None:
    found = date_column(as_cells(*cells))
    assert found is not None
    assert (found.format, found.undecided) == (format, False)


def test_dates_that_two_formats_read_are_left_to_a_person_with_both_readings() -> None:
    found = date_column(as_cells("07.06.2024", "08.06.2024"))
    assert found is not None
    assert found.undecided
    assert "2024-06-07" in found.note
    assert "2024-07-06" in found.note


def test_the_cell_that_decides_is_named() -> None:
    found = date_column(as_cells("07/06/2017", "07/25/2017"))
    assert found is not None
    assert "07/25/2017 (line 3)" in found.note


def test_a_few_cells_that_are_no_dates_are_named() -> None:
    days = [f"{day}.06.2024" for day in range(10, 30)]
    found = date_column(as_cells(*days, "00.00.0000"))
    assert found is not None
    assert found.odd == ("00.00.0000 (line 22)",)


@pytest.mark.parametrize(
    "cells", [("12345", "2345"), ("07:30:00", "08:00:00"), ("1.5", "2.5"), ("20249999", "20241023")]
)
def test_what_is_no_date_is_taken_for_none(cells: tuple[str, ...]) -> None:
    assert date_column(as_cells(*cells)) is None


def test_a_day_is_read_as_a_run_reads_it() -> None:
    found = date_column(as_cells("25.06.2024"))
    assert found is not None
    assert found.day("25.06.2024") == date(2024, 6, 25)


def test_the_look_of_a_date_is_enough_for_no_header() -> None:
    assert looks_like_date("07.06.2024")
    assert not looks_like_date("Datum")
