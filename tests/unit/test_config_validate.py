"""What pydantic finds is said in plain words, at the place where it stands."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, field_validator

from kpisync.config.findings import Findings, Node
from kpisync.config.validate import validate
from kpisync.config.yaml import parse
from kpisync.fields import Duration, Options, Percent


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Inner(Options):
    column: str
    lookup: str | None = None


class Outer(Options):
    text: str = "x"
    word: str = Field("x", min_length=1, max_length=5, pattern="^[a-z]*$")
    whole: int = Field(1, ge=1, lt=10)
    number: Decimal = Decimal(1)
    rate: float = 1.0
    truth: bool = False
    colour: Colour = Colour.RED
    mode: Literal["a", "b"] = "a"
    span: Duration | None = None
    share: Percent = None
    either: str | Inner = "x"
    many: list[Inner] = Field(default_factory=list, max_length=2)
    numbers: list[int] = Field(default_factory=list)
    table: dict[str, int] = Field(default_factory=dict)
    renamed: int = Field(1, alias="as")
    picky: Annotated[str, Field()] = "x"

    @field_validator("picky")
    @classmethod
    def _picky(cls, text: str) -> str:
        if text == "no":
            raise ValueError("this word is taken; choose another")
        return text


def said(text: str) -> list[str]:
    document = parse(text.encode(), Path("a"))
    findings = Findings()
    found = validate(Outer, Node(document, (), document.value), findings)
    assert (found is None) == bool(findings.problems)
    return [str(problem) for problem in findings.problems]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text: true", "a:1:7: expected text, found true. Put it in quotes."),
        ("text: [a]", "a:1:7: expected text, found a list"),
        ("word: ''", "a:1:7: must not be empty"),
        ("word: abcdef", 'a:1:7: "abcdef" must have at most 5 characters'),
        ("word: A", 'a:1:7: "A" does not match the pattern ^[a-z]*$'),
        ("whole: x", 'a:1:8: expected a whole number, found text "x"'),
        ("whole: 1.5", "a:1:8: expected a whole number, found 1.5"),
        ("whole: '2'", 'a:1:8: expected a whole number, found text "2"'),
        ("whole: true", "a:1:8: expected a whole number, found true"),
        ("whole:", "a:1:7: expected a whole number, found nothing"),
        ("whole: 0", "a:1:8: 0 must be at least 1"),
        ("whole: 10", "a:1:8: 10 must be less than 10"),
        ("number: 1,5", 'a:1:9: expected a number, found text "1,5"'),
        ("number: 1e3", 'a:1:9: expected a number, found text "1e3"'),
        ("number: true", "a:1:9: expected a number, found true"),
        ("number: {}", "a:1:9: expected a number, found a mapping"),
        ("rate: '1.5'", 'a:1:7: expected a number, found text "1.5"'),
        ("truth: no", 'a:1:8: expected true or false, found text "no"'),
        ("truth: 1", "a:1:8: expected true or false, found 1"),
        ("colour: gren", 'a:1:9: expected red or green, found "gren"; did you mean "green"?'),
        ("mode: c", 'a:1:7: expected a or b, found "c"'),
        ("mode: [a]", "a:1:1: expected a or b"),
        ("span: 5 minutes", 'a:1:7: "5 minutes" is not a duration such as 500ms, 30s, 2m, 1h or 1d'),
        ("share: '0.3'", 'a:1:8: "0.3" is not a percentage such as 30%, or none'),
        ("either: {colum: x}", 'a:1:10: unknown key "colum"; did you mean "column"?'),
        ("either: {lookup: x}", 'a:1:1: "column" is missing'),
        ("either: 2026-11-20\neither2: 1", 'a:2:1: unknown key "either2"; did you mean "either"?'),
        ("either: [1]", "a:1:9: expected text or a mapping, found a list"),
        ("many: x", 'a:1:7: expected a list, found text "x"'),
        ("many: [{column: a}, {colum: b}]", 'a:1:22: unknown key "colum"; did you mean "column"?'),
        ("many: [{column: a}, b]", 'a:1:21: expected a mapping, found text "b"'),
        ("many: [{column: a}, {column: a}, {column: a}]", "a:1:1: this must have at most 2 entries"),
        ("numbers: [1, '2']", 'a:1:14: expected a whole number, found text "2"'),
        ("table: {a: x}", 'a:1:12: expected a whole number, found text "x"'),
        ("as: x", 'a:1:5: expected a whole number, found text "x"'),
        ("renamed: 1", 'a:1:1: unknown key "renamed". Known here: '),
        ("picky: no", "a:1:8: this word is taken; choose another"),
        ("span: 99999999999999999d", "a:1:7: a duration beyond all bounds"),
        ("- 1", "a:1:1: expected a mapping, found a list"),
    ],
)
def test_a_mistake_is_said_once_in_plain_words_at_its_place(text: str, message: str) -> None:
    [found] = said(text)
    assert found == message or (message.endswith(": ") and found.startswith(message))


def test_a_sound_part_is_its_model() -> None:
    assert not said("{text: 12, whole: 2, number: 1.50, truth: true, share: 30%, many: [{column: 10}], as: 3}")


def test_numbers_are_taken_as_text_where_text_is_meant() -> None:
    document = parse(b"text: 1.50", Path("a"))
    found: Any = validate(Outer, Node(document, (), document.value), Findings())
    assert found.text == "1.50"


def test_long_values_are_cut_and_control_characters_escaped() -> None:
    [found] = said(f'whole: "\\e[31m{"x" * 200}"')
    assert found == f'a:1:8: expected a whole number, found text "\\u001b[31m{"x" * 55}…"'


def test_all_mistakes_of_a_part_are_said_at_once() -> None:
    assert len(said("whole: x\ntruth: no\nnumber: '2'\nmany: [{}, {column: true}]\nodd: 1")) == 6
