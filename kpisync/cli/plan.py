"""`kpisync plan`: what a run would change, old → new, with the source cell of each; sends nothing, writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kpisync.cli.options import ConfigPath, First, Jobs, Json, Kpi, Last, Team
from kpisync.cli.session import Signals, SlowProgress, open_session, request
from kpisync.errors import ConfigError, combined


def register(cli: typer.Typer) -> None:
    cli.command("plan")(plan)


def plan(
    jobs: Jobs = None,
    config: ConfigPath = None,
    first: First = None,
    last: Last = None,
    kpi: Kpi = None,
    team: Team = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the plan to this file, for `run --plan`.")] = None,
    as_json: Json = False,
) -> None:
    """Show each change old → new with its source cell; send nothing but reads, write nothing."""
    from kpisync.cli.show import show_plan
    from kpisync.savedplan import plan_document

    session = open_session(config, as_json)
    asked = request(jobs, first, last, kpi, team)
    results = []
    with Signals().caught() as signals, SlowProgress() as progress:
        for result in session.app(stopped=signals, progress=progress).plan(asked):
            results.append(result)
            if not as_json:
                show_plan(session.out, result)
    document = plan_document(asked, results)
    if out is not None:
        _write(out, session.dumped(document) + "\n")
    if as_json:
        session.print_json(document)
    raise typer.Exit(combined(result.exit_code for result in results))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}", hint="Give --out another place") from None
