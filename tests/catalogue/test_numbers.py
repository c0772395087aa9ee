"""Numbers as real exports hold them (N1 to N14): the exact number, or the exact rejection; never a guess.

The rows for workbooks (N8 and a half of N13) and for signs and units from another column (N6, N7) stand elsewhere.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from csv_exports import QTY, came_of_text, cells, numbers_of

PORTUGUESE = {"decimal": ",", "thousands": "."}
GROUPS = "which separates thousands here, so it must stand before groups of three digits"


def decimals(*texts: str | None) -> list[Decimal | None]:
    return [None if text is None else Decimal(text) for text in texts]


def test_n1_a_point_is_what_the_job_declares_for_its_column(tmp_path: Path) -> None:
    text = "line;day;qty;price\nL1;2026-11-19;9.455;16.000\n"
    price = {"kpi": "output", "value": "actual", "column": "price"}
    came = came_of_text(tmp_path, text, QTY, price, columns={"qty": PORTUGUESE})
    assert came.numbers == {"press 2026-11-19": 9455, "output press 2026-11-19": 16}


def test_n1_a_value_that_does_not_fit_the_pattern_is_rejected_and_the_others_are_sent(tmp_path: Path) -> None:
    came = came_of_text(tmp_path, cells(["9.455", "1.23", "16.000"]), **PORTUGUESE)
    assert list(came.numbers.values()) == [9455, 16000]
    assert came.rejects == [f"3 bad-number: column qty: '1.23' has '.', {GROUPS}"]


def test_n1_an_undeclared_separator_is_rejected_with_the_option_that_would_allow_it(tmp_path: Path) -> None:
    came = came_of_text(tmp_path, cells(["9.455"]), decimal=",")
    assert came.numbers == {}
    assert came.rejects == [
        "2 bad-number: column qty: '9.455' has '.', but the decimal separator is ','; "
        'if it separates thousands, declare thousands: "."'
    ]


@pytest.mark.parametrize("others", [[], ["-1.0"], ["-1.0", "1000.5"]])
def test_n2_what_a_cell_means_does_not_depend_on_the_other_cells(tmp_path: Path, others: list[str]) -> None:
    assert numbers_of(tmp_path, ["5.6", *others])[0] == Decimal("5.6")


def test_n3_a_minus_may_trail_or_be_parentheses_where_declared(tmp_path: Path) -> None:
    sign = ["leading", "trailing", "parentheses"]
    found = numbers_of(tmp_path, ["1.234,56-", "(1.234,56)", "-1.234,56", "1.234,56"], sign=sign, **PORTUGUESE)
    assert found == decimals("-1234.56", "-1234.56", "-1234.56", "1234.56")


def test_n3_parentheses_that_are_not_declared_are_rejected_and_never_disappear(tmp_path: Path) -> None:
    came = came_of_text(tmp_path, cells(["(1.234,56)"]), **PORTUGUESE)
    assert came.numbers == {}
    assert came.rejects == [
        "2 bad-number: column qty: '(1.234,56)' is not a number; "
        "if parentheses mean minus, declare sign: [leading, trailing, parentheses]"
    ]


def test_n4_thousands_separators_are_optional_in_each_cell(tmp_path: Path) -> None:
    assert numbers_of(tmp_path, ["9,999.9", "9999.999"], thousands=",") == decimals("9999.9", "9999.999")


def test_n4_the_size_of_a_group_is_checked(tmp_path: Path) -> None:
    came = came_of_text(tmp_path, cells(["9,99.9", "99,9999", "1,000,00.5"]), thousands=",")
    assert [reject.split(": ")[2] for reject in came.rejects] == [
        f"'{cell}' has ',', {GROUPS}" for cell in ("9,99.9", "99,9999", "1,000,00.5")
    ]


def test_n5_any_number_of_decimals_is_read(tmp_path: Path) -> None:
    assert numbers_of(tmp_path, ["14,5", "4.805,20", "7"], **PORTUGUESE) == decimals("14.5", "4805.20", "7")


@pytest.mark.parametrize(
    ("cell", "value", "sent"),
    [("0.98", {"scale": 100}, "98"), ("98.8", {}, "98.8"), ("0.798", {"scale": 100, "decimals": 1}, "79.8")],
)
def test_n9_a_percentage_is_scaled_only_as_its_value_says(
    tmp_path: Path, cell: str, value: dict[str, Any], sent: str
) -> None:
    assert numbers_of(tmp_path, [cell], {**QTY, **value}) == [Decimal(sent)]


def test_n9_a_percent_sign_is_no_part_of_a_number(tmp_path: Path) -> None:
    came = came_of_text(tmp_path, cells(["98%"]))
    assert came.rejects == ["2 bad-number: column qty: '98%' is not a number: '%' is no part of one there"]


def test_n10_the_noise_of_floats_is_rounded_away_in_decimals(tmp_path: Path) -> None:
    noisy = ["11762.078000000001", "480.00000000000006", "0.125"]
    assert numbers_of(tmp_path, noisy, {**QTY, "decimals": 3}) == decimals("11762.078", "480", "0.125")
    assert numbers_of(tmp_path, noisy, {**QTY, "decimals": 2}) == decimals("11762.08", "480", "0.13")
    assert numbers_of(tmp_path, noisy) == decimals(*noisy)


TOKENS = ["-", "?", "#NV", "#N/V", "#N/A", "#DIV/0!", "n/a", "<5"]


def test_n11_null_tokens_are_no_statement_and_never_0_or_a_code(tmp_path: Path) -> None:
    assert numbers_of(tmp_path, ["", " ", *TOKENS, "0", "42"], null=TOKENS) == decimals(*[None] * 10, "0", "42")


def test_n11_what_is_not_declared_as_null_is_rejected(tmp_path: Path) -> None:
    came = came_of_text(tmp_path, cells(["", *TOKENS]))
    assert came.numbers == {}
    said = [reject.removeprefix(f"{line} bad-number: column qty: ") for line, reject in enumerate(came.rejects, 3)]
    nothing = "is not a number; if it means no value, declare it under null"
    assert said[:-1] == [f"'{token}' {nothing}" for token in TOKENS[:-1]]
    assert said[-1] == "'<5' is not a number: '<' is no part of one there"


def test_n11_a_null_token_may_be_declared_for_one_column_alone(tmp_path: Path) -> None:
    came = came_of_text(tmp_path, cells(["-"]), columns={"day": {"null": ["-"]}})
    assert len(came.rejects) == 1
    assert came_of_text(tmp_path, cells(["-"]), columns={"qty": {"null": ["-"]}}).rejects == []


def test_n12_a_zero_that_means_not_entered_yet_is_no_statement_and_its_correction_is(tmp_path: Path) -> None:
    assert numbers_of(tmp_path, ["0", "0.00", "10"], null=["0", "0.00"]) == decimals(None, None, "10")
    assert numbers_of(tmp_path, ["5", "0.00", "10"], null=["0", "0.00"]) == decimals("5", None, "10")
    assert numbers_of(tmp_path, ["0"]) == [Decimal(0)]


def test_n13_leading_zeros_are_a_part_of_keys(tmp_path: Path) -> None:
    text = "line;day;qty\n0001200;2026-11-19;1\n00692;2026-11-19;2\n000;2026-11-19;3\n1200;2026-11-19;4\n"
    came = came_of_text(tmp_path, text, map={"team": {"column": "line", "lookup": "keys"}})
    assert came.numbers == {"press 2026-11-19": 1, "paint 2026-11-19": 2, "south 2026-11-19": 3}
    assert [reject.split(":")[0] for reject in came.rejects] == ["5 unknown-team"]


def test_n14_trailing_zeros_that_an_export_drops_make_no_other_number(tmp_path: Path) -> None:
    german = numbers_of(tmp_path, ["249,9", "18,4", "8432,88"], decimal=",")
    english = numbers_of(tmp_path, ["249.9000", "18.40", "8432.88"])
    assert german == english
    assert [str(number) for number in german] == [str(number) for number in english]
