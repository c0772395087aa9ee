"""The periods of a job's source that were confirmed whole, and need not be mapped again while their rows are equal."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from sqlalchemy import Connection, bindparam, delete, select

from kpisync.model import Partition
from kpisync.state import tables
from kpisync.state.numbering import add_job, insert_into

_of = tables.partition.c


def read_partitions(connection: Connection, job: str) -> dict[date, Partition]:
    wanted = (
        select(_of.period, _of.digest, _of.entries, _of.rows)
        .join(tables.job, tables.job.c.id == _of.job)
        .where(tables.job.c.name == job)
    )
    return {period: Partition(bytes(digest), *counts) for period, digest, *counts in connection.execute(wanted)}


def put_partitions(connection: Connection, job: str, partitions: Mapping[date, Partition]) -> None:
    number = add_job(connection, job)
    rows = [
        {"job": number, "period": period, "digest": kept.digest, "entries": kept.values, "rows": kept.rows}
        for period, kept in partitions.items()
    ]
    if rows:
        statement = insert_into(connection, tables.partition)
        changed = {name: statement.excluded[name] for name in ("digest", "entries", "rows")}
        connection.execute(statement.on_conflict_do_update(index_elements=["job", "period"], set_=changed), rows)


def forget_partitions(connection: Connection, job: str, periods: Collection[date]) -> None:
    number = add_job(connection, job)
    if periods:
        gone = delete(tables.partition).where(_of.job == number, _of.period == bindparam("at", type_=_of.period.type))
        connection.execute(gone, [{"at": period} for period in periods])
