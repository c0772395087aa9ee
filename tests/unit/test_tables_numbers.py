"""Numbers are read as declared, exactly, or refused with a reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpisync.model import NumberFormat
from kpisync.tables.numbers import BadNumber, parse_number

PLAIN = NumberFormat()
GERMAN = NumberFormat(decimal=",", thousands=".")
LOCALES = {
    "plain": PLAIN,
    "de": GERMAN,
    "en": NumberFormat(thousands=","),
    "fr": NumberFormat(decimal=",", thousands=" "),
    "ch": NumberFormat(thousands="'"),
}
TYPED_AS = {" ": " \u00a0\u202f", "'": "'\u2019"}


def refusal(cell: object, fmt: NumberFormat = PLAIN) -> str:
    with pytest.raises(BadNumber) as caught:
        parse_number(cell, fmt)
    return str(caught.value)


def written(number: Decimal, fmt: NumberFormat, group: str, minus: str, *, trailing: bool, grouped: bool) -> str:
    whole, _, fraction = f"{abs(number):f}".partition(".")
    if grouped:
        whole = f"{int(whole):,}".replace(",", group)
    text = whole + (fmt.decimal + fraction if fraction else "")
    if number >= 0:
        return text
    return text + minus if trailing else minus + text


@given(
    number=st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**14), max_value=10**14)
    | st.integers(-(10**18), 10**18).map(Decimal),
    locale=st.sampled_from(sorted(LOCALES)),
    trailing=st.booleans(),
    grouped=st.booleans(),
    minus=st.sampled_from("-\u2212"),
    padding=st.sampled_from(["", " ", "\u00a0", "\t"]),
    data=st.data(),
)
def test_a_number_written_in_a_locale_is_read_back_exactly(
    number: Decimal, locale: str, trailing: bool, grouped: bool, minus: str, padding: str, data: st.DataObject
) -> None:
    fmt = LOCALES[locale]
    group = data.draw(
        st.sampled_from(TYPED_AS.get(fmt.thousands or "", fmt.thousands or "")) if fmt.thousands else st.just("")
    )
    text = written(number, fmt, group, minus, trailing=trailing, grouped=grouped)
    read = parse_number(padding + text + padding, fmt)
    assert read == number
    assert read is not None
    assert not (read == 0 and read.is_signed())


@given(st.text(max_size=30), st.sampled_from(sorted(LOCALES)))
def test_any_text_is_a_finite_number_or_nothing_or_refused(text: str, locale: str) -> None:
    try:
        number = parse_number(text, LOCALES[locale])
    except BadNumber:
        return
    assert number is None or number.is_finite()


@given(st.text(alphabet="0123456789.,-+eE() '", max_size=12))
def test_a_plain_text_is_read_as_decimal_reads_it_or_refused(text: str) -> None:
    try:
        number = parse_number(text, PLAIN)
    except BadNumber:
        return
    if number is not None and not text.strip().endswith(("-", "+")):
        assert number == Decimal(text.strip())


@pytest.mark.parametrize(
    "cell",
    [
        "nan",
        "inf",
        "-Infinity",
        "1_000",
        "1e999",
        "1e19",
        "\u0663",
        "\uff11",
        "0x10",
        "1,5",
        "5.",
        "--5",
        "-5-",
        "- 5",
        "12%",
        ".",
        "-",
        "1 000",
        "1" * 35,
        "0." + "1" * 35,
        "9" * 200,
    ],
)
def test_what_is_no_plain_number_is_refused(cell: str) -> None:
    assert cell[:34] in refusal(cell)


@pytest.mark.parametrize("cell", ["1.23", "1.2345", "12345.678", "1.23.456", ".123", "0.123", "1.234.5", "1.234e2"])
def test_thousands_separators_that_do_not_make_groups_of_three_are_refused(cell: str) -> None:
    refusal(cell, GERMAN)


def test_an_undeclared_separator_is_never_guessed_and_the_refusal_says_what_to_declare() -> None:
    assert 'declare thousands: "."' in refusal("9.455", NumberFormat(decimal=","))


@pytest.mark.parametrize(
    ("cell", "number"), [("9.455", "9455"), ("9455", "9455"), ("14,5", "14.5"), ("4.805,20", "4805.20")]
)
def test_thousands_separators_are_optional_and_any_number_of_decimals_is_read(cell: str, number: str) -> None:
    assert parse_number(cell, GERMAN) == Decimal(number)


def test_one_text_is_two_numbers_under_two_declarations() -> None:
    assert parse_number("16.000", GERMAN) == 16000
    assert parse_number("16.000", PLAIN) == 16


@pytest.mark.parametrize("cell", ["-1.234,56", "1.234,56-", "\u22121.234,56"])
def test_leading_and_trailing_minus_are_read_without_a_declaration(cell: str) -> None:
    assert parse_number(cell, GERMAN) == Decimal("-1234.56")


def test_parentheses_mean_minus_only_where_declared() -> None:
    assert "sign" in refusal("(1.234,56)", GERMAN)
    declared = NumberFormat(",", ".", ("parentheses",))
    assert parse_number("(1.234,56)", declared) == Decimal("-1234.56")
    assert "leading sign" in refusal("-5", declared)
    refusal("(-5)", NumberFormat(signs=("leading", "parentheses")))


@pytest.mark.parametrize(
    ("cell", "number"), [("1.17E4", "11700"), ("1e-3", "0.001"), ("-0e7", "0"), ("1E18", "1" + "0" * 18)]
)
def test_an_exponent_of_a_bounded_size_is_read_and_written_out(cell: str, number: str) -> None:
    assert str(parse_number(cell, PLAIN)) == number


@pytest.mark.parametrize("cell", ["", "  ", "\u00a0", None, "-", " n/a ", b""])
def test_a_null_token_and_an_empty_cell_are_no_number(cell: object) -> None:
    assert parse_number(cell, NumberFormat(nulls=frozenset({"", "-", "n/a"}))) is None


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (7, "7"),
        (Decimal("1.50"), "1.50"),
        (0.1, "0.1"),
        (5.5e-17, "5.5E-17"),
        (b"224.91", "224.91"),
        (b"1E+2", "100"),
        (-0.0, "0"),
    ],
)
def test_a_typed_number_is_taken_as_it_is_whatever_the_text_format(cell: object, number: str) -> None:
    assert str(parse_number(cell, GERMAN)) == number


@pytest.mark.parametrize(
    "cell",
    [
        True,
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        1e300,
        10**400,
        date(2026, 1, 1),
        b"\xff",
        b"abc",
        [1],
    ],
)
def test_what_is_typed_otherwise_is_refused(cell: object) -> None:
    refusal(cell)


def test_a_refusal_quotes_at_most_forty_characters_and_escapes_control_characters() -> None:
    reason = refusal("a\x1b\n" + "b" * 100)
    assert "\x1b" not in reason
    assert "\\x1b\\n" in reason
    assert "b" * 38 not in reason
