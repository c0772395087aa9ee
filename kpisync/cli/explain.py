"""`kpisync explain`: one value's life, from the source cell to the read-back."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kpisync.cli.options import ConfigPath, Json
from kpisync.cli.session import Session, open_session


def register(cli: typer.Typer) -> None:
    cli.command("explain")(explain)


def explain(
    value: Annotated[
        str,
        typer.Argument(
            metavar="VALUE", help="destination/kpi/team/value/period, such as board/scrap/line-1/actual/2026-11-20"
        ),
    ],
    config: ConfigPath = None,
    as_json: Json = False,
) -> None:
    """Show where a number came from, what it replaced, and what the platform said."""
    session = open_session(config, as_json)
    document = _document(session, value)
    if as_json:
        session.print_json(document)
    else:
        _show(session, document)


def _document(session: Session, value: str) -> dict[str, Any]:
    from kpisync.kept import life_json
    from kpisync.names import parse_path
    from kpisync.state.open import open_readonly
    from kpisync.state.runs import life

    app, loaded = session.app(), session.loaded
    catalogs = {name: app.names(name).catalog for name in loaded.destinations}
    key = parse_path(value, catalogs)
    with open_readonly(app.settings.state) as store:
        found = life(store, key)
    return life_json(app.names, found, loaded.jobs.get(found.standing.job) if found.standing else None)


def _show(session: Session, life: dict[str, Any]) -> None:
    from rich.text import Text

    out, known = session.out, life["known"]
    if known is None and not life["changes"]:
        out.print(Text(f"{life['path']}: nothing is known of it; no job ever sent it or found it on the platform"))
        return
    if known is None:
        out.print(Text(f"{life['path']}: no number of ours stands there"))
    else:
        text = f"{life['path']} = {known['number']:f}, {known['status']}, by job {known['job']} (run {known['run']})"
        out.print(Text(text), soft_wrap=True)
        out.print(Text(f"  from {known['source']}"), soft_wrap=True)
    for change in life["changes"]:
        for line in _lines(session, change):
            out.print(Text(line), soft_wrap=True)


def _lines(session: Session, change: dict[str, Any]) -> list[str]:
    old, new = (("nothing" if change[name] is None else f"{change[name]:f}") for name in ("old", "new"))
    when = session.local(change["intended_at"])
    lines = [f"  {when} {old} → {new}: {change['status']} (run {change['run']}, job {change['job']})"]
    lines.append(f"    source {change['source']}" + (f", {change['digest']}" if change["digest"] else ""))
    if change["answer"]:
        lines.append(f"    the platform answered: {change['answer']}")
    if change["settled_at"]:
        found = "" if change["found"] is None else f"; it holds {change['found']:f}"
        lines.append(f"    settled {session.local(change['settled_at'])}{found}")
    return lines
