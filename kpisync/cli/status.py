"""`kpisync status`: each job's last run, and what waits for a person or for the next run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import typer

from kpisync.cli.options import ConfigPath, Json
from kpisync.cli.session import Session, open_session


def register(cli: typer.Typer) -> None:
    cli.command("status")(status)


def status(config: ConfigPath = None, as_json: Json = False) -> None:
    """Show each job's last run, and what is rejected or in doubt."""
    session = open_session(config, as_json)
    entries = _entries(session)
    if as_json:
        session.print_json({"jobs": entries})
        return
    _show(session, entries)


def _entries(session: Session) -> list[dict[str, Any]]:
    from kpisync.kept import run_row_json
    from kpisync.state.open import open_readonly
    from kpisync.state.runs import last_runs, open_doubts, open_rejects

    app = session.app()
    with open_readonly(app.settings.state) as store:
        last = last_runs(store)
        doubts = Counter(doubt.job for doubt in open_doubts(store))
        rejects = Counter(reject.job for reject in open_rejects(store))
    names = dict.fromkeys([*session.loaded.job_names, *last])
    return [
        {
            "job": name,
            "configured": name in session.loaded.jobs,
            "enabled": name not in session.loaded.jobs or session.loaded.jobs[name].enabled,
            "in_doubt": doubts[name],
            "rejected": rejects[name],
            "last_run": run_row_json(last[name]) if name in last else None,
        }
        for name in names
    ]


def described(run: Mapping[str, Any]) -> str:
    """What kind of run it was, and over which dates, if any were given: `backfill 2026-01-01 to 2026-01-31`."""
    if not run.get("from") and not run.get("to"):
        return str(run["kind"])
    return f"{run['kind']} {run.get('from') or 'the beginning'} to {run.get('to') or 'the end'}"


def _show(session: Session, entries: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("job", "last run", "kind", "status", "confirmed", "unchanged", "rejected", "in doubt"):
        table.add_column(title)
    for entry in entries:
        run = entry["last_run"] or {}
        state = run.get("status") or ("never ran" if not run else "not ended")
        if not entry["configured"]:
            state += " (not in the configuration, or broken)"
        counts = (run.get("confirmed", "–"), run.get("unchanged", "–"), entry["rejected"], entry["in_doubt"])
        table.add_row(
            entry["job"], session.local(run.get("started")), described(run) if run else "–", state, *map(str, counts)
        )
    session.out.print(table if entries else "No job is configured, and none ever ran.")
