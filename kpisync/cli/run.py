"""`kpisync run`: plan, guard, deliver, confirm, once."""

from __future__ import annotations

import gc
from typing import Annotated

import typer

from kpisync.cli.options import ConfigPath, First, Jobs, Json, Kpi, Last, Team
from kpisync.cli.session import Session, Signals, SlowProgress, open_session, request
from kpisync.errors import Exit, Interrupted, combined


def register(cli: typer.Typer) -> None:
    cli.command("run")(run)


def run(
    jobs: Jobs = None,
    config: ConfigPath = None,
    first: First = None,
    last: Last = None,
    kpi: Kpi = None,
    team: Team = None,
    yes_over_guard: Annotated[
        bool, typer.Option("--yes-over-guard", help="Go on where the guard would hold the run.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Plan, guard, deliver and confirm, once; what is confirmed already makes no request."""
    from kpisync.cli.show import show_run
    from kpisync.reports import run_json

    gc.set_threshold(50_000, 20, 20)  # many small objects that live: looking through them often only costs time
    session = open_session(config, as_json)
    asked = request(jobs, first, last, kpi, team, yes_over_guard)
    documents, codes = [], []
    with Signals().caught() as signals, SlowProgress() as progress:
        try:
            for result in session.app(stopped=signals, progress=progress).run(asked):
                documents.append(run_json(result.report, result.status, result.names))
                codes.append(result.exit_code)
                if not as_json:
                    show_run(session.out, result)
        except Interrupted as interrupted:
            codes.append(interrupted.exit_code)
            session.warn(str(interrupted))
    _end(session, documents, codes)


def _end(session: Session, documents: list[dict[str, object]], codes: list[Exit]) -> None:
    if session.as_json:
        session.print_json({"runs": documents})
    raise typer.Exit(combined(codes))
