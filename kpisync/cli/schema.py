"""`kpisync schema`: the JSON Schema of the configuration, for editors."""

from __future__ import annotations

import json

import typer


def register(cli: typer.Typer) -> None:
    cli.command("schema")(schema)


def schema() -> None:
    """Print the JSON Schema of the configuration, with every installed adapter."""
    from kpisync.config.load import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
