"""Which due times of scheduled jobs were met, and by which run: one row each, so that every due time is met once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select

from kpisync.state import tables
from kpisync.state.numbering import add_job, insert_into, run_number
from kpisync.state.store import Store


def last_met(store: Store, before: datetime) -> dict[str, datetime]:
    """The last due time that was met, of those up to `before`, by job. Jobs that never met one are not in it.

    Later ones are left out: they were met while the clock was wrong.
    """
    job, due = tables.job, tables.due.c
    newest = select(func.max(due.at)).where(due.job == job.c.id, due.at <= before).scalar_subquery()  # one look a job
    with store.reading() as connection:
        found = connection.execute(select(job.c.name, newest.label("at")))
        return {row.name: row.at for row in found if row.at is not None}


def is_met(store: Store, job: str, at: datetime, before: datetime) -> bool:
    """Whether this due time, or a later one up to `before`, was met."""
    due = tables.due.c
    wanted = (
        select(due.at).join(tables.job, tables.job.c.id == due.job).where(due.at.between(at, before)).limit(1)
    ).where(tables.job.c.name == job)
    with store.reading() as connection:
        return connection.execute(wanted).first() is not None


def meet(store: Store, dues: Iterable[tuple[str, datetime]], now: datetime, run: str | None = None) -> None:
    """Enter that jobs met due times, by a run or (None) because they were first seen later; the first word stands."""
    with store.writing() as connection:
        by = None if run is None else run_number(connection, run)
        for job, at in dues:
            row = {"job": add_job(connection, job), "at": at, "run": by, "met": now}
            connection.execute(insert_into(connection, tables.due).on_conflict_do_nothing(), row)
