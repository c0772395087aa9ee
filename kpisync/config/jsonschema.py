"""The JSON Schema (2020-12) of the configuration, for editors: the file's own keys and every installed adapter's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from kpisync.config.schema import Config, JobOptions
from kpisync.errors import ConfigError
from kpisync.ports import AdapterSpec
from kpisync.registry import Registry, installed

Schema = dict[str, Any]
_MODE: JsonSchemaMode = "validation"


def json_schema(registry: Registry | None = None) -> Schema:
    """The schema of the whole file. An adapter that cannot be imported is left out."""
    adapters = registry if registry is not None else installed()
    sources = dict(_specs(adapters.sources, adapters.source))
    destinations = dict(_specs(adapters.destinations, adapters.destination))
    models: list[type[BaseModel]] = [Config, JobOptions]
    models += [spec.options for spec in (*sources.values(), *destinations.values()) if spec.options not in models]
    refs, schema = models_json_schema([(model, _MODE) for model in dict.fromkeys(models)])
    definitions: Schema = schema["$defs"]

    def resolved(model: type[BaseModel]) -> Schema:
        return deepcopy(definitions[refs[(model, _MODE)]["$ref"].rpartition("/")[2]])

    def choice(kind: str, specs: dict[str, AdapterSpec[Any]]) -> Schema:
        for name, spec in specs.items():
            definitions[f"{kind}-{name}"] = _typed(name, spec, resolved(spec.options))
        options = [{"$ref": f"#/$defs/{kind}-{name}"} for name in specs]
        return {"oneOf": options} if options else {"type": "object"}

    job = resolved(JobOptions)
    job["properties"]["source"] = choice("source", sources)
    definitions[refs[(JobOptions, _MODE)]["$ref"].rpartition("/")[2]] = job
    whole = resolved(Config)
    whole["properties"]["destinations"]["additionalProperties"] = choice("destination", destinations)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "$defs": _used(whole, definitions),
    }


def _specs(names: Iterable[str], find: Callable[[str], AdapterSpec[Any]]) -> Iterator[tuple[str, AdapterSpec[Any]]]:
    for name in sorted(names):
        try:
            yield name, find(name)
        except ConfigError:
            continue


def _typed(name: str, spec: AdapterSpec[Any], options: Schema) -> Schema:
    """The options with their `type` key before the others."""
    return {
        **options,
        "title": name,
        "description": spec.summary,
        "properties": {"type": {"const": name}, **options.get("properties", {})},
        "required": ["type", *options.get("required", [])],
    }


def _used(whole: Schema, definitions: Schema) -> Schema:
    """The definitions that the schema needs, directly or through others, by name."""
    names: set[str] = set()
    waiting: list[Any] = [whole]
    for part in waiting:
        children: Iterable[Any] = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        waiting.extend(children)
        if isinstance(part, dict) and isinstance(ref := part.get("$ref"), str):
            name = ref.rpartition("/")[2]
            if name not in names:
                names.add(name)
                waiting.append(definitions[name])
    return {name: definitions[name] for name in sorted(names)}
