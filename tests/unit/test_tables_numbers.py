"""Numbers are read as declared, exactly, or refused with a reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpisync.model import NumberFormat
from kpisync.tables.cells import shown
from kpisync.tables.numbers import BadNumber, parse_number
from kpisync.tables.options import NumberOptions, number_format

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


# ---------------------------------------------------------------- an apostrophe against formula injection

ESCAPED = number_format(NumberOptions.model_validate({"strip_apostrophe": True, "decimal": ",", "null": ["-", "n/a"]}))


@pytest.mark.parametrize(("cell", "number"), [("'-75,63", "-75.63"), ("'+5", "5"), (" '7 ", "7"), ("'1e3", "1000")])
def test_an_apostrophe_before_a_number_is_removed_where_the_job_says_so(cell: str, number: str) -> None:
    assert parse_number(cell, ESCAPED) == Decimal(number)


def test_an_apostrophe_before_a_number_is_refused_otherwise_and_the_refusal_names_the_option() -> None:
    assert refusal("'-75.63").endswith("declare strip_apostrophe: true")


@pytest.mark.parametrize("cell", ["'-", "'n/a", "'", "-"])
def test_a_null_token_behind_an_apostrophe_is_one_too(cell: str) -> None:
    assert parse_number(cell, ESCAPED) is None
    assert cell in ESCAPED.nulls


@pytest.mark.parametrize("cell", ["''5", "5'", "'L1", "'5'", "' '5"])
def test_no_other_apostrophe_is_removed(cell: str) -> None:
    refusal(cell, ESCAPED)


def test_an_apostrophe_that_separates_thousands_is_none_that_was_put_before() -> None:
    swiss = number_format(NumberOptions.model_validate({"thousands": "'", "strip_apostrophe": True}))
    assert parse_number("'1'234.50", swiss) == Decimal("1234.50")


# ---------------------------------------------------------------- words

CHOSEN = NumberFormat(",", ".", ("leading",))


NO_VALUE = "is not a number; if it means no value, declare it under null"
POINT = "but the decimal separator is '.'"
GROUPS = "which separates thousands here, so it must stand before groups of three digits"


@pytest.mark.parametrize(
    ("cell", "fmt", "reason"),
    [
        ("abc", PLAIN, NO_VALUE),
        ("-", PLAIN, NO_VALUE),
        ("#DIV/0!", PLAIN, NO_VALUE),
        ("<5", PLAIN, "is not a number: '<' is no part of one there"),
        ("5 kg", PLAIN, "is not a number: 'k' is no part of one there"),
        ("5-5", PLAIN, "is not a number: '-' is no part of one there"),
        ("--5", PLAIN, "has two signs"),
        ("-5-", PLAIN, "has two signs"),
        ("5-", CHOSEN, "has a trailing sign, which is not declared under sign"),
        ("(5)", PLAIN, "is not a number; if parentheses mean minus, declare sign: [leading, trailing, parentheses]"),
        ("1.2.3", PLAIN, "has the decimal separator '.' more than once"),
        ("5.", PLAIN, "has no digits behind its decimal separator '.'"),
        ("1,5", PLAIN, f"has ',', {POINT}; if it separates the decimals, declare decimal: \",\""),
        ("1,500", PLAIN, f"has ',', {POINT}; if it separates thousands, declare thousands: \",\""),
        ("1\u202f500", PLAIN, f"has ' ', {POINT}; if it separates thousands, declare thousands: \" \""),
        ("- 5", PLAIN, f"has ' ', {POINT}"),
        ("1.23", GERMAN, f"has '.', {GROUPS}"),
        ("0.123", GERMAN, f"has '.', {GROUPS}"),
        ("1.234e2", GERMAN, "has thousands separators and an exponent; one of them is a mistake"),
        ("\u0663", PLAIN, "has digits other than 0 to 9"),
        ("1e99", PLAIN, "has an exponent beyond 18"),
        ("9" * 35, PLAIN, "is larger, or nearer to zero, than a number may be"),
    ],
)
def test_a_refusal_names_the_text_and_the_rule_it_broke(cell: str, fmt: NumberFormat, reason: str) -> None:
    assert refusal(cell, fmt) == f"{shown(cell)} {reason}"


@given(st.text(alphabet="0123456789.,-+eE() '#k", min_size=1, max_size=12), st.sampled_from(sorted(LOCALES)))
def test_a_refusal_always_quotes_the_cell(text: str, locale: str) -> None:
    try:
        parse_number(text, LOCALES[locale])
    except BadNumber as refused:
        assert shown(text.strip()) in str(refused)


def test_a_number_may_begin_with_its_decimal_separator_whatever_else_is_declared() -> None:
    assert [parse_number(cell, GERMAN) for cell in (",5", "-,5", ",5e1")] == [Decimal("0.5"), Decimal("-0.5"), 5]
