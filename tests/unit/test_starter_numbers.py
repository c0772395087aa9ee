"""Cells that can mean one thing only decide about separators; doubtful ones never do."""

from __future__ import annotations

import pytest

from kpisync.model import NumberFormat
from kpisync.starter.numbers import number_column
from kpisync.tables.numbers import BadNumber, parse_number
from tests.unit.starter_builders import as_cells

DECIDED = [
    (("1.204,5", "177"), ",", "."),
    (("9,999.9", "3.25"), ".", ","),
    (("9999.999", "12.5"), ".", None),
    (("14,5", "4.805,20"), ",", "."),
    (("0,884",), ",", None),
    (("1.234.567", "12"), ",", "."),
    (("1 234,5", "7"), ",", " "),
    (("12'500", "7.25"), ".", "'"),
    (("1.234,56-", "3,5"), ",", "."),
    (("1.234", "12,5"), ",", "."),  # the second cell decides what the first one is
    (("1.234.567", "9,455"), ",", "."),
]


@pytest.mark.parametrize(("cells", "decimal", "thousands"), DECIDED)
def test_an_unambiguous_cell_decides(cells: tuple[str, ...], decimal: str, thousands: str | None) -> None:
    found = number_column(as_cells(*cells))
    assert found is not None
    assert (found.decimal, found.thousands, found.undecided) == (decimal, thousands, False)


@pytest.mark.parametrize("cells", [case[0] for case in DECIDED])
def test_what_was_decided_reads_every_cell(cells: tuple[str, ...]) -> None:
    found = number_column(as_cells(*cells))
    assert found is not None
    fmt = NumberFormat(found.decimal or ".", found.thousands)
    assert all(parse_number(cell, fmt) is not None for cell in cells)


@pytest.mark.parametrize("cell", ["9.455", "16.000", "9,455"])
def test_a_cell_of_two_meanings_is_left_to_a_person_and_rejected_until_then(cell: str) -> None:
    found = number_column(as_cells(cell, "12"))
    assert found is not None
    assert found.undecided
    assert cell in found.note
    with pytest.raises(BadNumber):
        parse_number(cell, NumberFormat(found.decimal or ".", found.thousands))


def test_cells_that_contradict_each_other_are_left_to_a_person_naming_both() -> None:
    found = number_column(as_cells("1,5", "2.5", "3,25"))
    assert found is not None
    assert found.undecided
    assert "1,5 (line 2)" in found.note
    assert "2.5 (line 3)" in found.note


def test_whole_numbers_show_no_separator() -> None:
    found = number_column(as_cells("1", "-20", "300"))
    assert found is not None
    assert (found.decimal, found.thousands, found.undecided) == (None, None, False)


def test_codes_with_leading_zeros_are_no_numbers() -> None:
    assert number_column(as_cells("0001200", "1300")) is None


def test_a_column_with_a_text_among_numbers_is_none_of_numbers() -> None:
    assert number_column(as_cells("1,5", "see below")) is None


def test_tokens_for_no_value_are_told_apart() -> None:
    found = number_column(as_cells("1,5", "-", "#NV"))
    assert found is not None
    assert found.nulls == ("-", "#NV")


def test_parentheses_are_noticed() -> None:
    found = number_column(as_cells("(1.234,56)", "2"))
    assert found is not None
    assert found.parentheses
