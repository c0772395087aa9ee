"""The page of all commands, from the functions that carry them out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, get_type_hints

import typer
from markdown_table import flat, table
from typer.models import ArgumentInfo, OptionInfo, ParameterInfo

_COMMANDS = """\
# Every command

Generated from the code by `make docs`; `kpisync COMMAND --help` says the same. `-c`/`--config` may also stand before
the command. The exit codes are in [Operate](../operate.md#exit-codes).
"""


@dataclass(frozen=True)
class Command:
    """A command as it is typed, without the program's name, and what carries it out."""

    name: str
    call: Callable[..., Any]


def commands_of(cli: typer.Typer, before: str = "") -> list[Command]:
    """Every command, those of groups at their end."""
    found = [Command(f"{before}{each.name}", each.callback) for each in cli.registered_commands if each.callback]
    for group in cli.registered_groups:
        if group.typer_instance is not None:
            found += commands_of(group.typer_instance, f"{before}{group.name} ")
    return found


def commands_page(cli: typer.Typer) -> str:
    """Every command with its arguments and options."""
    callback = cli.registered_callback
    root = Command("", callback.callback) if callback and callback.callback else None
    sections = [_command(each) for each in ([root] if root else []) + commands_of(cli)]
    return "\n".join([_COMMANDS, *sections])


def parameters(call: Callable[..., Any]) -> Iterator[tuple[str, ParameterInfo, Any, Any]]:
    """(name, how it is typed, its Python type, its default) of each argument and option."""
    hints = get_type_hints(call, include_extras=True)
    for name, parameter in inspect.signature(call).parameters.items():
        kind, info = hints[name].__origin__, hints[name].__metadata__[0]
        yield name, info, kind, parameter.default


def spellings(info: OptionInfo) -> tuple[str, ...]:
    """`-c`, `--config`; typer keeps the first one where other versions of its signature have the default."""
    first = (info.default,) if isinstance(info.default, str) and info.default.startswith("-") else ()
    return (*first, *(info.param_decls or ()))


def _command(command: Command) -> str:
    given = list(parameters(command.call))
    arguments = [
        (*_argument(name, info, kind, default), info)
        for name, info, kind, default in given
        if isinstance(info, ArgumentInfo)
    ]
    options = [(info, kind, default) for _, info, kind, default in given if isinstance(info, OptionInfo)]
    usage = [
        "kpisync",
        *command.name.split(),
        *(shown for _, shown, _, _ in arguments),
        *(["[OPTIONS]"] if options else []),
    ]
    rows = [(f"`{name}`", takes, "", info.help or "") for name, _, takes, info in arguments]
    rows += [
        (" ".join(f"`{each}`" for each in spellings(info)), _taken(kind), _option_default(default), _option_help(info))
        for info, kind, default in options
    ]
    said = flat(inspect.getdoc(command.call) or "What may stand before the command.")
    rendered = table(("", "takes", "default", ""), rows) if rows else []
    title = f"kpisync {command.name}".strip()
    return "\n".join([f"## {title}", "", said, "", "```text", " ".join(usage), "```", "", *rendered, ""])


def _argument(name: str, info: ArgumentInfo, kind: Any, default: Any) -> tuple[str, str, str]:
    """Its name in capitals, how it stands in the usage line, and what it takes."""
    shown = (info.metavar or name.upper()).strip("[]")
    if "list" in str(kind):
        return shown, f"[{shown.removesuffix('S')} …]", _taken(kind)
    return shown, shown if default is inspect.Parameter.empty else f"[{shown}]", _taken(kind)


def _taken(kind: Any) -> str:
    shown = {"bool": "–", "datetime": "date, such as 2026-11-20", "Path": "path", "int": "number"}
    return next((text for word, text in shown.items() if re.search(rf"\b{word}\b", str(kind))), "text")


def _option_default(default: Any) -> str:
    if default is inspect.Parameter.empty:
        return "required"
    return f"`{default}`" if isinstance(default, str | int | date) and not isinstance(default, bool) else ""


def _option_help(info: OptionInfo) -> str:
    variable = f" Or ${info.envvar}." if info.envvar else ""
    return f"{info.help or ''}{variable}"
