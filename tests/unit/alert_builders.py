"""Overviews for the tests of alerts, so that a test names only what matters to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from kpisync.testing.clock import NOON
from kpisync.watch.model import JobHealth, LastRun, Overview, Topic, Trouble, Word

RUN = LastRun("01JD", "run", NOON, NOON, "ok", 0, 4, 0, 0, 0, 0, None, None)


def job(name: str = "scrap-daily", word: Word = Word.OK, *, error: str | None = None, **more: Any) -> JobHealth:
    """A job, well unless said otherwise; `conflicts`, `held` and `error` are of its last run."""
    run = replace(RUN, error=error, **{key: more.pop(key) for key in ("conflicts", "held") if key in more})
    counts = {"rejected": 0, "in_doubt": 0, "missing": 0, **more}
    fixed: dict[str, Any] = {"next_due": None, "running_since": None, "queued": False, "confirmed_at": None}
    return JobHealth(
        job=name, word=word, destination="board", schedule=None, last_run=run, trouble=None, **{**fixed, **counts}
    )


def failed(name: str = "scrap-daily", error: str = "no file matches exports/scrap_*.csv") -> JobHealth:
    return job(name, Word.FAILED, error=error)


def overview(*jobs: JobHealth, troubles: Iterable[Trouble] = (), now: datetime = NOON) -> Overview:
    return Overview(now, jobs, (), (), tuple(troubles), NOON, 1.0)


def trouble(topic: Topic, said: str = "the disk is full", *, stops: bool = True, job: str | None = None) -> Trouble:
    return Trouble(topic, said, NOON, job, stops)
