"""Entries are added to YAML text in their places, and every character that stood there stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpisync.catalogs.graft import Entry, Tree, grafted, plain, rendered
from kpisync.catalogs.scalars import scalar, tidy
from kpisync.config.yaml import parse
from kpisync.errors import ConfigError

FILE = Path("catalog.yaml")


def tree(**entries: str | dict[str, str]) -> Tree:
    return {
        key: Entry(value if isinstance(value, str) else {inner: Entry(text) for inner, text in value.items()})
        for key, value in entries.items()
    }


def subsequence(part: str, whole: str) -> bool:
    remaining = iter(whole)
    return all(char in remaining for char in part)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "a:\n  b: c\n"),
        ("x: 1\n", "x: 1\na:\n  b: c\n"),
        ("x: 1", "x: 1\na:\n  b: c\n"),
        ("# only a comment\n", "# only a comment\na:\n  b: c\n"),
        ("a: {}   # none yet\n", "a: {b: c}   # none yet\n"),
        ("a: {x: y}\n", "a: {x: y, b: c}\n"),
        ("a: {x: y, }\n", "a: {x: y, b: c, }\n"),
        ("a: {\n  x: y  # why\n}\n", "a: {\n  x: y, b: c  # why\n}\n"),
        ("a:\n    x: y  # why\n    # the end\nz: 1\n", "a:\n    x: y  # why\n    b: c\n    # the end\nz: 1\n"),
        ("a:\n", "a:\n  b: c\n"),
        ("a:\n  b: other\n", "a:\n  b: other\n"),
    ],
)
def test_an_entry_goes_where_its_kind_stands(before: str, after: str) -> None:
    assert grafted(before, FILE, tree(a={"b": "c"})) == after


def test_the_indentation_of_the_file_is_kept() -> None:
    before = "a:\n      x:\n            y: z\n"
    found = grafted(before, FILE, {"a": Entry({"new": Entry({"b": Entry("c")})})})
    assert found == f"{before}      new:\n            b: c\n"


def test_a_comment_stands_above_what_it_speaks_of() -> None:
    assert list(rendered({"a": Entry("b", ("why",))}, 2)) == ["  # why", "  a: b"]


def test_a_remark_stands_once_above_its_key() -> None:
    once = grafted("a:\n  b: c\n", FILE, {}, {("a", "b"): "gone"})
    assert once == "a:\n  # gone\n  b: c\n"
    assert grafted(once, FILE, {}, {("a", "b"): "gone"}) == once


def test_a_remark_has_no_place_inside_braces() -> None:
    assert grafted("a: {b: c}\n", FILE, {}, {("a", "b"): "gone"}) == "a: {b: c}\n"


@pytest.mark.parametrize("text", ["a: [1]\n", "a: b\n", "a: &x {}\n", "a: {b: 1, b: 2}\n", "- a\n", "a: {b: c\n"])
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        grafted(text, FILE, tree(a={"n": "c"}))


TEXTS = st.text(max_size=20).map(tidy)


@given(TEXTS)
def test_any_text_survives_as_a_scalar(text: str) -> None:
    document = parse(f"{scalar(text)}: {scalar(text)}\nin: {{{scalar(text)}: {scalar(text)}}}\n".encode(), FILE)
    if text != "in":
        assert document.value == {text: text, "in": {text: text}}


@given(
    st.dictionaries(TEXTS, TEXTS, max_size=4),
    st.dictionaries(TEXTS, TEXTS, max_size=4),
    st.sampled_from(["{}", "block"]),
    st.booleans(),
)
def test_any_names_are_added_and_nothing_is_lost(
    old: dict[str, str], new: dict[str, str], style: str, last_break: bool
) -> None:
    inner = {key: Entry(value) for key, value in old.items()}
    if style == "block":
        before = "\n".join(rendered({"a": Entry(inner)}))
    else:
        before = "a: {" + ", ".join(f"{scalar(key)}: {scalar(value)}" for key, value in old.items()) + "}  # mine"
    before += "\n" * last_break
    addition = {"a": Entry({key: Entry(value) for key, value in new.items()})}
    after = grafted(before, FILE, addition)
    assert subsequence(before, after)
    assert parse(after.encode(), FILE).value == {"a": {**plain(addition)["a"], **old}}  # type: ignore[dict-item]
