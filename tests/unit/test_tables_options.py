"""What a user may say about rows and numbers, and what is refused at once."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from kpisync.tables.options import ReaderOptions, column_formats, number_format


def options(**given: Any) -> ReaderOptions:
    return ReaderOptions.model_validate(given)


def test_one_sign_may_stand_without_a_list() -> None:
    assert number_format(options(sign="parentheses")).signs == ("parentheses",)


def test_the_empty_cell_is_null_whatever_other_tokens_are_declared() -> None:
    assert number_format(options(null=["-", " n/a "])).nulls == {"", "-", "n/a"}


def test_a_column_changes_only_what_it_declares_of_the_number_format() -> None:
    formats = column_formats(
        options(decimal=",", thousands=".", columns={"qty": {"thousands": "none"}, "day": {"from": "@2"}})
    )
    assert set(formats) == {"qty"}
    assert (formats["qty"].decimal, formats["qty"].thousands) == (",", None)


@pytest.mark.parametrize(
    "given",
    [
        {"decimal": ",", "thousands": ","},
        {"thousands": ".", "columns": {"qty": {"decimal": "."}}},
        {"decimal": "ab"},
        {"thousands": "5"},
        {"sign": "middle"},
        {"header": {"row": 3, "find": ["a"]}},
        {"header": {"find": []}},
        {"stop_at": {"column": "a"}},
        {"stop_at": {"column": "a", "blank": 1, "matches": "x"}},
        {"drop_rows": [{"column": "a", "matches": "("}]},
        {"unpivot": {"keep": ["a"], "names_to": "a", "values_to": "b"}},
        {"unknown": 1},
    ],
)
def test_a_contradiction_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        options(**given)


def test_fill_down_is_one_block_or_several() -> None:
    assert options(fill_down=["a", "b"]).fill_blocks == [["a", "b"]]
    assert options(fill_down=[["a"], ["b", "c"]]).fill_blocks == [["a"], ["b", "c"]]
    assert options().fill_blocks == []


def test_every_option_is_described() -> None:
    assert all(field.description for field in ReaderOptions.model_fields.values())
    assert ReaderOptions.model_json_schema()["properties"]["sign"]["anyOf"]
