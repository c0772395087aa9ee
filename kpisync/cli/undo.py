"""`kpisync undo`: the old values are put back where a run's own still stand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from kpisync.cli.lines import lines, requests_line, trouble
from kpisync.cli.options import ConfigPath, Json
from kpisync.cli.session import Session, open_session
from kpisync.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from kpisync.model import ValueChange, ValueKey
    from kpisync.upkeep.undo import Undone


def register(cli: typer.Typer) -> None:
    cli.command("undo")(undo)


def undo(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id, or its beginning; `kpisync history` lists them.")
    ],
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

    session = open_session(config, as_json)
    with session.at_upkeep() as upkeep:
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
    from kpisync.sync.undo import values_of
    from kpisync.upkeep.undo import undo_json

    if session.as_json:
        session.print_json({"undo": undo_json(result)})
        return
    out, report, found = session.out, result.report, result.found
    trouble(out, report, result.names)
    is_plan = report.run is None
    changes = values_of(found.changes) if is_plan else result.back
    lines(out, "green", "would put back" if is_plan else "put back", _lines(result, changes))
    lines(out, "yellow", "left alone", (f"{result.names.path(step.key)}: {reason}" for step, reason in found.left))
    if report.error is None:
        of = f"{report.values} values that run {result.undoes} changed"
        out.print(f"  {len(changes)} of {of} {'would be' if is_plan else 'are'} as they were before", soft_wrap=True)
        requests_line(out, report)


def _lines(result: Undone, changes: Mapping[ValueKey, ValueChange]) -> list[str]:
    path = result.names.path
    return sorted(f"{path(key)}: {_number(value.old)} → {_number(value.new)}" for key, value in changes.items())


def _number(number: Decimal | None) -> str:
    return "nothing" if number is None else f"{number:f}"
