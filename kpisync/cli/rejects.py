"""`kpisync rejects`: what is rejected and why, until a run no longer has it; with --retry, those jobs run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kpisync.cli.options import ConfigPath, Json
from kpisync.cli.session import Session, open_session, request

if TYPE_CHECKING:
    from kpisync.state.rejects import OpenReject


def register(cli: typer.Typer) -> None:
    cli.command("rejects")(rejects)


def rejects(
    job: Annotated[
        str | None, typer.Argument(metavar="JOB", help="The name of a job; none: all jobs.", show_default=False)
    ] = None,
    config: ConfigPath = None,
    retry: Annotated[bool, typer.Option("--retry", help="Run the jobs again that have open rejects.")] = False,
    as_json: Json = False,
) -> None:
    """Show what could not be mapped or was refused, and is not made good yet.

    A reject is open until a run over the same dates, with no --kpi or --team, no longer has it.
    """
    from kpisync.kept import open_reject_json
    from kpisync.reports import without_secrets
    from kpisync.state.open import open_readonly
    from kpisync.state.runs import open_rejects

    session = open_session(config, as_json)
    app, asked = session.app(), [] if job is None else [job]
    with open_readonly(app.settings.state) as store:
        found = [reject for reject in open_rejects(store) if job in (None, reject.job)]
    if retry:
        _retry(session, asked, found)
        return
    if not found:
        app.chosen(request(asked, None, None, None, None))  # a name that no job ever had is a mistake
    document = {"rejects": [open_reject_json(app.names, reject) for reject in found]}
    if as_json:
        session.print_json(document)
    else:
        _show(session, without_secrets(document, session.loaded.secrets.redact)["rejects"])


def _show(session: Session, entries: list[dict[str, Any]]) -> None:
    from rich.text import Text

    out, job = session.out, None
    for entry in entries:
        if entry["job"] != job:
            job = entry["job"]
            gone = "" if job in session.loaded.job_names else " (not in the configuration any more)"
            out.print(Text(job, "bold").append(gone, "not bold"))
        line = (
            Text("  ").append(f"rejected {entry['code']}", "yellow").append(f": {entry['source']}: {entry['reason']}")
        )
        number = "withdrawn" if entry["number"] is None else f"{entry['number']:f}"
        value = f"{entry['path']} = {number}; " if entry["path"] else ""
        times = f"{entry['runs']} run{'s' * (entry['runs'] != 1)}, the last {entry['run']}"
        out.print(line, soft_wrap=True)
        out.print(Text(f"    {value}since {session.local(entry['since'])}, in {times}", "dim"), soft_wrap=True)
    if not entries:
        out.print("nothing is rejected")


def _retry(session: Session, asked: list[str], found: list[OpenReject]) -> None:
    """A disabled job only if it is named; one that is not in the configuration any more not at all."""
    from kpisync.cli.show import show_runs
    from kpisync.retry import retries

    with session.at_work() as app:
        chosen = app.chosen(request(asked, None, None, None, None))
        again = [reject for reject in found if reject.job in chosen]
        if not again and not session.as_json:
            session.out.print("nothing to retry")
        show_runs(session, (result for asked_again in retries(again) for result in app.run(asked_again)))
