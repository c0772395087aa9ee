"""What is done to a number before it is sent: sign, unit, ratio of sums, bounds."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapping_builders import Mapped, mapped, mapper, options, table

DAY = "2026-11-19"
MONDAY = "2026-11-09"
COLUMNS = ("d", "t", "n", "m", "u")
VALUE: dict[str, Any] = {"kpi": "scrap", "value": "actual", "column": "n"}
RATIO: dict[str, Any] = {"kpi": "scrap", "value": "actual", "numerator": "n", "denominator": "m"}


def of(rows: list[tuple[object, object, object]], value: dict[str, Any]) -> Mapped:
    """Rows of one day and line: n, m, u."""
    return mapped(mapper(options(value)), table([(DAY, "L1", *cells) for cells in rows], COLUMNS))


def number(rows: list[tuple[object, object, object]], value: dict[str, Any]) -> str:
    (found,) = of(rows, value).numbers.values()
    return found


# ---------------------------------------------------------------- sign


def test_a_source_that_states_the_opposite_sign_is_turned_round() -> None:
    assert number([("-12.50", "", "")], {**VALUE, "sign": -1}) == "12.5"


MARKS = {"column": "u", "negative": ["H"], "positive": ["S"]}


def test_a_column_tells_the_sign_of_each_row() -> None:
    assert number([("12.5", "", "S"), ("2.5", "", "H")], {**VALUE, "sign": MARKS, "aggregate": "sum"}) == "10"


@pytest.mark.parametrize(
    ("mark", "said"),
    [("h", "'h' is no sign that the job lists (column u); did you mean H?"), ("", "the sign is empty")],
)
def test_a_mark_that_is_not_listed_is_rejected_and_spoils_the_sum(mark: str, said: str) -> None:
    found = of([("12.5", "", "S"), ("2.5", "", mark)], {**VALUE, "sign": MARKS, "aggregate": "sum"})
    assert found.numbers == {}
    assert found.rejects[0].startswith(f"a.csv:3 bad-number: column n: {said}")
    assert found.codes[1] == ("a.csv:2,3", "incomplete")


def test_a_row_without_a_number_needs_no_sign() -> None:
    assert number([("12.5", "", "S"), ("", "", "")], {**VALUE, "sign": MARKS, "aggregate": "sum"}) == "12.5"


# ---------------------------------------------------------------- units

WEIGHTS = {"column": "u", "factors": {"KG": 1, "G": "0.001", "LB": "0.45359237"}}


def test_mixed_units_are_made_one_before_they_are_summed() -> None:
    rows = [("2", "", "KG"), ("500", "", "G"), ("1", "", "LB")]
    assert number(rows, {**VALUE, "unit": WEIGHTS, "aggregate": "sum"}) == "2.95359237"


def test_a_unit_that_is_not_listed_is_rejected() -> None:
    found = of([("2", "", "KGM")], {**VALUE, "unit": WEIGHTS})
    assert found.rejects == [
        "a.csv:2 bad-number: column n: 'KGM' is no unit that the job lists (column u); did you mean KG?"
    ]


# ---------------------------------------------------------------- ratio of sums


def test_a_ratio_is_divided_after_both_parts_are_summed() -> None:
    """D01 of the catalogue: a mean of daily ratios says something else."""
    rows = [("1", "1", ""), ("1", "1", ""), ("90", "100", "")]
    assert number(rows, RATIO) == "0.901961"
    assert number([("1", "", ""), ("1", "", ""), ("0.9", "", "")], {**VALUE, "aggregate": "mean"}) == "0.966667"


def test_a_ratio_is_scaled_and_rounded_as_the_job_says() -> None:
    assert number([("2", "3", "")], {**RATIO, "scale": 100, "decimals": 1}) == "66.7"


def test_a_ratio_to_nothing_is_no_value_and_is_counted() -> None:
    found = of([("0", "0", "")], RATIO)
    assert (found.numbers, found.rejects) == ({}, [])
    assert found.intake.skipped == {"denominator 0": 1}


def test_a_row_with_neither_part_says_nothing() -> None:
    assert number([("1", "4", ""), ("", "", "")], RATIO) == "0.25"


@pytest.mark.parametrize(("row", "missing"), [(("", "4", ""), "n"), (("1", "", ""), "m")])
def test_half_a_ratio_is_rejected_and_spoils_the_whole(row: tuple[str, str, str], missing: str) -> None:
    found = of([("1", "4", ""), row], RATIO)
    assert found.numbers == {}
    assert found.rejects[0] == (
        f"a.csv:3 bad-number: column n or m: {missing} is empty, and the other part of the ratio is not"
    )
    assert "the ratio of 2 rows is not sent" in found.rejects[1]


def test_a_ratio_names_all_its_rows_as_its_source() -> None:
    assert of([("1", "4", ""), ("2", "4", "")], RATIO).sources == ["a.csv:2,3"]


quantities = st.decimals(-(10**6), 10**6, places=3, allow_nan=False)


@given(st.lists(st.tuples(quantities, quantities), min_size=1, max_size=20), st.randoms())
def test_a_ratio_is_exact_until_it_is_rounded_whatever_the_order(
    rows: list[tuple[Decimal, Decimal]], dice: Any
) -> None:
    above, below = sum(Fraction(n) for n, _ in rows), sum(Fraction(m) for _, m in rows)
    dice.shuffle(rows)
    found = of([(n, m, "") for n, m in rows], RATIO).numbers
    if not below:
        assert found == {}
        return
    exact = above / below
    (text,) = found.values()
    assert abs(Fraction(text) - exact) <= Fraction(5, 10**7)


# ---------------------------------------------------------------- bounds and zeros


@pytest.mark.parametrize(("cell", "bound"), [("-0.1", "min: 0"), ("150.1", "max: 150")])
def test_a_number_beyond_what_is_plausible_is_rejected(cell: str, bound: str) -> None:
    found = of([(cell, "", "")], {**VALUE, "min": 0, "max": 150})
    assert found.codes == [("a.csv:2", "out-of-bounds")]
    assert bound in found.rejects[0]


@pytest.mark.parametrize("cell", ["0", "150"])
def test_a_bound_itself_is_allowed(cell: str) -> None:
    assert number([(cell, "", "")], {**VALUE, "min": 0, "max": 150}) == cell


def test_bounds_are_held_against_the_number_that_would_be_sent() -> None:
    assert number([("0.988", "", "")], {**VALUE, "scale": 100, "max": 150}) == "98.8"
    assert of([("98.8", "", "")], {**VALUE, "scale": 100, "max": 150}).codes == [("a.csv:2", "out-of-bounds")]


def test_a_zero_that_means_not_entered_yet_is_no_value() -> None:
    assert of([("0,0", "", "")], VALUE).numbers == {}
    assert of([("0", "", "")], {**VALUE, "zero_is_null": True}).numbers == {}
    assert number([("0", "", "")], VALUE) == "0"


# ---------------------------------------------------------------- contradictions


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({**VALUE, "numerator": "m"}, "a ratio needs numerator and denominator"),
        ({**RATIO, "column": "n"}, "a ratio has numerator and denominator, and no column, constant or aggregate"),
        ({**RATIO, "aggregate": "sum"}, "a ratio has numerator and denominator, and no column, constant or aggregate"),
        ({**VALUE, "min": 2, "max": 1}, "min 2 is larger than max 1"),
        ({**VALUE, "unit": {"column": "u"}}, "give either factors or table"),
        ({**VALUE, "unit": {"column": "u", "factors": {"KG": 0}}}, "a factor of 0 would make every number 0"),
        ({**VALUE, "unit": WEIGHTS, "as": "minutes"}, "as names the unit of a time; unit is for other quantities"),
        ({**VALUE, "sign": {"column": "u", "negative": ["H"], "positive": ["H"]}}, "'H' is both negative and positive"),
    ],
)
def test_what_contradicts_itself_is_refused(value: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        options(value)
