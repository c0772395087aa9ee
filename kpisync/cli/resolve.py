"""`kpisync resolve`: what is in doubt, with the evidence, and a person's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from kpisync.cli.lines import line
from kpisync.cli.options import ConfigPath, Json
from kpisync.cli.session import Session, open_session
from kpisync.errors import ConfigError

if TYPE_CHECKING:
    from decimal import Decimal

    from kpisync.upkeep.resolve import Doubtful, Resolved


def register(cli: typer.Typer) -> None:
    cli.command("resolve")(resolve)


def resolve(
    value: Annotated[
        str | None,
        typer.Argument(metavar="VALUE", help="One value, as the list shows it; none: all.", show_default=False),
    ] = None,
    config: ConfigPath = None,
    stored: Annotated[bool, typer.Option("--stored", help="It is stored: it becomes known.")] = False,
    not_stored: Annotated[bool, typer.Option("--not-stored", help="It is not: it may be sent again.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="The answer holds for every value in doubt.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Whatever the platform shows.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the platforms.")] = False,
    as_json: Json = False,
) -> None:
    """List what is in doubt, of all jobs, with what the platforms show now; or say what became of it.

    Mostly the next run of a job finds it out by itself. An answer that the platform contradicts is not taken.
    """
    from kpisync.sync.resolve import Answer
    from kpisync.upkeep.resolve import answer, listed, resolve_json

    if stored and not_stored:
        raise ConfigError("--stored and --not-stored exclude each other")
    answers = stored or not_stored
    if answers and (value is None) == (not everything):
        raise ConfigError(
            "an answer is about one VALUE, or about --all", hint="`kpisync resolve` lists what is in doubt"
        )
    session = open_session(config, as_json)
    with session.at_upkeep() as upkeep:
        result = listed(upkeep, value, offline)
        if answers:
            answer(upkeep, result, Answer.STORED if stored else Answer.NOT_STORED, force)
    if as_json:
        session.print_json(resolve_json(result))
    else:
        _show(session, result, offline)
    raise typer.Exit(result.exit_code)


def _show(session: Session, result: Resolved, offline: bool) -> None:
    out = session.out
    if not result.doubts:
        out.print("Nothing is in doubt.")
    for each in result.doubts:
        attempt = each.attempt
        old, new = _number(attempt.old), _number(attempt.new)
        out.print(Text(each.path, "bold").append(f": {old} → {new}", "not bold"), soft_wrap=True)
        when = session.local(attempt.intended_at.isoformat())
        line(out, "dim", "sent", f"{when} by run {attempt.run} of job {attempt.job} ({attempt.source})")
        line(out, "dim", "the platform said", attempt.answer or "nothing")
        if not offline:
            line(out, "dim", "it shows now", each.error or _number(each.evidence.shows))
        if each.answer:
            line(out, "green", "resolved", str(each.answer))
        elif each.refused:
            line(out, "red", "not resolved", each.refused)
        else:
            line(out, "dim", "next", _next(session, each))


def _next(session: Session, each: Doubtful) -> str:
    """The next run can only ask for a job that still is."""
    if each.attempt.job in session.loaded.jobs:
        return f"kpisync run {each.attempt.job} asks again; or give --stored or --not-stored"
    return f"job {each.attempt.job} is not in the configuration any more; give --stored or --not-stored"


def _number(number: Decimal | None) -> str:
    return "nothing" if number is None else f"{number:f}"
