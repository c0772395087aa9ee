"""What a map may say: contradictions are found when the configuration is read."""

from __future__ import annotations

from typing import Any

import pytest
from mapping_builders import SCRAP, options
from pydantic import TypeAdapter, ValidationError

from kpisync.mapping.catalog_options import CatalogOptions
from kpisync.mapping.options import Lookback, LookbackSpan

WHOLE = {"kpi": "scrap", "value": "actual"}


def refused(value: dict[str, Any], **parts: Any) -> str:
    with pytest.raises(ValidationError) as error:
        options(value, **parts)
    return str(error.value.errors()[0]["msg"]).removeprefix("Value error, ")


NO_NUMBER = "a value needs either column or constant, or numerator and denominator"
OF_CELLS = "as, unit and sign belong to a cell; write the constant as the number to send"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (WHOLE, NO_NUMBER),
        (
            {**WHOLE, "column": "n", "constant": 1},
            NO_NUMBER,
        ),
        (
            {**WHOLE, "constant": 1, "as": "minutes"},
            OF_CELLS,
        ),
        (
            {**WHOLE, "constant": 1, "aggregate": "count"},
            "count counts rows, or the filled cells of a column; constant, as, unit and sign mean nothing to it",
        ),
        (
            {**SCRAP, "as": "minutes", "aggregate": "count"},
            "count counts rows, or the filled cells of a column; constant, as, unit and sign mean nothing to it",
        ),
        ({**SCRAP, "scale": "1E+40"}, "'1E+40' is larger, or nearer to zero, than a number may be"),
        ({**WHOLE, "constant": "1" * 40}, f"'{'1' * 40}' is larger, or nearer to zero, than a number may be"),
        ({**SCRAP, "as": "weeks"}, "Input should be 'days', 'hours', 'minutes' or 'seconds'"),
    ],
)
def test_a_value_that_contradicts_itself_is_refused(value: dict[str, Any], said: str) -> None:
    assert refused(value) == said


@pytest.mark.parametrize("number", ["NaN", "Infinity", "sNaN"])
def test_a_constant_is_a_finite_number(number: str) -> None:
    assert "finite" in refused({**WHOLE, "constant": number})


def test_a_date_format_that_leaves_a_part_open_is_refused() -> None:
    assert refused(SCRAP, date={"column": "d", "format": "%d.%m."}) == "a date needs a year, such as %Y"


def test_a_catalog_id_in_capitals_is_the_same_id() -> None:
    shouted = "C3BA32C2-A13A-0000-0000-00000000000A"
    kpi = {"id": shouted, "values": {"actual": shouted}, "sub_tiles": {"early": shouted}}
    catalog = CatalogOptions.model_validate({"teams": {"a": shouted}, "kpis": {"scrap": kpi, "okr": {"id": "Ab"}}})
    read = catalog.catalog()
    lower = shouted.lower()
    assert (read.teams["a"], read.kpis["scrap"].id) == (lower, lower)
    assert (read.kpis["scrap"].values["actual"], read.kpis["scrap"].sub_tiles["early"]) == (lower, lower)
    assert read.kpis["okr"].id == "Ab"


@pytest.mark.parametrize(
    ("text", "span"),
    [("14d", LookbackSpan(14, "d")), ("5w", LookbackSpan(5, "w")), ("all", None), (LookbackSpan(1, "m"),) * 2],
)
def test_a_lookback_is_a_number_of_days_weeks_or_months(text: object, span: LookbackSpan | None) -> None:
    assert TypeAdapter(Lookback).validate_python(text) == span


@pytest.mark.parametrize("text", ["5", "5y", "-5d", "5 d", "٥d", ""])
def test_anything_else_is_no_lookback(text: str) -> None:
    with pytest.raises(ValidationError, match="not a lookback such as 14d, 5w, 3m, or all"):
        TypeAdapter(Lookback).validate_python(text)
