"""The `kpisync` command: its subcommands, and the one edge where errors become words and exit codes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kpisync.cli import check, discover, explain, history, init, plan, preview, run, sandbox, schema, state, status
from kpisync.cli.session import ROOT, complain
from kpisync.errors import Exit, KpisyncError
from kpisync.support.json import dumps

cli = typer.Typer(
    name="kpisync",
    help="Pushes KPI values between systems: planned, confirmed, and nothing sent twice.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from kpisync import __version__

        typer.echo(f"kpisync {__version__}")
        raise typer.Exit


@cli.callback()
def root(
    config: Annotated[
        Path | None,
        typer.Option("-c", "--config", help="The configuration: a file, or a directory that holds it."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    ROOT.clear()
    if config is not None:
        ROOT["config"] = config


for module in (init, discover, check, preview, plan, run, status, history, explain, sandbox, state, schema):
    module.register(cli)


def main() -> None:
    """Run the command line; every end is one of the contract's exit codes."""
    try:
        code = cli(standalone_mode=False)
    except KpisyncError as error:
        code = _fail(str(error), error.exit_code)
    except typer.Exit as ended:
        code = ended.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = Exit.SIGINT
    except BrokenPipeError:
        code = _quiet_pipe()
    except Exception as error:  # noqa: BLE001 - the one outer edge
        code = _usage_or_bug(error)
    sys.exit(int(code or 0))


def _fail(text: str, code: Exit) -> Exit:
    if "--json" in sys.argv:
        sys.stdout.write(dumps({"error": text, "exit_code": int(code)}) + "\n")
    complain(f"error: {text}")
    return code


def _usage_or_bug(error: Exception) -> Exit:
    """Wrong usage is told by the parser in its own exceptions; anything else is a bug of ours."""
    show = getattr(error, "show", None)
    if callable(show) and getattr(error, "exit_code", None) == Exit.CONFIG:
        show()
        return Exit.CONFIG
    place = _deepest(error)
    return _fail(f"a bug in kpisync: {type(error).__name__} in {place}. Please report it with the command", Exit.BUG)


def _deepest(error: Exception) -> str:
    """Where it happened; no values, which may be secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _quiet_pipe() -> Exit:
    """Whoever read our output has enough of it."""
    sys.stdout = None
    return Exit.OK
