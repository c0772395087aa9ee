"""Whatever a cell of a source holds, it is the number that its format says, or none, or refused; never another."""

from __future__ import annotations

import re
from decimal import Decimal, localcontext

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measure import amount

from kpisync.model import NumberFormat
from kpisync.tables.numbers import BadNumber, parse_number

many = settings(
    max_examples=amount(1_000, 50_000), deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
SEPARATORS = {" ": " \u00a0\u202f", "'": "'\u2019"}  # the ways to type one
formats = st.builds(
    NumberFormat,
    decimal=st.sampled_from(".,"),
    thousands=st.sampled_from([None, ".", ",", " ", "'"]),
    signs=st.sets(st.sampled_from(["leading", "trailing", "parentheses"])).map(tuple),
    nulls=st.sampled_from([frozenset({""}), frozenset({"", "-", "0"})]),
).filter(lambda fmt: fmt.decimal != fmt.thousands)
pieces = st.sampled_from(
    [*"0123456789", "00", "000", "123", "999", *".,.,' \u00a0\u2019", *"-+\u2212()", "e", "E-", "e+"]
)
texts = st.lists(pieces, max_size=9).map("".join) | st.text("0123456789.,-() ", max_size=12) | st.text(max_size=6)


def oracle(text: str, fmt: NumberFormat) -> Decimal:
    """What an accepted cell means: signs aside, separators out, the decimal one a point."""
    body = text.strip()
    mantissa = re.split("[eE]", body)[0] + ("" if re.search("[eE]", body) is None else body[-1:])
    negative = "(" in body or any(sign in (mantissa[:1], body[-1:]) for sign in "-\u2212")
    body = body.strip("()").strip().strip("+-\u2212")
    for char in SEPARATORS.get(fmt.thousands or "", fmt.thousands or ""):
        body = body.replace(char, "")
    with localcontext(prec=200):
        number = Decimal(body.replace(fmt.decimal, "."))
        return -number if negative else number


def check(text: str, fmt: NumberFormat) -> None:
    try:
        number = parse_number(text, fmt)
    except BadNumber as refused:
        assert str(refused).isprintable()
        return
    if number is None:
        assert text.strip() in fmt.nulls | {""}
        return
    assert number == oracle(text, fmt), (text, fmt)
    assert number.is_finite()


@many
@given(texts, formats)
def test_a_cell_is_the_number_that_it_says_or_refused(text: str, fmt: NumberFormat) -> None:
    check(text, fmt)


@many
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=3), st.data())
def test_a_damaged_number_is_another_one_only_if_it_says_so(number: Decimal, data: st.DataObject) -> None:
    fmt = data.draw(formats)
    whole, _, fraction = f"{number:,}".partition(".")
    text = whole.replace(",", fmt.thousands or "") + fmt.decimal + fraction
    at = data.draw(st.integers(0, len(text)))
    gone = data.draw(st.integers(0, 2))
    check(text[:at] + data.draw(st.just("") | pieces) + text[at + gone :], fmt)
