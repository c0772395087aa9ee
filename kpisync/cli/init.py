"""`kpisync init`: a commented starter configuration; with an export, a proposal by what the export shows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from kpisync.cli.session import complain
from kpisync.errors import ConfigError, Exit

_CONFIG = Path("config/kpisync.yaml")


def register(cli: typer.Typer) -> None:
    cli.command("init")(init)


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where config/kpisync.yaml goes.")] = Path(),
    export: Annotated[
        Path | None, typer.Option("--from", help="Look at this export, and propose how to read it.")
    ] = None,
) -> None:
    """Write a starter configuration; contact nothing."""
    from kpisync.catalogs.write import write_text
    from kpisync.config.load import json_schema
    from kpisync.starter.template import SCHEMA_FILE, starter

    target = directory / _CONFIG
    if os.path.lexists(target):
        raise ConfigError("is there already, and is not overwritten", where=str(target), hint="Name another folder")
    text = starter() if export is None else _proposed(export, target.parent)
    write_text(target, text)
    write_text(target.parent / SCHEMA_FILE, json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
    typer.echo(f"{target} is written, and {SCHEMA_FILE} beside it, for editors that complete and check YAML")
    raise typer.Exit(_report(target, text))


def _proposed(export: Path, folder: Path) -> str:
    from kpisync.starter.export import look
    from kpisync.starter.formats import read_export
    from kpisync.starter.proposal import proposal

    found = look(read_export(str(export)))
    return proposal(found, _beside(export, folder), str(export), export.stem)


def _beside(export: Path, folder: Path) -> str:
    """The way from the configuration to the export, as both are moved together; absolute on another drive."""
    try:
        return Path(os.path.relpath(export, folder)).as_posix()
    except ValueError:
        return export.absolute().as_posix()


def _report(target: Path, text: str) -> Exit:
    """What waits for a person, and whether `check` is content with it."""
    from kpisync.config.load import load
    from kpisync.starter.proposal import decisions
    from kpisync.starter.template import STARTER_JOB

    if waiting := decisions(text):
        typer.echo("A person must decide:")
        for line, question in waiting:
            typer.echo(f"  line {line}: {question}")
    loaded = load(target, os.environ)
    for problem in loaded.problems:
        complain(str(problem))
    if loaded.problems:
        return Exit.CONFIG
    job = next(iter(loaded.jobs), STARTER_JOB)
    place = "" if target == _CONFIG else f" -c {target}"
    typer.echo(f"It passes kpisync check. Next: kpisync{place} preview {job}")
    return Exit.OK
