"""Strict YAML: values stay what they look like, and every fault has its place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpisync.config.yaml import MAX_BYTES, Document, Mark, parse

FILE = Path("a.yaml")


def document(text: str) -> Document:
    return parse(text.encode(), FILE)


def value(text: str) -> object:
    found = document(f"a: {text}\n")
    assert not found.faults
    assert isinstance(found.value, dict)
    return found.value["a"]


def fault(text: str | bytes) -> tuple[Mark, str]:
    [found] = parse(text.encode() if isinstance(text, str) else text, FILE).faults
    return found.mark, f"{found.message}. {found.hint}"


@pytest.mark.parametrize(
    "text",
    ["NO", "no", "yes", "on", "Off", "y", "12:30", "0010", "1e3", "1_000", "0x1F", "0o17", "2026-11-20", ".5", "5.",
     "+1", ".inf", ".nan", "1,5", "tRUE", "nUll", "١٢"],
)  # fmt: skip
def test_what_is_no_plain_number_or_truth_value_stays_text(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("0", 0), ("-12", -12)],
)
def test_the_plain_words_and_whole_numbers_of_the_core_schema_have_their_type(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_a_number_with_decimals_keeps_its_digits() -> None:
    found = value("2.50")
    assert isinstance(found, Decimal)
    assert str(found) == "2.50"


@pytest.mark.parametrize("text", ['"12"', "'true'", '""', "|\n  null"])
def test_a_quoted_or_block_text_is_text(text: str) -> None:
    assert isinstance(value(text), str)


@given(st.integers(min_value=-(10**25), max_value=10**25))
def test_any_whole_number_reads_as_itself(number: int) -> None:
    assert value(str(number)) == number


@given(st.from_regex(r"(0|[1-9][0-9]{0,12})\.[0-9]{1,6}", fullmatch=True))
def test_any_decimal_reads_as_exactly_itself(text: str) -> None:
    assert format(Decimal(str(value(text))), "f") == text


def test_keys_are_always_text() -> None:
    assert document("10: a\ntrue: b\nNO: c\n").value == {"10": "a", "true": "b", "NO": "c"}


def test_every_key_and_value_remembers_its_line_and_column() -> None:
    found = document("a:\n  b: [1,\n      two]\n")
    assert found.keys[("a", "b")] == Mark(2, 3)
    assert found.values[("a", "b", 0)] == Mark(2, 7)
    assert found.values[("a", "b", 1)] == Mark(3, 7)


def test_columns_count_characters_not_bytes() -> None:
    assert document("äöü: {ß: 1}\n").values[("äöü", "ß")] == Mark(1, 10)


def test_a_duplicate_key_is_refused_at_its_second_place_and_names_the_first() -> None:
    mark, message = fault("a: 1\nb: 2\na: {x: [1, 2]}\n")
    assert mark == Mark(3, 1)
    assert 'duplicate key "a"; the first is in line 1' in message


def test_keys_that_look_alike_as_text_are_duplicates() -> None:
    assert fault('10: a\n"10": b\n')[0] == Mark(2, 1)


@pytest.mark.parametrize(
    ("text", "mark", "message"),
    [
        ("a: &x 1\n", Mark(1, 4), "an anchor (&name) is not supported"),
        ("a: 1\nb: *x\n", Mark(2, 4), "an alias (*name) is not supported"),
        ("a: 1\n<<: {b: 1}\n", Mark(2, 1), "merge keys (<<) are not supported"),
        ("a: !!python/object:os.system {}\n", Mark(1, 4), "a tag (!name) is not supported"),
        ("a: !!str 12\n", Mark(1, 4), "a tag (!name) is not supported"),
        ("a: 1\n---\nb: 2\n", Mark(2, 1), "a second document begins here"),
        ("? [a]\n: 1\n", Mark(1, 3), "a key must be a plain text"),
        ("a: {{ x }}\n", Mark(1, 5), "a key must be a plain text"),
        ("\ta: 1\n", Mark(1, 1), "a tab cannot be used for indentation"),
        ("a: b: c\n", Mark(1, 5), 'A text that contains ": " needs quotes'),
        ("a: @x\n", Mark(1, 4), 'an unquoted text cannot begin with "@"'),
        ("a: [1, 2\nb: 3\n", Mark(2, 2), "A bracket or brace is not closed"),
        ("a: [${env:X}]\n", Mark(1, 6), "Inside [ ] and { }, put ${…} in quotes"),
        ("a: 'x\n", Mark(2, 1), "A quote is not closed"),
        ("a: 1\nfoo\nb: 2\n", Mark(3, 1), 'A key is followed by ":"'),
        ("- a\nb: 1\n", Mark(2, 1), "Check the indentation"),
        ("a: 1\nb: \x07\n", Mark(2, 4), "the character U+0007 is not allowed"),
        (b"a: 1\nb: \xe4\n", Mark(2, 4), "the file is not UTF-8"),
        (f"a: {'9' * 31}\n", Mark(1, 4), "a number of more than 30 digits"),
        (f"a: 0.{'1' * 31}\n", Mark(1, 4), "a number of more than 30 digits"),
        ("[" * 20_000, Mark(1, 51), "nested deeper than 50 levels"),
        (f"a: 1\na: {'[' * 20_000}", Mark(2, 54), "nested deeper than 50 levels"),
        (b" " * (MAX_BYTES + 1), Mark(1, 1), "the file is larger than 1,000,000 bytes"),
    ],
)  # fmt: skip
def test_what_is_refused_has_its_place_and_its_words(text: str | bytes, mark: Mark, message: str) -> None:
    found_mark, found = fault(text) if "a: 1\na:" not in str(text) else _last_fault(str(text))
    assert (found_mark, message in found) == (mark, True), found


def _last_fault(text: str) -> tuple[Mark, str]:
    found = document(text).faults[-1]
    return found.mark, found.message


@pytest.mark.parametrize("cron", ["*/5 * * * *", "* * * * *", "* 6 1,2 * 1-5"])
def test_an_unquoted_cron_line_is_told_to_take_quotes(cron: str) -> None:
    mark, message = fault(f"jobs:\n  a:\n    schedule: {cron}  # often\n")
    assert mark == Mark(3, 15)
    assert message == f'an unquoted text cannot begin with "*". Put it in quotes: "{cron}".'


@pytest.mark.parametrize("text", ["*hunter22!", "&hunter22!", "*hunter22", "&hunter22", "!hunter22", "@hunter22"])
def test_a_password_that_yaml_takes_for_something_else_is_not_shown(text: str) -> None:
    assert "hunter22" not in fault(f"password: {text}\n")[1]


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter() -> None:
    found = parse(b"\xef\xbb\xbfa: 1\r\nb: x\r\n", FILE)
    assert (found.value, found.faults) == ({"a": 1, "b": "x"}, ())


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_holds_nothing(text: str) -> None:
    found = document(text)
    assert (found.value, found.faults) == (None, ())


def test_a_merge_bomb_is_refused_without_being_unfolded() -> None:
    lines = ["a0: &a0 {x: 1}"] + [f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, 40)]
    found = document("\n".join(lines))
    assert len(found.faults) == 40 + 39
