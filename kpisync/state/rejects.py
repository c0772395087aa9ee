"""Rejects, written down on numbered keys inside a transaction of the caller: those of a run, and which are open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, select

from kpisync.model import Rejection, Scope, ValueKey
from kpisync.state.columns import plain
from kpisync.state.ledger import At
from kpisync.state.numbering import chunks, key_of
from kpisync.state.tables import job, open_reject, reject, run, series

Same = tuple[object, ...]  # what two rejects have in common if they are one that is still there


@dataclass(frozen=True, slots=True)
class Looked:
    """What a run looked at: the dates that were asked for (None: the job's own), which come to `scope`.

    `whole` if no KPI or team was left out, and what could be sent was.
    """

    first: date | None
    last: date | None
    scope: Scope
    whole: bool

    def closes(self, first: date | None, last: date | None) -> bool:
        """Whether what a run with these dates rejected would have been rejected again."""
        if not self.whole or (self.first, self.last) == (first, last):
            return self.whole
        begins = self.scope.first is None or (first is not None and self.scope.first <= first)
        return begins and (self.scope.last is None or (last is not None and last <= self.scope.last))


@dataclass(frozen=True, slots=True)
class OpenReject:
    """A reject that no later run over the same dates was without; `run` is the newest of the `runs` that had it.

    `first` and `last` are the dates that this run was asked for; None: the job's own.
    """

    job: str
    run: str
    since: datetime
    runs: int
    first: date | None
    last: date | None
    rejection: Rejection


def enter(
    connection: Connection, run_number: int, rejections: Sequence[Rejection], places: Mapping[ValueKey, At]
) -> None:
    """Keep what a run rejected."""
    if rejections:
        connection.execute(reject.insert(), [_row(run_number, each, places) for each in rejections])


def update_open(connection: Connection, run_number: int, looked: Looked) -> None:
    """Open what a run rejected, or count it once more; close what it looked at and no longer rejects."""
    of_job = connection.execute(select(run.c.job, run.c.started).where(run.c.id == run_number)).one()
    before = {_same(row): row for row in connection.execute(_open().where(open_reject.c.job == of_job.job))}
    now = {_same(row): row.id for row in connection.execute(_rejects().where(reject.c.run == run_number))}
    gone = [row.id for same, row in before.items() if same in now or looked.closes(row.first, row.last)]
    for ids in chunks(gone):
        connection.execute(delete(open_reject).where(open_reject.c.reject.in_(ids)))
    opened = [
        {
            "reject": id,
            "job": of_job.job,
            "since": before[same].since if same in before else of_job.started,
            "runs": before[same].runs + 1 if same in before else 1,
            "first": looked.first,
            "last": looked.last,
        }
        for same, id in now.items()
    ]
    if opened:
        connection.execute(open_reject.insert(), opened)


def read_of_run(connection: Connection, run_number: int, limit: int | None = None) -> list[Rejection]:
    """What a run rejected, in its order; `limit`: the first ones."""
    return [_rejection(row) for row in connection.execute(_rejects().where(reject.c.run == run_number).limit(limit))]


def read_open(connection: Connection) -> list[OpenReject]:
    """What is open of all jobs, by job and in the order of its runs."""
    wanted = _open().order_by(None).order_by(job.c.name, reject.c.id)
    return [
        OpenReject(row.name, row.ulid, row.since, row.runs, row.first, row.last, _rejection(row))
        for row in connection.execute(wanted)
    ]


def _row(run_number: int, rejection: Rejection, places: Mapping[ValueKey, At]) -> dict[str, Any]:
    return {
        "run": run_number,
        "source": None if rejection.source is None else plain(rejection.source),
        "code": plain(rejection.code),
        "reason": plain(rejection.reason),
        "series": None if rejection.key is None else places[rejection.key][0],
        "period": None if rejection.key is None else rejection.key.record.period,
        "number": rejection.number,
    }


def _rejects(*more: Any) -> Select[Any]:
    key = [column for column in series.c if column.name != "id"]
    of_key = reject.outerjoin(series, series.c.id == reject.c.series)
    return select(*key, reject, *more).select_from(of_key).order_by(reject.c.id)


def _open() -> Select[Any]:
    of_open = (open_reject.c.since, open_reject.c.runs, open_reject.c.first, open_reject.c.last)
    return (
        _rejects(*of_open, job.c.name, run.c.ulid)
        .join(open_reject, open_reject.c.reject == reject.c.id)
        .join(job, job.c.id == open_reject.c.job)
        .join(run, run.c.id == reject.c.run)
    )


def _same(row: Row[Any]) -> Same:
    """A value by its key, for the platform's words may change; a row by its place and what is wrong with it."""
    if row.series is not None:
        return row.code, row.series, row.period
    return row.code, row.source, row.reason


def _rejection(row: Row[Any]) -> Rejection:
    key = None if row.series is None else key_of(row[:5], row.period)
    return Rejection(row.source, row.code, row.reason, key, row.number)
