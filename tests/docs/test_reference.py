"""The generated pages say what the code says now, and every page tells what can be typed and written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.models import OptionInfo

from kpisync.cli.main import cli
from kpisync.config.load import load

ROOT = Path(__file__).parent.parent.parent
SECRETS = {
    "VS_USER": "api-user",
    "QUANTIVE_TOKEN": "token",
    "VS_PASSWORD": "not-a-password",
    "MES_TOKEN": "not-a-token-either",
    "BI_PASSWORD": "not-a-password-either",
    "ERP_URL": "postgresql://reader@erp.example/erp",
    "PAGE_TOKEN": "not-a-token",
    "ALERT_URL": "https://alerts.example/plant",
}


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        return import_module("generate")


@pytest.fixture(scope="module")
def page_of_commands(generate: ModuleType) -> ModuleType:
    return import_module("command_page")


@pytest.fixture(scope="module")
def schema(generate: ModuleType) -> Any:
    return json.loads(next(text for file, text in generate.generated().items() if file.name == "schema.json"))


def keys(schema: Any) -> Iterator[str]:
    """The name of every key that a configuration may have, but for those of the user's choice."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from keys(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from keys(part)


def test_the_generated_files_are_those_of_the_code(generate: ModuleType) -> None:
    stale = [
        file.relative_to(ROOT).as_posix()
        for file, text in generate.generated().items()
        if not file.exists() or file.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "call `make docs`"


def test_every_key_is_in_the_reference(schema: Any) -> None:
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    found = set(keys(schema))
    assert {"password", "align", "fill_down", "max_jump"} <= found
    assert [key for key in sorted(found) if f"| `{key}` |" not in page] == []


def test_every_command_and_option_is_in_the_reference(page_of_commands: ModuleType) -> None:
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## kpisync (.+?)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    commands = page_of_commands.commands_of(cli)
    assert [each.name for each in commands] == list(sections)
    for command in commands:
        for _, info, _, _ in page_of_commands.parameters(command.call):
            if isinstance(info, OptionInfo):
                assert page_of_commands.spellings(info)
                assert all(f"`{each}`" in sections[command.name] for each in page_of_commands.spellings(info)), (
                    command.name
                )


def test_no_option_is_without_a_name_or_help(generate: ModuleType) -> None:
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("|") and "---" not in line and "takes" not in line]
    assert rows
    assert [row for row in rows if row.startswith("|  |") or row.endswith("|  |")] == []


def test_every_link_inside_a_generated_page_leads_to_a_heading(generate: ModuleType) -> None:
    for file, text in generate.generated().items():
        if file.suffix == ".md":
            titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors, file.name


def test_the_examples_of_sources_are_sound() -> None:
    loaded = load(ROOT / "config" / "sources.yaml", SECRETS)
    assert [str(problem) for problem in loaded.problems] == []
    assert {job.source.type for job in loaded.jobs.values()} == set(loaded.jobs)


def test_the_example_is_sound() -> None:
    loaded = load(ROOT / "config" / "example.yaml", SECRETS)
    assert [str(problem) for problem in loaded.problems] == []
    assert list(loaded.jobs) == ["scrap-daily", "scrap-by-shift", "output-weekly", "scrap-weekly-okr"]


def test_the_example_has_every_section_and_every_installed_type(schema: Any) -> None:
    text = (ROOT / "config" / "example.yaml").read_text(encoding="utf-8")
    assert [name for name in schema["properties"] if not re.search(rf"^{name}:", text, re.MULTILINE)] == []
    text += (ROOT / "config" / "sources.yaml").read_text(encoding="utf-8")
    types = [name.split("-", 1)[1] for name in schema["$defs"] if name.startswith(("source-", "destination-"))]
    assert types
    assert [name for name in types if not re.search(rf"type: {name}\b", text)] == []


def test_the_example_names_its_schema() -> None:
    first = (ROOT / "config" / "example.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=./schema.json"
    assert (ROOT / "config" / "schema.json").is_file()
