"""`kpisync undo`: the old values are put back where a run's own still stand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from kpisync.cli.lines import line, lines, requests_line, trouble
from kpisync.cli.options import ConfigPath, Json
from kpisync.cli.session import Session, Signals, SlowProgress, open_session
from kpisync.errors import Exit

if TYPE_CHECKING:
    from decimal import Decimal

    from kpisync.upkeep.undo import Undone


def register(cli: typer.Typer) -> None:
    cli.command("undo")(undo)


def undo(
    run: Annotated[str, typer.Argument(help="A run's id, or its beginning; `kpisync history` lists them.")],
    config: ConfigPath = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would be put back; send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; nobody is asked where there is no terminal.")] = False,
    as_json: Json = False,
) -> None:
    """Put the old values back where this run's still stand; what was undone is not sent again until its source changes.

    A value that it created is taken away: where a platform deletes whole records only, if every value in it is the
    run's. What somebody changed since is reported and left alone.
    """
    from kpisync.upkeep import undo as upkeep_undo
    from kpisync.upkeep.visit import Upkeep

    session = open_session(config, as_json)
    with Signals().caught() as signals, SlowProgress() as progress:
        upkeep = Upkeep(session.loaded, stopped=signals, progress=progress, waiting=session.waiting)
        asks = not (yes or as_json) and sys.stdin.isatty()
        if plan or asks:
            planned = upkeep_undo.plan_undo(upkeep, run)
            _show(session, planned)
            if plan or not planned.found.changes:
                raise typer.Exit(planned.exit_code)
            if not typer.confirm("Put these back?"):
                session.warn("nothing was sent")
                raise typer.Exit(Exit.HELD)
        result = upkeep_undo.undo(upkeep, run)
    _show(session, result)
    raise typer.Exit(result.exit_code)


def _show(session: Session, result: Undone) -> None:
    from kpisync.upkeep.undo import undo_json

    if session.as_json:
        session.print_json({"undo": undo_json(result)})
        return
    out, report, found = session.out, result.report, result.found
    trouble(out, report, result.names)
    is_plan = report.run is None
    lines(out, "green", "would put back" if is_plan else "put back", _changes(result))
    for step, reason in found.left:
        line(out, "yellow", "left alone", f"{result.names.path(step.key)}: {reason}")
    if report.error is None:
        undone = (
            sum(len(change.values) for change in found.changes)
            if is_plan
            else report.created + report.updated + report.withdrawn
        )
        of = f"{report.values} values that run {result.undoes} changed"
        out.print(f"  {undone} of {of} {'would be' if is_plan else 'are'} as they were before", soft_wrap=True)
        requests_line(out, report)


def _changes(result: Undone) -> list[str]:
    """As they were meant; what became of others than the confirmed ones stands above."""
    from kpisync.reports import in_order
    from kpisync.sync.undo import values_of

    names = result.names
    return [
        f"{names.path(key)}: {_number(value.old)} → {_number(value.new)}"
        for key, value in values_of(in_order(result.found.changes, names)).items()
    ]


def _number(number: Decimal | None) -> str:
    return "nothing" if number is None else f"{number:f}"
