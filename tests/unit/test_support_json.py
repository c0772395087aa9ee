"""Numbers go through JSON digit by digit, and what is no JSON is refused."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpisync.support.json import dumps, loads

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("177", "177"),
        ("12.50", "12.50"),
        ("1E+3", "1000"),
        ("1E-7", "0.0000001"),
        ("-0", "0"),
        ("-0.00", "0.00"),
        ("0E+5", "0"),
        ("123456789012345678901234567890.123456789", "123456789012345678901234567890.123456789"),
    ],
)
def test_a_decimal_is_written_with_its_digits_and_without_an_exponent(number: str, text: str) -> None:
    assert dumps(Decimal(number)) == text


@given(NUMBERS)
def test_a_decimal_comes_back_as_it_was(number: Decimal) -> None:
    text = dumps(number)
    assert loads(text) == number
    assert "e" not in text.lower()


@given(st.recursive(st.none() | st.booleans() | st.text() | NUMBERS, lambda inner: st.lists(inner), max_leaves=20))
def test_what_is_written_is_json_and_can_be_encoded(value: object) -> None:
    assert loads(dumps(value).encode()) == value


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_not_written(number: str) -> None:
    with pytest.raises(ValueError, match="no JSON number"):
        dumps(Decimal(number))


@pytest.mark.parametrize("number", ["1E+1000000", "1E-1000000"])
def test_a_number_of_a_million_digits_is_not_written(number: str) -> None:
    with pytest.raises(ValueError, match="too large or too small"):
        dumps(Decimal(number))


@pytest.mark.parametrize("value", [1.5, b"bytes", bytearray(b"x"), object(), {1, 2}])
def test_what_json_does_not_have_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="no JSON for"):
        dumps({"value": value})


def test_half_a_surrogate_pair_is_escaped_and_other_letters_stay_readable() -> None:
    assert dumps(["\ud800", "größer"]) == '["\\ud800", "größer"]'


def test_every_number_is_read_as_a_decimal() -> None:
    found = loads('{"a": 1, "b": 0.10, "c": 1e2, "d": true}')
    assert [type(found[name]) for name in "abcd"] == [Decimal, Decimal, Decimal, bool]
    assert str(found["b"]) == "0.10"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("NaN", "not a number"),
        ("[Infinity]", "not a number"),
        ('{"a": 1, "a": 2}', "a key occurs twice"),
        ('[{"a": {"b": 1, "c": 2, "b": 1}}]', "a key occurs twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("1e99999999999999999999999999", "out of all bounds"),
        ("", "Expecting value"),
        ("[1,]", "Expecting value|Illegal trailing comma"),
        ("{} {}", "Extra data"),
    ],
)
def test_what_cannot_be_trusted_is_a_value_error(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        loads(text)


def test_bytes_that_are_no_text_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="decode"):
        loads(b'"\xff\xfe"')


def test_a_number_of_ten_thousand_digits_is_read() -> None:
    assert json.dumps("9" * 10_000)[1:-1] == str(loads("9" * 10_000))
