"""`kpisync adopt`: what the platform holds is accepted as known, and nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kpisync.cli.lines import line, requests_line, trouble
from kpisync.cli.options import ConfigPath, First, Json, Last
from kpisync.cli.session import Session, open_session, request

if TYPE_CHECKING:
    from kpisync.upkeep.adopt import Adopted


def register(cli: typer.Typer) -> None:
    cli.command("adopt")(adopt)


def adopt(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The name of a job.")],
    config: ConfigPath = None,
    first: First = None,
    last: Last = None,
    as_json: Json = False,
) -> None:
    """Accept what the platform holds of a job's values as known; send nothing.

    After that these numbers are no conflict any more: where the source states another one, the next run sends it. How
    many these are is said.
    """
    from kpisync.upkeep.adopt import adopt as carry_out
    from kpisync.upkeep.adopt import adopt_json

    asked = request([job], first, last, None, None)
    session = open_session(config, as_json)
    with session.at_upkeep() as upkeep:
        result = carry_out(upkeep, asked)
    if as_json:
        session.print_json({"adopt": adopt_json(result)})
    else:
        _show(session, result)
    raise typer.Exit(result.exit_code)


def _show(session: Session, result: Adopted) -> None:
    out, report, found = session.out, result.report, result.found
    trouble(out, report, result.names)
    if report.error is not None:
        return
    missing = f"{found.missing} that the platform does not hold"
    out.print(f"  {report.values} values: {len(found.stands)} adopted, {found.known} known already, {missing}")
    if found.changing:
        text = f"of {found.changing} adopted the source states another number; kpisync plan {report.job} shows it"
        line(out, "dim", "next", text)
    requests_line(out, report)
