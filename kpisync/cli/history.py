"""`kpisync history`: the runs, or one run with its changes old → new and its rejects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kpisync.cli.options import ConfigPath, Json
from kpisync.cli.session import Session, open_session
from kpisync.cli.status import described

if TYPE_CHECKING:
    from kpisync.app import App
    from kpisync.state.store import Store


def register(cli: typer.Typer) -> None:
    cli.command("history")(history)


def history(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A run's id, or its beginning; none: the newest runs.", show_default=False),
    ] = None,
    config: ConfigPath = None,
    job: Annotated[str | None, typer.Option("--job", help="Only the runs of this job.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many runs at most.")] = 20,
    as_json: Json = False,
) -> None:
    """List the runs, or show what one run changed."""
    from kpisync.state.open import open_readonly

    session = open_session(config, as_json)
    app = session.app()
    with open_readonly(app.settings.state) as store:
        if run is None:
            _list(session, store, limit, job)
        else:
            _one(session, app, store, run)


def _list(session: Session, store: Store, limit: int, job: str | None) -> None:
    from rich.table import Table

    from kpisync.kept import run_row_json
    from kpisync.state.runs import runs

    rows = [run_row_json(row) for row in runs(store, limit, job)]
    if session.as_json:
        session.print_json({"runs": rows})
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in (
        "run",
        "job",
        "kind",
        "started",
        "status",
        "created",
        "updated",
        "withdrawn",
        "unchanged",
        "rejected",
    ):
        table.add_column(title, no_wrap=title == "run")
    for row in rows:
        counts = (str(row.get(name, "–")) for name in ("created", "updated", "withdrawn", "unchanged", "rejected"))
        table.add_row(
            row["run"], row["job"], described(row), session.local(row["started"]), row["status"] or "not ended", *counts
        )
    session.out.print(table if rows else "Nothing ran yet.")


def _one(session: Session, app: App, store: Store, run: str) -> None:
    from kpisync.kept import changes_json, run_row_json
    from kpisync.reports import reject_json
    from kpisync.state.runs import changes, rejects
    from kpisync.state.runs import run as one_run

    row = one_run(store, run)
    document = run_row_json(row)
    document["changes"] = changes_json(app.names, changes(store, row.id))
    document["rejects"] = [reject_json(rejection) for rejection in rejects(store, row.id)]
    if session.as_json:
        session.print_json(document)
    else:
        _show(session, document)


def _show(session: Session, run: dict[str, Any]) -> None:
    from rich.text import Text

    out, began, ended = session.out, session.local(run["started"]), session.local(run["ended"])
    out.print(
        f"{described(run)} {run['run']} of job {run['job']}, {began} to {ended}",
        markup=False,
    )
    out.print(f"  {run['status'] or 'not ended'}, exit code {run['exit_code']}", markup=False)
    for name, digest in run["origins"].items():
        out.print(Text(f"  read {name} ({digest})"), soft_wrap=True)
    if run.get("error"):
        out.print(Text(f"  error: {run['error']}"), soft_wrap=True)
    for change in run["changes"]:
        old, new = (("–" if change[name] is None else f"{change[name]:f}") for name in ("old", "new"))
        out.print(Text(f"  {change['path']}: {old} → {new}, {change['status']} ({change['source']})"), soft_wrap=True)
    for reject in run["rejects"]:
        out.print(Text(f"  rejected {reject['code']}: {reject['source']}: {reject['reason']}"), soft_wrap=True)
