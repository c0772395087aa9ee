"""Options that several commands share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "-c",
        "--config",
        help="The configuration: a file, or a directory; default: $KPISYNC_CONFIG, config/kpisync.yaml.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on stdout.")]
Jobs = Annotated[
    list[str] | None, typer.Argument(metavar="JOB", help="Names of jobs; none: every enabled one.", show_default=False)
]
_DAY = ["%Y-%m-%d"]
First = Annotated[datetime | None, typer.Option("--from", formats=_DAY, help="First day, inclusive.")]
Last = Annotated[datetime | None, typer.Option("--to", formats=_DAY, help="Last day, inclusive.")]
Kpi = Annotated[str | None, typer.Option("--kpi", help="Only this KPI: a catalog name or id.")]
Team = Annotated[str | None, typer.Option("--team", help="Only this team: a catalog name or id.")]
