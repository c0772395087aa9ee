"""A configuration for one export: the source section by its evidence, and the skeleton of a map."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from decimal import Decimal

from kpisync.catalogs.scalars import quoted, scalar, tidy, value
from kpisync.starter.choice import Choice, choose
from kpisync.starter.export import Column, Export
from kpisync.starter.reading import flow
from kpisync.starter.source import source_lines
from kpisync.starter.template import filled

DECIDE = "DECIDE"
_KPI = "kpi-1"
_WIDTH = 96
_MOST_OTHERS = 8
_LATER = ("# - {", "# require: ", "# fill_down: ")  # lines that wait to be taken out of their comment
_TYPED = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def job_name(stem: str) -> str:
    """A file's name as that of a job."""
    return re.sub(r"[^\w.]+", " ", stem.replace("_", " ")).strip(" .").replace(" ", "-")[:60] or "export"


def proposal(export: Export, path: str, shown: str, stem: str) -> str:
    """The configuration as text. `path` is the export's as the job has it, `shown` as people know it."""
    choice = choose(export)
    codes = [scalar(code) for code in choice.team.cells] if choice.team else []
    title = f"Proposed by kpisync init --from {tidy(shown)}; lines marked {DECIDE} wait for a person."
    source = _wrapped(source_lines(export, path, choice.date))
    return filled(title, job_name(stem), _KPI, codes, list(source), list(_wrapped(_map(export, choice))))


def _wrapped(lines: Iterator[str]) -> Iterator[str]:
    """Long comments over several lines; control characters of the export never reach the file."""
    for line in lines:
        clean = "".join(char if char.isprintable() else "·" for char in line)
        text = clean.lstrip(" ")
        if not text.startswith("# ") or text.startswith(_LATER):
            yield clean
            continue
        lead = f"{clean[: len(clean) - len(text)]}# "
        yield from textwrap.wrap(
            text[2:], _WIDTH, initial_indent=lead, subsequent_indent=f"{lead}  ", break_on_hyphens=False
        )


def _map(export: Export, choice: Choice) -> Iterator[str]:
    yield from _date(choice)
    yield from _team(choice)
    yield from _values(export, choice)


def _date(choice: Choice) -> Iterator[str]:
    if choice.date is None or choice.date.dates is None:
        yield f"# {DECIDE}: no column holds dates, so far as one can see; which one gives the period?"
        yield "date: {column: DATE}"
        return
    dates = choice.date.dates
    others = [column.address for column in choice.dates if column is not choice.date]
    if others:
        yield f"# {DECIDE}: which date counts? There are also {_listed(others)}"
    mark = f"{DECIDE}: " if dates.undecided else ""
    yield f"# {mark}{choice.date.address}: {dates.note}"
    if dates.has_time:
        yield f"# {DECIDE}: it has a time of day: when does the plant's day start, and is it its clock (timezone)?"
    format = f", format: {quoted(dates.format)}" if dates.format else ""
    format += f", year: {flow(dates.year)}" if dates.year else ""
    format += ', day_starts: "00:00"' if dates.has_time else ""
    yield f"date: {{column: {value(choice.date.address)}{format}}}"


def _team(choice: Choice) -> Iterator[str]:
    if choice.team is None:
        yield f"# {DECIDE}: no column looks like one of teams"
        yield "team: team-1"
        return
    others = [f"{column.address} ({len(column.cells)})" for column in choice.teams if column is not choice.team]
    also = f"; there are also {_listed(others)}" if others else ""
    yield f"# {DECIDE}: {choice.team.address} has {len(choice.team.cells)} different texts{also}"
    yield f"team: {{column: {value(choice.team.address)}, lookup: teams}}"


def _values(export: Export, choice: Choice) -> Iterator[str]:
    yield f"# {DECIDE}: which number is which KPI and value?"
    if choice.shared:
        yield f"# {choice.shared} of {len(export.rows)} rows share their date and team with another row:"
        yield "# aggregate says how they become one number: sum, mean, min, max, last, first or count"
    for column in choice.numbers:
        if column.index in export.reading.percent:
            yield f"# {DECIDE}: {column.address} is shown as per cent: is scale: 100 to be added{_percent(column)}?"
    if choice.sign and choice.sides:
        positive, negative = choice.sides
        told = flow({"column": choice.sign.address, "negative": [negative], "positive": [positive]})
        said = f"{choice.sign.address} says {positive} or {negative}"
        yield f"# {DECIDE}: {said}: does it tell the sign of a number? Then as sign: {told}"
    yield "values:"
    combined = ", aggregate: sum" if choice.shared else ""
    if choice.number is None:
        yield "  # no column holds numbers, so the rows are counted"
        yield f"  - {{kpi: {_KPI}, value: actual, aggregate: count}}"
    for column in choice.numbers:
        lead = "- " if column is choice.number else "# - "
        yield f"  {lead}{{kpi: {_KPI}, value: actual, column: {value(column.address)}{combined}}}{_example(column)}"


def _percent(column: Column) -> str:
    """An example of what the factor makes."""
    numbers = [Decimal(cell) for cell in column.cells if _TYPED.fullmatch(cell)]
    return f", so that {numbers[0]:.3f} is sent as {numbers[0] * 100:.1f}" if numbers else ""


def _example(column: Column) -> str:
    cells = list(column.cells)[:3]
    return f"   # {', '.join(tidy(cell) for cell in cells)} …"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_OTHERS} more" if len(names) > _MOST_OTHERS else ""
    return ", ".join(names[:_MOST_OTHERS]) + more


def decisions(text: str) -> list[tuple[int, str]]:
    """The lines that wait for a person: number and what they ask."""
    found = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        head, mark, rest = line.partition(f"# {DECIDE}: ")
        if mark and not head.strip():
            for after in lines[number:]:
                if not after.startswith(f"{head}#   "):
                    break
                rest += f" {after[len(head) + 4 :]}"
            found.append((number, rest))
    return found
