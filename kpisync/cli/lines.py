"""What a command has to tell, line by line: a word in color that says what it is, and the text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from kpisync.names import Names
    from kpisync.sync.report import Report

_MOST = 50  # lines of one list; the rest is counted


def line(out: Console, style: str, what: str, text: str | None) -> None:
    if text:
        out.print(Text("  ").append(what, style).append(": ").append(text), soft_wrap=True)


def lines(out: Console, style: str, what: str, texts: Iterable[str]) -> None:
    """One line each; of a long list the first ones, and how many more there are."""
    every = list(texts)
    for text in every[:_MOST]:
        line(out, style, what, text)
    if len(every) > _MOST:
        line(out, style, what, f"and {len(every) - _MOST} more (--json shows all)")


def trouble(out: Console, report: Report, names: Names) -> None:
    """The head of a run that looks after what was sent, and what in it needs a person."""
    run = f", run {report.run}" if report.run else ""
    out.print(Text(report.job, "bold").append(run, ""), soft_wrap=True)
    line(out, "red", "error", report.error)
    line(out, "red", "held", report.held)
    for each in report.conflicts:
        text = f"{names.path(each.key)}: the platform holds {each.holds:f}, which we did not write; it was left alone"
        line(out, "yellow", "conflict", text)
    lines(out, "yellow", "rejected", (f"{each.source}: {each.reason}" for each in report.rejections))
    lines(
        out, "yellow", "in doubt", (f"{names.path(key)}: kpisync resolve shows the evidence" for key in report.doubts)
    )


def requests_line(out: Console, report: Report) -> None:
    requests = ", ".join(f"{count} {method}" for method, count in sorted(report.requests.items())) or "none"
    out.print(f"  requests: {requests}")
