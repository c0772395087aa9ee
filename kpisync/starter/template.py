"""The starter configuration, whole: the parts around a job, with what most people want to know as comments."""

from __future__ import annotations

from collections.abc import Sequence

SCHEMA_FILE = "kpisync.schema.json"

_HEAD = """\
# yaml-language-server: $schema=./{schema}
# {title}
# kpisync check says whether it is sound; kpisync preview {job} shows what is read; kpisync plan sends nothing.
version: 1
timezone: Europe/Berlin        # IANA name; decides "today" and the schedules
# state: sqlite:///state/kpisync.db      # what was sent and confirmed, beside this file

destinations:
  board:
    type: valuestreamer
    # A variable, and what holds where it is not set: the stand-in that kpisync sandbox starts on this machine.
    url: ${{env:BOARD_URL:-http://127.0.0.1:8765/valuestreamer/api}}
    username: ${{env:BOARD_USER:-sandbox}}
    password: ${{env:BOARD_PASSWORD:-sandbox}}     # or a file: ${{file:/run/secrets/board_password}}
    # rate_limit: 5/s            # none by default
    # on_conflict: hold          # a number that someone else wrote: hold (report it), or overwrite

# What the board has: names of your choice, and the ids that the board gave them.
# DECIDE: these ids are made up; kpisync discover board prints the real ones.
catalog:
  board:
    teams:
{teams}
    kpis:
      {kpi}:
        id: 00000000-0000-0000-0001-000000000001
        interval: day            # day, week or month, as on the board
        values:
          actual: 00000000-0000-0000-0002-000000000001
          target: 00000000-0000-0000-0002-000000000002

# The codes of the export → names of the catalog.
lookups:
  teams:
{codes}

jobs:
  {job}:
    # schedule: "15 6 * * 1-5"   # for kpisync serve: minute, hour, day, month, weekday
    # lookback: 14d              # look at the periods of the last two weeks only
    source:
{source}
    map:
{map}
    destination: board
"""

STARTER_JOB = "scrap-daily"
_STARTER_SOURCE = (
    "type: csv",
    "path: ../exports/scrap_*.csv          # relative to this file; every file that matches is read",
    "# encoding: cp1252                    # default: UTF-8, or what the byte order mark says",
    'delimiter: ";"',
    'decimal: ","',
    'thousands: "."',
    "# header: {find: [Linie, Datum]}      # where titles stand above the column names",
    "# require: [Datum]                    # rows without it, such as totals, are left out",
)
_STARTER_MAP = (
    'date: {column: Datum, format: "%d.%m.%Y"}',
    "team: {column: Linie, lookup: teams}",
    "values:",
    "  - {kpi: scrap, value: actual, column: Ausschuss}",
    "  # - {kpi: scrap, value: target, constant: 2.5}",
    "  # several rows for one day and team: aggregate: sum, mean, min, max, last, first or count",
)


def starter() -> str:
    """A configuration to begin with, that passes `check`."""
    title = "A starter configuration of kpisync."
    return filled(title, STARTER_JOB, "scrap", ("L1", "L2"), _STARTER_SOURCE, _STARTER_MAP)


def filled(title: str, job: str, kpi: str, codes: Sequence[str], source: Sequence[str], mapping: Sequence[str]) -> str:
    """The template around the lines of a source and of a map; `codes` are those of the teams, ready for YAML."""
    return _HEAD.format(
        schema=SCHEMA_FILE,
        title=title,
        job=job,
        kpi=kpi,
        teams=_block([f"team-{n}: 00000000-0000-0000-0003-{n:012}" for n in range(1, max(len(codes), 1) + 1)], 6),
        codes=_block([f"{code}: team-{n}" for n, code in enumerate(codes, 1)] or ["{}"], 4),
        source=_block(source, 6),
        map=_block(mapping, 6),
    )


def _block(lines: Sequence[str], column: int) -> str:
    return "\n".join(f"{' ' * column}{line}" for line in lines)
