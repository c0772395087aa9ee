"""`kpisync rejects`: what is rejected and why, until a run no longer has it; with --retry, those jobs run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kpisync.cli.options import ConfigPath, Json
from kpisync.cli.session import Session, open_session, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kpisync.app import App
    from kpisync.jobs import JobResult
    from kpisync.state.rejects import OpenReject


def register(cli: typer.Typer) -> None:
    cli.command("rejects")(rejects)


def rejects(
    job: Annotated[str | None, typer.Argument(help="The name of a job; none: all jobs.", show_default=False)] = None,
    config: ConfigPath = None,
    retry: Annotated[bool, typer.Option("--retry", help="Run the jobs again that have open rejects.")] = False,
    as_json: Json = False,
) -> None:
    """Show what could not be mapped or was refused, and is not made good yet.

    A reject is open until a run over the same dates, with no --kpi or --team, no longer has it.
    """
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
    document = {"rejects": [_reject_json(app, reject) for reject in found]}
    if as_json:
        session.print_json(document)
    else:
        _show(session, without_secrets(document, session.loaded.secrets.redact)["rejects"])


def _reject_json(app: App, open_reject: OpenReject) -> dict[str, Any]:
    """A reject with the value that was to be sent, if it got that far, by its path in catalog names."""
    from kpisync.reports import reject_json

    key = open_reject.rejection.key
    return {
        "job": open_reject.job,
        "run": open_reject.run,
        **reject_json(open_reject.rejection),
        "path": None if key is None else app.names(key.record.destination).path(key),
        "number": open_reject.rejection.number,
        "since": open_reject.since.isoformat(timespec="seconds"),
        "runs": open_reject.runs,
    }


def _show(session: Session, entries: list[dict[str, Any]]) -> None:
    from rich.text import Text

    out, job = session.out, None
    for entry in entries:
        if entry["job"] != job:
            job = entry["job"]
            out.print(Text(job, "bold"))
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

    with session.at_work() as app:
        chosen = app.chosen(request(asked, None, None, None, None))
        again = [reject for reject in found if reject.job in chosen]
        if not again and not session.as_json:
            session.out.print("nothing to retry")
        show_runs(session, _runs(app, again))


def _runs(app: App, again: list[OpenReject]) -> Iterator[JobResult]:
    """The jobs that were rejected over the same dates run together, those over their own dates first."""
    from kpisync.jobs import Request

    dates = dict.fromkeys((reject.first, reject.last) for reject in again)
    for first, last in sorted(dates, key=lambda each: [(day is not None, day) for day in each]):
        jobs = dict.fromkeys(reject.job for reject in again if (reject.first, reject.last) == (first, last))
        yield from app.run(Request(tuple(jobs), first, last))
