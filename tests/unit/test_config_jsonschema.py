"""The JSON Schema for editors says what loading says."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from config_doubles import HEAD, SOURCE, doubles, job, load_text

from kpisync.config.jsonschema import json_schema
from kpisync.config.yaml import parse
from kpisync.fields import Options
from kpisync.ports import DestinationOptions
from kpisync.registry import Offer, Registry, of_specs
from kpisync.sync.options import GuardOptions

EXAMPLE = (Path(__file__).parent / "config_example.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema(doubles())


def parsed(text: str) -> object:
    return parse(text.encode(), Path("a.yaml")).value


def parts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from parts(child)


def resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    return schema["$defs"][node["$ref"].removeprefix("#/$defs/")] if "$ref" in node else node


def fits(schema: dict[str, Any], node: dict[str, Any], value: Any) -> bool:
    """As much of JSON Schema as this one uses to say what may stand where."""
    node = resolved(schema, node)
    if "oneOf" in node or "anyOf" in node:
        fitting = sum(fits(schema, each, value) for each in [*node.get("oneOf", []), *node.get("anyOf", [])])
        return fitting == 1 if "oneOf" in node else fitting > 0
    if "const" in node or "enum" in node:
        return value in node.get("enum", [node.get("const")])
    kinds: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "boolean": bool,
        "number": (int, Decimal),
    }
    if "type" in node and not (
        isinstance(value, type(None)) if node["type"] == "null" else isinstance(value, kinds[node["type"]])
    ):
        return False
    if isinstance(value, list):
        return all(fits(schema, node.get("items", {}), item) for item in value)
    if isinstance(value, dict):
        known, others = node.get("properties", {}), node.get("additionalProperties", True)
        rest = [item for key, item in value.items() if key not in known]
        return (
            all(key in value for key in node.get("required", ()))
            and all(fits(schema, known[key], item) for key, item in value.items() if key in known)
            and (all(fits(schema, others, item) for item in rest) if isinstance(others, dict) else others or not rest)
        )
    return True


def test_every_reference_leads_somewhere_and_nothing_is_left_over(schema: dict[str, Any]) -> None:
    named = {part["$ref"].removeprefix("#/$defs/") for part in parts(schema) if "$ref" in part}
    assert named == set(schema["$defs"])
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_no_mapping_with_known_keys_takes_unknown_ones(schema: dict[str, Any]) -> None:
    closed = [part for part in parts(schema) if part.get("type") == "object" and "properties" in part]
    assert len(closed) > 10
    assert all(part["additionalProperties"] is False for part in closed)


def test_every_installed_adapter_is_a_choice_by_its_type(schema: dict[str, Any]) -> None:
    source = schema["$defs"]["JobOptions"]["properties"]["source"]
    kinds = [resolved(schema, each)["properties"]["type"]["const"] for each in source["oneOf"]]
    assert kinds == ["csv", "sql"]
    assert schema["$defs"]["source-csv"]["required"] == ["type", "path"]
    destinations = schema["properties"]["destinations"]["additionalProperties"]["oneOf"]
    assert [each["$ref"] for each in destinations] == [
        "#/$defs/destination-memory",
        "#/$defs/destination-valuestreamer",
    ]


def test_two_types_may_share_one_model_of_options() -> None:
    csv = doubles().source("csv")
    schema = json_schema(of_specs({"csv": csv, "tsv": csv}, {}))
    assert [schema["$defs"][f"source-{name}"]["properties"]["type"]["const"] for name in ("csv", "tsv")] == [
        "csv",
        "tsv",
    ]


def test_an_adapter_that_cannot_be_imported_is_left_out() -> None:
    def broken() -> object:
        raise ImportError("no driver")

    good = doubles()
    schema = json_schema(Registry({**good.sources, "acme": (Offer("acme", broken),)}, good.destinations))
    assert "source-acme" not in schema["$defs"]
    assert "source-csv" in schema["$defs"]


def test_the_example_of_the_handbook_fits_and_loads(tmp_path: Path, schema: dict[str, Any]) -> None:
    environ = {"VS_USER": "api", "VS_PASSWORD": "hunter22", "ERP_URL": "postgresql://erp", "ALERT_URL": "https://hook"}
    (tmp_path / "lookups").mkdir()
    (tmp_path / "lookups/machines.csv").write_text("code,team\nM1,line-1\n")
    assert load_text(tmp_path, EXAMPLE, environ).problems == ()
    assert fits(schema, schema, parsed(EXAMPLE))


@pytest.mark.parametrize("options", [DestinationOptions(), GuardOptions()], ids=lambda options: type(options).__name__)
def test_the_defaults_of_a_schema_are_what_a_user_may_write(options: Options) -> None:
    properties = type(options).model_json_schema()["properties"]
    assert type(options).model_validate({key: part["default"] for key, part in properties.items()}) == options


def test_a_default_is_written_with_its_unit(schema: dict[str, Any]) -> None:
    board, guard = (schema["$defs"][name]["properties"] for name in ("destination-valuestreamer", "GuardOptions"))
    assert [board[key]["default"] for key in ("timeout", "settle", "rate_limit")] == ["30s", "2m", "none"]
    assert [guard[key]["default"] for key in ("max_changed", "max_jump", "min_rows")] == ["30%", "none", 1]


@pytest.mark.parametrize(
    "text",
    [
        "version: 2\n",
        "version: 1\nservr: {}\n",
        HEAD + job("a", "lookbak: 5w"),
        HEAD + job("a", source=SOURCE.replace("csv", "cvs")),
        HEAD + job("a", source="{type: csv}"),
        HEAD.replace("type: memory", "type: memory, bogus: 1") + job("a"),
        HEAD + job("a", map="{date: {column: D}, values: [{kpi: scrap, column: A}]}"),
    ],
)
def test_what_loading_refuses_the_schema_refuses_too(tmp_path: Path, schema: dict[str, Any], text: str) -> None:
    assert load_text(tmp_path, text).problems
    assert not fits(schema, schema, parsed(text))
