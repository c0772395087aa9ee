"""Pictures of a plant for what reads metrics: builders, so that a test names only what matters."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from kpisync.errors import Exit
from kpisync.model import RunStatus
from kpisync.sync.gate import GateState
from kpisync.sync.report import Report
from kpisync.testing.clock import NOON
from kpisync.watch.model import Complete, DestinationHealth, JobHealth, LastRun, Live, Overview, Topic, Trouble, Word
from kpisync.watch.tally import Tally

LAST = LastRun(
    "01HX", "run", NOON - timedelta(minutes=10), NOON - timedelta(minutes=9), "ok", 0, 3, 1, 0, 0, 0, None, None
)
JOB = JobHealth(
    "scrap",
    Word.OK,
    "board",
    "15 6 * * * Europe/Berlin",
    NOON + timedelta(hours=18),
    None,
    False,
    LAST,
    NOON - timedelta(minutes=9),
    2,
    1,
    4,
    None,
)
OPEN = GateState(2, False, 0.0, None, None, 4.5)
BOARD = DestinationHealth("board", "valuestreamer", "https://board.example", 5.0, 4.0, 4, OPEN, 1, 1, 2)
LIVE = Live(NOON, NOON - timedelta(hours=1), 1.5, {"scrap": NOON}, {}, ("late",), {"scrap": NOON})
BROKEN = Trouble(Topic.CONFIG, "jobs/scrap.yaml:3: unknown key", NOON, "scrap")
DEAD = Trouble(Topic.STATE, "the state store cannot be written", NOON, stops=True)


def job(name: str = "scrap", **changes: Any) -> JobHealth:
    return replace(JOB, job=name, **changes)


def overview(*jobs: JobHealth, **changes: Any) -> Overview:
    boards = (Complete("board", date(2026, 11, 19), 4, 2, 1, 40),)
    return replace(Overview(NOON, jobs or (JOB,), boards, (), (), LIVE.started, 1.5), **changes)


def tally() -> Tally:
    """After one run."""
    report = Report("scrap", created=3)
    report.traffic.requests["board"].update({"GET": 1, "PUT": 3})
    report.traffic.answers["board"].update({"200": 3, "none": 1})
    made = Tally()
    made.ended(report, RunStatus.OK, Exit.OK, "run", 61.0)
    return made
