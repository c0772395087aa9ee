"""`kpisync backfill`: one job over a range of dates, chunk by chunk; called again, it goes on where it stopped."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from kpisync.cli.options import ConfigPath, Json, Kpi, Team
from kpisync.cli.session import open_session, request

_DAY = ["%Y-%m-%d"]


def register(cli: typer.Typer) -> None:
    cli.command("backfill")(backfill)


def backfill(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The name of a job.")],
    first: Annotated[datetime, typer.Option("--from", formats=_DAY, help="First day, inclusive.")],
    last: Annotated[datetime, typer.Option("--to", formats=_DAY, help="Last day, inclusive.")],
    config: ConfigPath = None,
    chunk: Annotated[
        str, typer.Option("--chunk", help="Length of a chunk, cut to whole periods: 31d, 5w or 3m.")
    ] = "31d",
    kpi: Kpi = None,
    team: Team = None,
    yes_over_guard: Annotated[
        bool, typer.Option("--yes-over-guard", help="Go on where the guard would hold a chunk.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a job over a range in chunks, oldest first; after an interruption the same command goes on.

    Each chunk reads its source anew (a file: as a whole) and sends what differs; what is confirmed makes no request.
    It waits for other runs that write the same records, and between two chunks they get their turn.
    """
    from kpisync.chunks import parse_span
    from kpisync.cli.show import show_runs

    asked = request([job], first, last, kpi, team, yes_over_guard)
    span = parse_span(chunk)
    session = open_session(config, as_json)
    with session.at_work() as app:
        show_runs(session, app.backfill(asked, span))
