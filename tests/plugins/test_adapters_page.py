"""The page for authors of adapters shows the sample as it is, and what it costs."""

from __future__ import annotations

import re
from inspect import signature
from pathlib import Path

import pytest
from cost import table

from kpisync.model import ReplyKind
from kpisync.ports import Surroundings
from kpisync.testing import DestinationConformance, SourceConformance

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/adapters.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_page_has_snippets() -> None:
    assert {Path(file).suffix for file, _ in SNIPPETS} == {".py", ".toml", ".yaml"}


@pytest.mark.parametrize(("file", "snippet"), SNIPPETS)
def test_each_snippet_stands_in_its_file(file: str, snippet: str) -> None:
    assert f"\n{snippet}" in (ROOT / file).read_text(encoding="utf-8")


def test_the_page_shows_the_cost_as_it_is_measured() -> None:
    assert table() in PAGE


def test_an_adapter_costs_one_module_one_line_and_one_test_class() -> None:
    costs = re.findall(r"\| (\d+) lines \| (\d+) line \| (\d+) lines \|", table())
    assert len(costs) == 2
    assert all(int(module) < 100 and int(entries) == 1 and int(tests) < 40 for module, entries, tests in costs)


def test_every_reply_and_every_surrounding_is_explained() -> None:
    assert [kind.name for kind in ReplyKind if f"| `{kind.name}` |" not in PAGE] == []
    assert [name for name in signature(Surroundings).parameters if f"`around.{name}" not in PAGE] == []


@pytest.mark.parametrize("suite", [DestinationConformance, SourceConformance])
def test_every_hook_is_explained(suite: type) -> None:
    hooks = {
        name
        for kind in suite.__mro__[:-1]
        for name in vars(kind)
        if not name.startswith(("_", "test_")) and name not in ("spec", "options_of_kpisync")
    }
    documented = set(re.findall(r"`(\w+)(?:\([^`]*\))?`", PAGE))
    assert hooks - documented - {"build", "columns", "as_text"} == set()
