"""`kpisync verify`: what is known to stand on the platforms, against what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kpisync.cli.lines import lines, requests_line, trouble
from kpisync.cli.options import ConfigPath, First, Json, Last
from kpisync.cli.session import Session, open_session, request
from kpisync.errors import combined

if TYPE_CHECKING:
    from kpisync.sync.verify import Drifted
    from kpisync.upkeep.verify import Verified


def register(cli: typer.Typer) -> None:
    cli.command("verify")(verify)


def verify(
    job: Annotated[
        str | None, typer.Argument(metavar="JOB", help="A job; none: every enabled one.", show_default=False)
    ] = None,
    config: ConfigPath = None,
    first: First = None,
    last: Last = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Send what is missing or different again; never over another hand's edit.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare the platforms with what is known of them: missing, different, edited by someone, stored twice.

    Ends with 1 if anything differs, and sends nothing but reads unless --repair is given.
    """
    from kpisync.upkeep.verify import verify as carry_out
    from kpisync.upkeep.verify import verify_json

    asked = request([job] if job else None, first, last, None, None)
    session = open_session(config, as_json)
    results = []
    with session.at_upkeep() as upkeep:
        for result in carry_out(upkeep, asked, repair):
            results.append(result)
            if not as_json:
                _show(session, result, repair)
    if as_json:
        session.print_json({"verify": [verify_json(result) for result in results]})
    raise typer.Exit(combined(result.exit_code for result in results))


def _show(session: Session, result: Verified, repair: bool) -> None:
    out, report, drift = session.out, result.report, result.drift
    trouble(out, report, result.names)
    for what, found in (
        ("missing", drift.missing),
        ("different", drift.different),
        ("edited", drift.edited),
        ("duplicate", drift.duplicates),
    ):
        lines(out, "yellow", what, (_drifted(result, each) for each in found))
    lines(out, "dim", "next", _next(result, repair))
    if report.error is None:
        counts = f"{len(drift.missing)} missing, {len(drift.different)} different, {len(drift.edited)} edited"
        repaired = f"; {result.repaired} repaired" if repair else ""
        out.print(f"  {drift.checked} values checked: {counts}, {len(drift.duplicates)} duplicate{repaired}")
        requests_line(out, report)


def _drifted(result: Verified, each: Drifted) -> str:
    found = "nothing" if each.found is None else f"{each.found:f}"
    twice = f" ({each.copies} numbers stand there)" if each.copies > 1 else ""
    return f"{result.names.path(each.key)}: {each.number:f} → {found}{twice}"


def _next(result: Verified, repair: bool) -> list[str]:
    job, drift = result.report.job, result.drift
    found = []
    if drift.repairable and not repair:
        found.append(f"kpisync verify {job} --repair sends our last number of what is missing or different again")
    if drift.edited:
        found.append(f"kpisync adopt {job} accepts what another hand wrote; or correct it on the platform")
    if drift.duplicates:
        found.append("delete the number that is too much on the platform")
    return found
