"""Command lines that stand in files beside the program, held against the program."""

from __future__ import annotations

import typer

from kpisync.cli.main import cli


def parse(arguments: list[str]) -> None:
    """As the program does, without carrying it out; raises what the parser raises."""
    group = typer.main.get_command(cli)
    context = group.make_context("kpisync", list(arguments))
    while isinstance(group, typer.core.TyperGroup):
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None
        context = command.make_context(name, rest, parent=context)
        group = command
