"""`kpisync run`: plan, guard, deliver, confirm, once; or exactly what a saved plan says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kpisync.cli.options import ConfigPath, First, Jobs, Json, Kpi, Last, Team
from kpisync.cli.session import open_session, request
from kpisync.errors import ConfigError

if TYPE_CHECKING:
    from kpisync.app import App
    from kpisync.jobs import JobResult, Request


def register(cli: typer.Typer) -> None:
    cli.command("run")(run)


def run(
    jobs: Jobs = None,
    config: ConfigPath = None,
    first: First = None,
    last: Last = None,
    kpi: Kpi = None,
    team: Team = None,
    plan: Annotated[
        Path | None, typer.Option("--plan", help="Do exactly what this file of `plan --out` says, or refuse.")
    ] = None,
    yes_over_guard: Annotated[
        bool, typer.Option("--yes-over-guard", help="Go on where the guard would hold the run.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Plan, guard, deliver and confirm, once; what is confirmed already makes no request."""
    from kpisync.cli.show import show_runs

    asked = request(jobs, first, last, kpi, team, yes_over_guard)
    session = open_session(config, as_json)
    with session.at_work() as app:
        show_runs(session, app.run(asked) if plan is None else _planned(app, asked, plan))


def _planned(app: App, asked: Request, path: Path) -> Iterable[JobResult]:
    from kpisync.savedplan import load_plan

    if asked.jobs or asked.first or asked.last or asked.kpi or asked.team:
        hint = "Leave jobs, --from, --to, --kpi and --team away, or make another plan"
        raise ConfigError("a saved plan says already what to look at", where="--plan", hint=hint)
    return app.apply(load_plan(path), asked.over_guard)
