"""Writes what is documented by the code itself: docs/reference/*.md and config/schema.json; `make docs` calls it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command_page import commands_page
from markdown_table import flat, table

from kpisync.cli.main import cli
from kpisync.config.jsonschema import json_schema
from kpisync.registry import Offers, Registry, installed
from kpisync.sandbox.settings import SandboxSettings

ROOT = Path(__file__).parent.parent
Schema = Mapping[str, Any]

# ---------------------------------------------------------------- configuration

_CONFIGURATION = """\
# Every key of the configuration

Generated from the code by `make docs`. `kpisync schema` prints the same as a JSON Schema, with every adapter that is
installed; [`config/schema.json`](../../config/schema.json) is that of the built-in ones, and
[`config/example.yaml`](../../config/example.yaml) a whole configuration.

A name in capitals, such as `NAME`, stands for one of your choice; `[]` for each item of a list. "required" keys must be
given; a dash means that there is no default. `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}` may stand in
every text. Durations are written `500ms`, `30s`, `2m`, `1h` or `1d`. Relative paths are relative to the file that names
them.
"""
_NAMES = {"kpis": "KPI", "teams": "TEAM", "columns": "COLUMN"}


@dataclass(frozen=True)
class Place:
    """One mapping of the configuration: where it first stands, and its schema."""

    path: str
    schema: Schema

    @property
    def title(self) -> str:
        type_name = self.schema.get("properties", {}).get("type", {}).get("const")
        return f"`{self.path}`, type `{type_name}`" if type_name else f"`{self.path}`"

    @property
    def anchor(self) -> str:
        """As the heading's link is made: lower case, blanks to dashes, punctuation gone."""
        kept = re.sub(r"[^\w\- ]", "", self.title.lower())
        return kept.replace(" ", "-")


def configuration_page(schema: Schema) -> str:
    """Every key with its type, default and description, mapping by mapping, in the order of the file."""
    return "\n".join([_CONFIGURATION, *_sections(schema)])


def _sections(schema: Schema) -> list[str]:
    places = dict(_places(schema))
    shown = {name: f"[mapping](#{place.anchor})" for name, place in places.items()}
    shown |= {name: _choices(found["enum"]) for name, found in schema["$defs"].items() if "enum" in found}
    sections = [_section("The file", schema, shown)]
    return sections + [_section(place.title, place.schema, shown) for place in places.values()]


def _places(schema: Schema) -> Iterator[tuple[str, Place]]:
    """The mappings, each once, where they first stand; a mapping's own before the next one's."""
    seen: set[str] = set()

    def inside(part: Schema, path: str) -> Iterator[tuple[str, Place]]:
        for name in _refs(part):
            found = schema["$defs"][name]
            if "enum" not in found and name not in seen:
                seen.add(name)
                yield name, Place(path, found)
                yield from below(found, path)
        if isinstance(part.get("additionalProperties"), dict):
            key = _NAMES.get(path.rpartition(".")[2], "NAME")
            yield from inside(part["additionalProperties"], f"{path}.{key}")
        if isinstance(part.get("items"), dict):
            yield from inside(part["items"], f"{path}[]")
        for option in part.get("anyOf", []):
            if "$ref" not in option:
                yield from inside(option, path)

    def below(mapping: Schema, path: str) -> Iterator[tuple[str, Place]]:
        for key, part in mapping.get("properties", {}).items():
            yield from inside(part, f"{path}.{key}".lstrip("."))

    yield from below(schema, "")


def _refs(part: Schema) -> list[str]:
    options = [part, *part.get("oneOf", []), *part.get("anyOf", [])]
    return [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]


def _section(title: str, mapping: Schema, shown: Mapping[str, str]) -> str:
    required = mapping.get("required", [])
    rows = []
    for key, part in mapping.get("properties", {}).items():
        default = "required" if key in required else _default(part)
        rows.append((f"`{key}`", _type(part, shown), default, part.get("description", "")))
    described = [flat(mapping["description"]), ""] if mapping.get("description") else []
    return "\n".join([f"## {title}", "", *described, *table(("key", "is", "default", ""), rows), ""])


def _type(part: Schema, shown: Mapping[str, str]) -> str:
    if "$ref" in part:
        return shown[part["$ref"].rpartition("/")[2]]
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return _choices(part["enum"])
    options = [option for key in ("anyOf", "oneOf") for option in part.get(key, []) if option != {"type": "null"}]
    if options:
        return " or ".join(dict.fromkeys(_type(option, shown) for option in options))
    if part.get("type") == "array":
        return f"list of {_type(part.get('items', {}), shown)}"
    if isinstance(part.get("additionalProperties"), dict):
        return f"name → {_type(part['additionalProperties'], shown)}"
    return _plain_type(part)


def _plain_type(part: Schema) -> str:
    if part.get("format") in ("path", "password", "regex"):
        return {"path": "path", "password": "secret", "regex": "regular expression"}[part["format"]]
    bounds = [f"{sign} {part[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in part]
    name = {"string": "text", "boolean": "`true` or `false`", "integer": "integer", "number": "number"}
    return " ".join([name.get(str(part.get("type")), "mapping"), *bounds])


def _choices(values: list[Any]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _default(part: Schema) -> str:
    value = part.get("default")
    if value is None:
        return _meant_by_nothing(part)
    if isinstance(value, dict | list):
        return f"`{json.dumps(value, ensure_ascii=False)}`" if value and isinstance(value, list) else "–"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _meant_by_nothing(part: Schema) -> str:
    """The word that says "nothing" where there is one, such as `none` for a rate or `all` for a lookback."""
    said = [*part.get("examples", []), *re.findall(r"\w+", part.get("description", ""))[-1:]]
    return next((f"`{word}`" for word in ("none", "all") if word in said), "–")


# ---------------------------------------------------------------- the sandbox

_SANDBOX = """\
# What `kpisync sandbox --settings FILE` may hold

Generated from the code by `make docs`. A YAML file with these keys; `kpisync sandbox` has options of its own for some
of them. With `faults`, a stand-in does on purpose what a real platform does at the worst moment.
"""


def sandbox_page(schema: Schema) -> str:
    return "\n".join([_SANDBOX, *_sections(schema)])


# ---------------------------------------------------------------- the files


def built_in() -> Registry:
    """The adapters of kpisync itself, whatever else is installed beside it."""
    own = installed()

    def ours(offers: Offers) -> Offers:
        return {name: found for name, found in offers.items() if found[0].package == "kpisync"}

    return Registry(ours(own.sources), ours(own.destinations))


def generated() -> dict[Path, str]:
    """What each generated file says now."""
    schema = json_schema(built_in())
    return {
        ROOT / "config" / "schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
        ROOT / "docs" / "reference" / "configuration.md": configuration_page(schema),
        ROOT / "docs" / "reference" / "commands.md": commands_page(cli),
        ROOT / "docs" / "reference" / "sandbox.md": sandbox_page(SandboxSettings.model_json_schema()),
    }


if __name__ == "__main__":
    for file, text in generated().items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        print(f"{file.relative_to(ROOT)} is written")
