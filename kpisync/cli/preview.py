"""`kpisync preview`: the first rows as read, as mapped, and what was skipped by which rule; sends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kpisync.cli.options import ConfigPath, First, Json, Last
from kpisync.cli.session import Session, SlowProgress, open_session, request
from kpisync.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table as Grid

    from kpisync.config.loaded import JobConfig
    from kpisync.model import KpiValue, Row, Table
    from kpisync.names import Names
    from kpisync.preview import Preview

_MOST = 10  # rejects
_WIDEST = 28  # characters of a cell
_NARROWEST = 14  # characters, if its name has so many: a longer one is folded
_MOST_NAMES = 8  # of columns that do not fit
_LINE = 8  # characters for the number of a line


def register(cli: typer.Typer) -> None:
    cli.command("preview")(preview)


def preview(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The name of a job.")],
    config: ConfigPath = None,
    rows: Annotated[int, typer.Option("--rows", min=1, max=1000, help="Show so many rows and values.")] = 10,
    first: First = None,
    last: Last = None,
    as_json: Json = False,
) -> None:
    """Show the first rows as read and as mapped, and what was skipped or rejected; contact only the source."""
    session = open_session(config, as_json)
    shown, names = _read(session, job, rows, request([job], first, last, None, None))
    if as_json:
        session.print_json({"job": job, **_document(shown, names)})
    else:
        _show(session, session.loaded.jobs[job], shown, names)


def _read(session: Session, job: str, rows: int, asked: Any) -> tuple[Preview, Names]:
    from kpisync.names import Names
    from kpisync.preview import preview as look

    builder = session.app().builder
    builder.chosen(asked)
    if job in session.loaded.unsound:
        problem = session.loaded.unsound[job][0]
        raise ConfigError(problem.message, where=problem.place, hint=problem.hint or "kpisync check shows them all")
    with SlowProgress() as progress:
        shown = look(builder, session.loaded.jobs[job], asked, rows, progress)
    return shown, Names(builder.catalog(session.loaded.jobs[job].destination))


# ---------------------------------------------------------------- as JSON


def _document(shown: Preview, names: Names) -> dict[str, Any]:
    intake = shown.intake
    return {
        "rows": intake.read,
        "values": shown.stated,
        "notes": intake.notes,
        "tables": [
            {
                "origin": table.origin,
                "columns": list(table.columns),
                "rows": [{"line": row.line, "cells": [_plain(cell) for cell in row.cells]} for row in rows],
            }
            for table, rows in shown.tables
        ],
        "mapped": [_value(value, names) for value in shown.values],
        "skipped": [
            {"rule": rule, "count": count, "examples": intake.examples.get(rule, [])}
            for rule, count in intake.skipped.most_common()
        ],
        "silent": {"count": shown.silent, "examples": shown.silent_examples},
        "rejects": [{"source": each.source, "code": each.code, "reason": each.reason} for each in intake.rejections],
    }


def _plain(cell: object) -> str | None:
    from kpisync.mapping.parse import code_text

    return None if cell is None else cell if isinstance(cell, str) else code_text(cell)


def _value(value: KpiValue, names: Names) -> dict[str, Any]:
    record = value.key.record
    shown = {"kpi": names.kpi(record.kpi), "team": names.team(record.team)}
    if record.sub_tile is not None:
        shown["sub_tile"] = names.sub_tile(record.kpi, record.sub_tile)
    return {
        **shown,
        "value": names.value(record.kpi, value.key.value),
        "period": record.period.isoformat(),
        "number": value.number,
        "source": value.source,
    }


# ---------------------------------------------------------------- for people


def _show(session: Session, config: JobConfig, shown: Preview, names: Names) -> None:
    from rich.text import Text

    out = session.out
    out.print(Text(config.name, style="bold"))
    for note in shown.intake.notes:
        out.print(Text(f"  {note}", style="dim"), soft_wrap=True)
    for table, rows in shown.tables:
        of = f" {_place(table.origin)}:" if len(shown.tables) > 1 else ""
        out.print(Text(f"\nas read:{of} {len(rows)} of {shown.intake.read} rows{' in all' if of else ''}"))
        grid, left_out = _as_read(table, rows, _used(table, config), out.width)
        out.print(grid)
        if left_out:
            out.print(Text(f"left out for their width: {_listed(left_out)} (--json shows all)", style="dim"))
    out.print(Text(f"\nas mapped: {len(shown.values)} of {shown.stated} values"))
    if shown.values:
        out.print(_as_mapped(shown.values, names))
    for line in _account(shown):
        out.print(Text(line))


def _used(table: Table, config: JobConfig) -> set[int]:
    """The columns that the job's map names."""
    from kpisync.config.checks import mapped_by
    from kpisync.tables.columns import find_column

    mapped = mapped_by(config.map)
    parts = [mapped.team, mapped.sub_tile]
    parts += [part for each in config.map.values for part in (each.kpi, each.value, each.team, each.sub_tile)]
    dates = config.map.date
    names = {part.column for part in (dates, dates.time, dates.year, *parts) if part and not isinstance(part, str)}
    names |= {each.column for each in config.map.values if each.column is not None}
    return {find_column(table.columns, name, table.origin) for name in names}


def _grid(*titles: str) -> Grid:
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    for title in titles:
        grid.add_column(title, overflow="fold")
    return grid


def _as_read(table: Table, rows: list[Row], used: set[int], width: int) -> tuple[Grid, list[str]]:
    """The columns that fit, those that the job uses before others and blank ones last; and the names of the rest."""
    from rich.text import Text

    cells = [[_cell(cell) for cell in row.cells] for row in rows]
    names = [name or f"@{index}" for index, name in enumerate(table.columns, 1)]
    room, fitting = width - _LINE, dict[int, int]()
    blank = {index for index in range(len(names)) if not any(line[index] for line in cells)}
    for index in sorted(range(len(names)), key=lambda index: (index not in used, index in blank)):
        wide = max([min(len(names[index]), _NARROWEST), *(len(line[index]) for line in cells)])
        if room >= wide + 2 or index in used:
            fitting[index] = wide
            room -= wide + 2
    grid = _grid("line")
    for index in sorted(fitting):
        grid.add_column(Text(names[index]), overflow="fold", max_width=fitting[index])
    for row, line in zip(rows, cells, strict=True):
        grid.add_row(str(row.line), *(Text(line[index]) for index in sorted(fitting)))
    return grid, [name for index, name in enumerate(names) if index not in fitting]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(map(_shortened, names[:_MOST_NAMES])) + more


def _cell(cell: object) -> str:
    return _shortened(_plain(cell) or "")


def _shortened(text: str) -> str:
    shown = "".join(char if char.isprintable() else "·" for char in text)
    return shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 1]}…"


def _as_mapped(values: list[KpiValue], names: Names) -> Grid:
    from rich.text import Text

    grid = _grid("period", "KPI", "team", "value")
    grid.add_column("number", justify="right")
    grid.add_column("source", overflow="fold", style="dim")
    for value in values:
        record = value.key.record
        team = "/".join(part for part in (names.team(record.team), names.sub_tile(record.kpi, record.sub_tile)) if part)
        cells = (record.period.isoformat(), names.kpi(record.kpi), team, names.value(record.kpi, value.key.value))
        grid.add_row(*(Text(text) for text in (*cells, f"{value.number:f}", _place(value.source))))
    return grid


def _account(shown: Preview) -> Iterator[str]:
    """What became of the rows that are not values."""
    intake = shown.intake
    yield ""
    for rule, count in intake.skipped.most_common():
        yield f"skipped by {rule}: {count} ({_examples(intake.examples.get(rule, []), count)})"
    if shown.silent:
        why = "outside of the dates looked at, in an open period, or with an empty cell"
        yield f"rows that state nothing: {shown.silent} ({_examples(shown.silent_examples, shown.silent)}); {why}"
    for each in intake.rejections[:_MOST]:
        yield f"rejected {each.code}: {_place(each.source or '')}: {each.reason}"
    if len(intake.rejections) > _MOST:
        yield f"rejected: and {len(intake.rejections) - _MOST} more (--json shows all)"
    yield f"{intake.read} rows read, {shown.stated} values, {len(intake.rejections)} rejected; nothing was sent"


def _examples(places: list[str], count: int) -> str:
    """Lines of one file side by side, as sources of a value are: `scrap.csv:2,3`."""
    found: dict[str, list[str]] = {}
    for place in places:
        origin, colon, line = _place(place).rpartition(":")
        found.setdefault(f"{origin}{colon}", []).append(line)
    return ", ".join(f"{origin}{','.join(lines)}" for origin, lines in found.items()) + (
        " …" if count > len(places) else ""
    )


def _place(source: str) -> str:
    """A place without its folders, which stand above."""
    return source.rpartition("/")[2]
