"""The `kpisync` command: its subcommands, and the one edge where errors become words and exit codes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, cast

import typer

from kpisync.cli import (
    adopt,
    backfill,
    check,
    discover,
    explain,
    history,
    init,
    plan,
    preview,
    rejects,
    resolve,
    run,
    sandbox,
    schema,
    serve,
    state,
    status,
    undo,
    verify,
)
from kpisync.cli.output import lasting_stdout
from kpisync.cli.session import ROOT, complain
from kpisync.errors import Exit, KpisyncError, combined
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


for module in (
    init,
    discover,
    check,
    preview,
    plan,
    run,
    backfill,
    serve,
    status,
    history,
    rejects,
    explain,
    verify,
    adopt,
    undo,
    resolve,
    sandbox,
    state,
    schema,
):
    module.register(cli)


def main() -> None:
    """Run the command line; every end is one of the contract's exit codes."""
    with lasting_stdout() as output:
        code = Exit(_carry_out() or Exit.OK)
    if output.trouble:
        complain(f"error: the output could not be written: {output.trouble}")
        code = combined([code, Exit.PARTIAL])
    sys.exit(int(code))


def _carry_out() -> int | None:
    try:
        return cast("int | None", cli(standalone_mode=False))
    except KpisyncError as error:
        return _fail(str(error), error.exit_code)
    except typer.Exit as ended:
        return ended.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return _fail("interrupted", Exit.SIGINT)
    except Exception as error:  # noqa: BLE001 - the one outer edge
        return _usage_or_bug(error)


def _fail(text: str, code: Exit) -> Exit:
    _document(text, code)
    complain(f"error: {text}")
    return code


def _document(text: str, code: Exit) -> None:
    """Whoever asked for JSON gets one document in any case."""
    if "--json" in sys.argv:
        sys.stdout.write(dumps({"error": text, "exit_code": int(code)}) + "\n")


def _usage_or_bug(error: Exception) -> Exit:
    """Wrong usage is told by the parser in its own exceptions; anything else is a bug of ours."""
    show = getattr(error, "show", None)
    if callable(show) and getattr(error, "exit_code", None) == Exit.CONFIG:
        _document(getattr(error, "format_message", error.__str__)(), Exit.CONFIG)
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
