"""What the pages say can be done: links lead somewhere, commands parse, whole configurations load."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from kpisync.config.load import load
from kpisync.config.yaml import parse
from kpisync.errors import Exit
from kpisync.registry import installed
from tests.image.command_lines import parse as parsed

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "reference").glob("*.md"))]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """A page without its code."""
    return re.sub(r"`[^`\n]*`", "", BLOCK.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


class Typed(NamedTuple):
    page: str
    arguments: tuple[str, ...]


def typed(page: Path) -> Iterator[Typed]:
    """Every kpisync command in a block of a page, whatever stands before and after it."""
    for language, _, content in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language not in ("sh", "console", "ini", "text"):
            continue
        for line in content.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True) if "kpisync" in line and _is_command(language, line) else []
            starts = [
                n for n, word in enumerate(words) if re.fullmatch(r"(ExecStart=)?(/opt/kpisync/bin/)?kpisync", word)
            ]
            if starts:
                rest = words[starts[-1] + 1 :]
                ends = [n for n, word in enumerate(rest) if re.match(r"[|&;>]|\d>", word)]
                yield Typed(names(page), tuple(rest[: ends[0]] if ends else rest))


def _is_command(language: str, line: str) -> bool:
    """Of a console, what follows a prompt; of other texts, what calls the program by its path."""
    if language == "sh":
        return True
    return line.startswith("$ ") if language == "console" else "/bin/kpisync" in line


ALL_TYPED = [each for page in PAGES for each in typed(page)]


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if not re.match(r"\w+:", link):
            file, _, anchor = link.partition("#")
            target = page.parent / file if file else page
            assert target.exists(), f"{link} leads nowhere"
            assert not anchor or anchor in anchors(target), f"{link} leads to no heading"


def test_the_index_links_every_page() -> None:
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = [names(page).removeprefix("docs/") for page in PAGES if names(page).startswith("docs/")]
    assert [page for page in pages if page != "index.md" and f"({page})" not in text] == []


def test_commands_are_found_in_the_pages() -> None:
    assert {"README.md", "docs/operate.md", "docs/destinations.md"} <= {each.page for each in ALL_TYPED}
    assert ("docs/operate.md", ("run",)) in ALL_TYPED


@pytest.mark.parametrize("command", ALL_TYPED, ids=lambda each: " ".join(each.arguments))
def test_a_command_that_a_page_shows_can_be_typed(command: Typed) -> None:
    parsed(list(command.arguments))


@pytest.mark.parametrize("wrong", [["run", "--no-such-option"], ["fly"], ["explain"]], ids=" ".join)
def test_a_command_that_cannot_be_typed_would_be_found(wrong: list[str]) -> None:
    with pytest.raises(Exception) as refused:
        parsed(wrong)
    assert getattr(refused.value, "exit_code", None) == Exit.CONFIG


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_yaml_block_can_be_read(page: Path) -> None:
    for language, _, content in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "yaml":
            assert [fault.message for fault in parse(content.encode(), page).faults] == []


def test_a_whole_configuration_in_a_page_is_sound(tmp_path: Path) -> None:
    (tmp_path / "board_password").write_text("not-a-password", encoding="utf-8")
    file = tmp_path / "kpisync.yaml"
    whole = [
        content
        for page in PAGES
        for language, marks, content in BLOCK.findall(page.read_text(encoding="utf-8"))
        if language == "yaml" and ("full" in marks.split() or content.startswith("version: 1\n"))
    ]
    assert len(whole) >= 2
    for content in whole:
        file.write_text(content, encoding="utf-8")
        loaded = load(file, {"BOARD_USER": "api-user", "QUANTIVE_TOKEN": "token"})
        assert [str(problem) for problem in loaded.problems] == []
        assert loaded.jobs


def test_every_installed_type_has_a_worked_example() -> None:
    sources = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    destinations = (ROOT / "docs" / "destinations.md").read_text(encoding="utf-8")
    registry = installed()
    for page, offers in ((sources, registry.sources), (destinations, registry.destinations)):
        own = [name for name, found in offers.items() if found[0].package == "kpisync"]
        assert own
        for name in own:
            assert re.search(rf"^## {name}\n\n```yaml", page, re.MULTILINE), name


def test_every_exit_code_has_its_line() -> None:
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    section = page.partition("## Exit codes\n")[2].partition("\n## ")[0]
    listed = {
        int(number) for row in re.findall(r"^\| ([\d, ]+) \|", section, re.MULTILINE) for number in row.split(",")
    }
    assert listed == {int(code) for code in Exit}
