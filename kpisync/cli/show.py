"""Plans and runs as people read them: what changes from what to what, what was refused, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpisync.errors import Exit, Interrupted, combined
from kpisync.reports import in_order, run_json
from kpisync.support.memory import collect_seldom

if TYPE_CHECKING:
    from decimal import Decimal

    from kpisync.cli.session import Session
    from kpisync.jobs import JobResult
    from kpisync.names import Names
    from kpisync.sync.report import Report

_MOST = 50  # lines of one list; the rest is counted
_WIDE = 36  # characters
_SIGNS = {"create": "[green]+[/]", "update": "[yellow]~[/]", "withdraw": "[red]-[/]"}


def show_plan(out: Console, result: JobResult) -> None:
    report = result.report
    out.print(f"[bold]{report.job}[/]")
    if report.changes:
        out.print(_changes(report, result.names))
    _details(out, result)
    _line(out, "dim", "note", _held_back(report.undone))
    counts = {"create": 0, "update": 0, "withdraw": 0}
    for change in report.changes:
        counts[change.action] += len(change.values)
    out.print(
        f"  {counts['create']} to create, {counts['update']} to update, {counts['withdraw']} to withdraw; "
        f"{report.unchanged} unchanged, {len(report.conflicts)} in conflict, {len(report.rejections)} rejected\n"
    )


def show_runs(session: Session, results: Iterable[JobResult]) -> None:
    """Carry runs out, show each as it ends, all of them in one document with --json, and end with their exit code."""
    collect_seldom()
    documents: list[dict[str, Any]] = []
    codes: list[Exit] = []
    try:
        for result in results:
            documents.append(run_json(result.report, result.status, result.names, result.first, result.last))
            codes.append(result.exit_code)
            if not session.as_json:
                show_run(session.out, result)
    except Interrupted as interrupted:
        codes.append(interrupted.exit_code)
    if session.as_json:
        session.print_json({"runs": documents})
    if combined(codes) in (Exit.SIGINT, Exit.SIGTERM):
        session.warn(str(Interrupted(combined(codes))))
    raise typer.Exit(combined(codes))


def show_run(out: Console, result: JobResult) -> None:
    report = result.report
    color = {Exit.OK: "green", Exit.PARTIAL: "yellow", Exit.LOCKED: "yellow"}.get(result.exit_code, "red")
    run = f" run {report.run}" if report.run else ""
    dates = f" {result.first or 'the beginning'} to {result.last or 'the end'}" if result.first or result.last else ""
    out.print(f"[bold]{report.job}[/]{dates} [{color}]{result.status}[/]{run}", soft_wrap=True)
    _details(out, result)
    if report.error is None and report.held is None:
        _line(out, "dim", "note", _held_back(report.undone))
        out.print(_summary(report))


def _summary(report: Report) -> str:
    requests = ", ".join(f"{count} {method}" for method, count in sorted(report.requests.items())) or "none"
    more = "".join(
        f", {count} {what}"
        for count, what in (
            (report.sent, "sent but not confirmed"),
            (report.in_doubt, "in doubt"),
            (len(report.conflicts), "in conflict"),
            (len(report.rejections), "rejected"),
            (report.waiting, "not sent"),
        )
        if count
    )
    return (
        f"  {report.rows} rows, {report.values} values: {report.created} created, {report.updated} updated, "
        f"{report.withdrawn} withdrawn, {report.unchanged} unchanged; {report.confirmed} confirmed{more}\n"
        f"  requests: {requests}"
    )


def _changes(report: Report, names: Names) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    for title in ("", "period", "KPI", "team", "value"):
        table.add_column(title, overflow="fold")
    table.add_column("old", justify="right")
    table.add_column("new", justify="right")
    table.add_column("source", overflow="fold", style="dim")
    rows = [(change, value) for change in in_order(report.changes, names) for value in change.values]
    for change, value in rows[:_MOST]:
        key = change.key
        place = "/".join(part for part in (names.team(key.team), names.sub_tile(key.kpi, key.sub_tile)) if part)
        cells = (key.period.isoformat(), names.kpi(key.kpi), place, names.value(key.kpi, value.value))
        numbers = (_number(value.old), _number(value.new))
        table.add_row(_SIGNS[change.action], *(Text(cell) for cell in (*cells, *numbers, _short(value.source))))
    if len(rows) > _MOST:
        table.add_row("", Text(f"… and {len(rows) - _MOST} more (--json shows all)"))
    return table


def _short(source: str) -> str:
    """A long path without its folders, so that it fits beside the numbers; --json shows it whole."""
    return source if len(source) <= _WIDE else f"…/{source.rpartition('/')[2]}"


def _number(number: Decimal | None) -> str:
    return "–" if number is None else f"{number:f}"


def _details(out: Console, result: JobResult) -> None:
    """What needs a person: error, guard, conflicts, rejects, doubts."""
    report = result.report
    _line(out, "red", "error", report.error)
    _line(out, "red", "held", report.held)
    for conflict in report.conflicts[:_MOST]:
        path = result.names.path(conflict.key)
        holds, new = _number(conflict.holds), _number(conflict.wanted)
        text = f"{path}: the platform holds {holds}, which we did not write; the source says {new} ({conflict.source})"
        _line(out, "yellow", "conflict", text)
    if report.conflicts:
        hint = f"kpisync adopt {report.job} accepts what the platform holds; on_conflict: overwrite replaces it"
        _line(out, "dim", "next", hint)
    for rejection in report.rejections[:_MOST]:
        _line(out, "yellow", f"rejected {rejection.code}", f"{rejection.source}: {rejection.reason}")
    if len(report.rejections) > _MOST:
        _line(out, "yellow", "rejected", f"and {len(report.rejections) - _MOST} more (--json shows all)")
    for key in report.doubts[:_MOST]:
        _line(out, "yellow", "in doubt", f"{result.names.path(key)}: no answer; the next run looks at it first")
    for text, periods in _notes(report, result.names).items():
        times = f" ({len(periods)} records, such as {periods[0]})" if len(periods) > 1 else f" ({periods[0]})"
        _line(out, "dim", "note", text + times)


def _held_back(values: int) -> str | None:
    if not values:
        return None
    what = "1 value was" if values == 1 else f"{values} values were"
    return f"{what} undone, and not sent again: the source still states what was undone"


def _notes(report: Report, names: Names) -> dict[str, list[str]]:
    """What the platform did by itself → the periods in which it did; value kinds by name."""
    found: dict[str, list[str]] = {}
    for note in report.notes:
        period, _, text = note.partition(" ")
        words = " ".join(names.value_names.get(word, word) for word in text.split(" "))
        found.setdefault(words, []).append(period)
    return found


def _line(out: Console, style: str, what: str, text: str | None) -> None:
    if text:
        line = Text("  ").append(what, style).append(": ").append(text)
        out.print(line, soft_wrap=True)
