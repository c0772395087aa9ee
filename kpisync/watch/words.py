"""How a job is, in one word and in a sentence: the first that applies of the words in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kpisync.config.loaded import JobConfig
from kpisync.model import RunStatus
from kpisync.state.recent import JobRow
from kpisync.watch.configured import Configured
from kpisync.watch.model import JobHealth, LastRun, Live, Trouble, Word

KILLED = (
    "it did not end: its process was killed, or the machine went down. The next run looks at what is in doubt first"
)
_NO_LONGER = timedelta(hours=1)  # may a run go on that no deadline ends, and that the daemon knows nothing of
_LATE_BY = timedelta(minutes=1)  # a run's end after its deadline that is still no wonder
_COUNTS = ("confirmed", "unchanged", "rejected", "in_doubt", "conflicts")


@dataclass(frozen=True, slots=True)
class Brief:
    """What of a run's report is shown at a glance. `first` and `last` are the dates that it was asked for."""

    counts: Mapping[str, int]
    held: str | None
    error: str | None
    is_whole: bool


NO_REPORT = Brief({}, None, None, False)


def brief(report: Mapping[str, Any]) -> Brief:
    counts = {name: int(report.get(name) or 0) for name in _COUNTS}
    return Brief(counts, report.get("held"), report.get("error"), not (report.get("from") or report.get("to")))


@dataclass(frozen=True)
class Facts:
    """What is known of the jobs, by name. `rows` are their newest runs; while one goes on, those before it."""

    rows: Mapping[str, JobRow] = field(default_factory=dict)
    at_work: Mapping[str, datetime] = field(default_factory=dict)
    briefs: Mapping[int, Brief] = field(default_factory=dict)  # by the run's number
    rejected: Mapping[str, int] = field(default_factory=dict)
    in_doubt: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)
    troubles: Mapping[str, Sequence[str]] = field(default_factory=dict)  # what the daemon says of them


def said_of(troubles: Sequence[Trouble]) -> dict[str, list[str]]:
    """What is said of single jobs."""
    found: dict[str, list[str]] = {}
    for trouble in troubles:
        if trouble.job is not None:
            found.setdefault(trouble.job, []).append(trouble.said)
    return found


def at_work_since(name: str, row: JobRow | None, job: JobConfig | None, live: Live) -> datetime | None:
    """Since when a run of a job goes on, here or in another process; None for one that is stuck, or was killed."""
    if name in live.running:
        return None if name in live.stuck else live.running[name]
    if row is None or row.ended is not None:
        return None
    longest = job.deadline + _LATE_BY if job is not None else _NO_LONGER
    return row.started if live.now - row.started < longest else None


def health(name: str, configured: Configured, facts: Facts, live: Live) -> JobHealth:
    """One job, whether it is sound, broken, or only in the store any more."""
    job, row = configured.loaded.jobs.get(name), facts.rows.get(name)
    last = _last_run(row, facts.briefs, configured) if row else None
    since = facts.at_work.get(name)
    word = next(_words(name, configured, facts, live))
    schedule = job.schedule if job else None
    return JobHealth(
        job=name,
        word=word,
        destination=job.destination if job else None,
        schedule=f"{schedule.cron} {schedule.timezone.key}" if schedule else None,
        next_due=live.next_due.get(name),
        running_since=live.running.get(name) or since,
        queued=name in live.queued,
        last_run=last,
        confirmed_at=row.confirmed if row else None,
        rejected=facts.rejected.get(name, 0),
        in_doubt=facts.in_doubt.get(name, 0),
        missing=facts.missing.get(name, 0),
        trouble=_trouble(name, word, last, configured, facts, live),
        kept=name in live.kept,
    )


def _last_run(row: JobRow, briefs: Mapping[int, Brief], configured: Configured) -> LastRun:
    report = briefs.get(row.run, NO_REPORT)
    return LastRun(
        id=row.id,
        kind=row.kind,
        started=row.started,
        ended=row.ended,
        status=row.status and str(row.status),
        exit_code=row.exit_code,
        **{name: report.counts.get(name, 0) for name in _COUNTS},
        held=configured.said(report.held) if report.held else None,
        error=configured.said(report.error) if report.error else None,
    )


def _words(name: str, configured: Configured, facts: Facts, live: Live) -> Iterator[Word]:
    """All that apply, in their order. Of a job that is switched off, or gone, only what still waits for somebody."""
    job, row = configured.loaded.jobs.get(name), facts.rows.get(name)
    is_on = job is not None and job.enabled
    status = row.status if row and is_on else None
    if is_on and name in live.not_begun:
        status = live.not_begun[name][0]
    if job is None and name in configured.loaded.unsound:
        yield Word.BROKEN
    if name in live.stuck:
        yield Word.STUCK
    if status is RunStatus.FAILED or (row and is_on and row.ended is None and name not in facts.at_work):
        yield Word.FAILED
    if status is RunStatus.HELD:
        yield Word.HELD
    if facts.in_doubt.get(name):
        yield Word.IN_DOUBT
    if facts.rejected.get(name) or status is RunStatus.PARTIAL:
        yield Word.PARTIAL
    if not is_on:
        yield Word.OFF
    if facts.missing.get(name):
        yield Word.LATE
    if status is RunStatus.SKIPPED:
        yield Word.SKIPPED
    yield Word.OK if row and row.ended else Word.NEVER


def _trouble(
    name: str, word: Word, last: LastRun | None, configured: Configured, facts: Facts, live: Live
) -> str | None:
    found = list(facts.troubles.get(name, ()))
    match word:
        case Word.BROKEN if not found:
            found = [str(problem) for problem in configured.loaded.unsound[name]]
        case Word.STUCK:
            found.insert(0, f"it was to end by {live.stuck[name]:%Y-%m-%d %H:%M} UTC, and does not")
        case Word.FAILED | Word.SKIPPED if name in live.not_begun:
            found.insert(0, live.not_begun[name][1])
        case Word.FAILED if last:
            found.insert(0, last.error or (KILLED if last.ended is None else "it failed, and did not say why"))
        case Word.HELD | Word.SKIPPED if last and (last.held or last.error):
            found.insert(0, last.held or last.error or "")
    return configured.said("\n".join(found)) if found else None
