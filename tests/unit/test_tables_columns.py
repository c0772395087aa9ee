"""Columns are addressed by name, by the nth of a name, or by position; never by luck."""

from __future__ import annotations

import pytest

from kpisync.errors import SourceError
from kpisync.tables.columns import find_column

COLUMNS = ("Order", "Act.finish", "Target qty", "Act.finish", "", "Größe")


def refusal(address: str, columns: tuple[str, ...] = COLUMNS) -> SourceError:
    with pytest.raises(SourceError) as caught:
        find_column(columns, address, "in/a.csv")
    assert caught.value.where == "in/a.csv"
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("address", "index"),
    [("Order", 0), ("Act.finish#1", 1), ("Act.finish#2", 3), ("@1", 0), ("@5", 4), ("Order#1", 0), ("Gro\u0308ße", 5)],
)
def test_an_address_names_one_column(address: str, index: int) -> None:
    assert find_column(COLUMNS, address, "x") == index


def test_line_breaks_and_padding_in_names_do_not_count() -> None:
    assert find_column(("  Target\n qty ",), "Target qty", "x") == 0


@pytest.mark.parametrize("name", ["a#2", "@3"])
def test_a_name_that_looks_like_an_address_is_reached_by_itself(name: str) -> None:
    assert find_column(("a", "a", "b", name), name, "x") == 3


def test_a_name_that_two_columns_have_is_an_error_naming_both_addresses() -> None:
    error = refusal("Act.finish")
    assert "Act.finish#1, Act.finish#2" in str(error)


def test_a_missing_name_is_an_error_with_the_nearest_name_and_those_found() -> None:
    error = refusal("Traget qty")
    assert "Did you mean 'Target qty'?" in str(error)
    assert "'Order'" in str(error)


@pytest.mark.parametrize("address", ["Act.finish#3", "@0", "@7", "Nothing#1", ""])
def test_an_address_beyond_the_columns_is_an_error(address: str) -> None:
    assert "there is no column" in refusal(address).what


def test_a_hundred_names_are_cut_in_the_message() -> None:
    assert "and 70 more" in str(refusal("x", tuple(f"c{n}" for n in range(100))))
