"""What the pages ask of the state store again and again: short answers, each in one statement inside a transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from kpisync.model import RunStatus
from kpisync.state import tables
from kpisync.state.numbering import chunks
from kpisync.support.json import loads

_GOOD = (RunStatus.OK.value, RunStatus.PARTIAL.value)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job with one of its runs; `run` is that one's number. `confirmed`: when a value of the job last was."""

    name: str
    confirmed: datetime | None
    run: int
    id: str
    kind: str
    started: datetime
    ended: datetime | None
    status: RunStatus | None
    exit_code: int | None


class Attempt(NamedTuple):
    """A value that is rejected, or in doubt."""

    series: int
    period: date
    job: str


# ---------------------------------------------------------------- jobs and runs


def job_rows(connection: Connection) -> list[JobRow]:
    """Every job that ever ran, by name."""
    wanted = _job_rows().join(tables.run, tables.run.c.id == tables.job.c.last_run).order_by(tables.job.c.name)
    return [_job_row(row) for row in connection.execute(wanted)]


def ended_runs(connection: Connection, jobs: Collection[str]) -> dict[str, JobRow]:
    """The newest run of each of these jobs that ended; one of which none did is left out."""
    return _newest(connection, jobs, tables.run.c.ended.is_not(None))


def good_runs(connection: Connection, jobs: Collection[str]) -> dict[str, JobRow]:
    """The newest run of each of these jobs, of the kind `run`, that ended well."""
    run = tables.run.c
    return _newest(connection, jobs, (run.kind == "run") & run.status.in_(_GOOD))


def _newest(connection: Connection, jobs: Collection[str], is_wanted: ColumnElement[bool]) -> dict[str, JobRow]:
    run, job = tables.run.c, tables.job.c
    of_job = select(run.id).where(run.job == job.id, is_wanted).order_by(run.id.desc()).limit(1)
    numbered = select(of_job.correlate(tables.job).scalar_subquery().label("run"), job.name)
    found: dict[str, JobRow] = {}
    for names in chunks(jobs):
        newest = numbered.where(job.name.in_(names)).subquery()
        wanted = _job_rows().join(newest, newest.c.name == job.name).join(tables.run, run.id == newest.c.run)
        found |= {row.name: _job_row(row) for row in connection.execute(wanted)}
    return found


def _job_rows() -> Select[Any]:
    run, job = tables.run.c, tables.job.c
    columns = (job.name, job.confirmed, run.id, run.ulid, run.kind, run.started, run.ended, run.status, run.exit_code)
    return select(*columns).select_from(tables.job)


def _job_row(row: Row[Any]) -> JobRow:
    return JobRow(
        name=row.name,
        confirmed=row.confirmed,
        run=row.id,
        id=row.ulid,
        kind=row.kind,
        started=row.started,
        ended=row.ended,
        status=row.status and RunStatus(row.status),
        exit_code=row.exit_code,
    )


def reports(connection: Connection, runs: Collection[int]) -> dict[int, Mapping[str, Any]]:
    """The reports of runs by their number; a run that did not end has none."""
    run, found = tables.run.c, dict[int, Mapping[str, Any]]()
    for numbers in chunks(runs):
        wanted = select(run.id, run.report).where(run.id.in_(numbers), run.report.is_not(None))
        found |= {number: loads(report) for number, report in connection.execute(wanted)}
    return found


def changes_total(connection: Connection, run_id: str) -> int:
    """How many changes a run has, by its whole id."""
    run, change = tables.run.c, tables.change.c
    within = change.id.between(run.changes_after + 1, func.coalesce(run.changes_upto, 0))
    counted = select(func.count()).select_from(tables.change).join(tables.run, (run.id == change.run) & within)
    return int(connection.execute(counted.where(run.ulid == run_id)).scalar_one())


def rejects_total(connection: Connection, run_id: str) -> int:
    """How many rejects a run has, by its whole id."""
    counted = select(func.count()).select_from(tables.reject).join(tables.run, tables.run.c.id == tables.reject.c.run)
    return int(connection.execute(counted.where(tables.run.c.ulid == run_id)).scalar_one())


# ---------------------------------------------------------------- what is open


Open = Counter[tuple[str, str | None]]  # job, and the destination if it is known


def open_counts(connection: Connection) -> tuple[Open, Open]:
    """How many rejects are open, and how many values in doubt."""
    job, series, change = tables.job.c, tables.series.c, tables.change.c
    rejected = (
        select(job.name, series.destination, func.count())
        .select_from(tables.open_reject)
        .join(tables.job, job.id == tables.open_reject.c.job)
        .join(tables.reject, tables.reject.c.id == tables.open_reject.c.reject)
        .outerjoin(tables.series, series.id == tables.reject.c.series)
        .group_by(job.name, series.destination)
    )
    doubtful = (
        select(job.name, series.destination, func.count())
        .select_from(tables.change)
        .join(tables.run, tables.run.c.id == change.run)
        .join(tables.job, job.id == tables.run.c.job)
        .join(tables.series, series.id == change.series)
        .where(tables.IS_IN_DOUBT)
        .group_by(job.name, series.destination)
    )
    return _counted(connection, rejected), _counted(connection, doubtful)


def open_attempts(connection: Connection, first: date) -> tuple[list[Attempt], list[Attempt]]:
    """The values of periods from a first one on that are rejected, and those that are in doubt."""
    job, reject, change = tables.job.c, tables.reject.c, tables.change.c
    rejected = (
        select(reject.series, reject.period, job.name)
        .select_from(tables.open_reject)
        .join(tables.reject, reject.id == tables.open_reject.c.reject)
        .join(tables.job, job.id == tables.open_reject.c.job)
        .where(reject.series.is_not(None), reject.period >= first)
    )
    doubtful = (
        select(change.series, change.period, job.name)
        .select_from(tables.change)
        .join(tables.run, tables.run.c.id == change.run)
        .join(tables.job, job.id == tables.run.c.job)
        .where(tables.IS_IN_DOUBT, change.period >= first)
    )
    return (
        [Attempt(*row) for row in connection.execute(rejected)],
        [Attempt(*row) for row in connection.execute(doubtful)],
    )


def _counted(connection: Connection, wanted: Select[Any]) -> Open:
    return Counter({(job, destination): count for job, destination, count in connection.execute(wanted)})


# ---------------------------------------------------------------- destinations


def rates(connection: Connection) -> dict[str, float]:
    """How many requests a second each destination seems to take, where that was found."""
    of = tables.binding.c
    found = connection.execute(select(of.destination, of.rate).where(of.rate.is_not(None)))
    return {row.destination: row.rate for row in found}
