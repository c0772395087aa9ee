"""What happened, for the commands that look: runs, their changes and rejects, and the life of one value."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from kpisync.errors import ConfigError
from kpisync.model import Doubt, Rejection, RunStatus, Status, ValueKey
from kpisync.state import tables
from kpisync.state.known import read_doubts
from kpisync.state.numbering import Cell, chunks, key_of, series_of
from kpisync.state.rejects import OpenReject, read_of_run, read_open
from kpisync.state.store import Store
from kpisync.state.tables import ChangeStatus
from kpisync.support.json import loads

_AS_INTENDED = (ChangeStatus.CONFIRMED, ChangeStatus.ADOPTED)


@dataclass(frozen=True, slots=True)
class RunRow:
    """One execution of a job. `status` is None while it runs, and for ever if it was killed.

    `origins` are its files with their hashes, and its queries; empty where only a list of runs was asked for.
    """

    id: str
    job: str
    kind: str
    started: datetime
    ended: datetime | None
    status: RunStatus | None
    exit_code: int | None
    report: Mapping[str, Any]
    config_hash: str
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One intent and how it ended, or one adoption. `digest` is the hash or query of its source, where known.

    `old` is what stood at the platform (for an adoption: what was known), `found` what a read-back showed. `settles` is
    for what is still in doubt.
    """

    key: ValueKey
    run: str
    job: str
    old: Decimal | None
    new: Decimal | None
    source: str
    digest: str | None
    status: ChangeStatus
    intended_at: datetime
    settles: datetime | None
    settled_at: datetime | None
    settled_by: str | None
    answer: str
    found: Decimal | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a value now, and the run and cell that it came from."""

    number: Decimal
    status: Status
    job: str
    run: str
    source: str


@dataclass(frozen=True, slots=True)
class Life:
    """All that is known of one value; `changes` oldest first."""

    key: ValueKey
    standing: Standing | None
    changes: tuple[ChangeRow, ...]


def about(store: Store) -> dict[str, str]:
    """What the store says of itself: `instance`, `created`."""
    with store.reading() as connection:
        return {row.key: row.value for row in connection.execute(select(tables.meta))}


def last_runs(store: Store, kinds: Collection[str] = ()) -> dict[str, RunRow]:
    """The newest run of each job, by job name; of these kinds only, if any are named."""
    newest = select(func.max(tables.run.c.id)).group_by(tables.run.c.job)
    if kinds:
        newest = newest.where(tables.run.c.kind.in_(list(kinds)))
    with store.reading() as connection:
        found = connection.execute(_runs().where(tables.run.c.id.in_(newest)).order_by(tables.job.c.name))
        return {row.name: _run_row(row) for row in found}


def runs(store: Store, limit: int, job: str | None = None, before: str | None = None) -> list[RunRow]:
    """The newest runs first, of one job or of all; `before` a run's whole id: those that began earlier."""
    wanted = _runs().order_by(tables.run.c.id.desc()).limit(limit)
    if before is not None:
        of = tables.run.alias()
        wanted = wanted.where(tables.run.c.id < select(of.c.id).where(of.c.ulid == before).scalar_subquery())
    if job is not None:
        wanted = wanted.where(tables.job.c.name == job)
    with store.reading() as connection:
        return [_run_row(row) for row in connection.execute(wanted)]


def run(store: Store, run_id: str) -> RunRow:
    """The run of this id, or of the one id that begins so; ConfigError if there is none, or more than one."""
    with store.reading() as connection:
        row = _one_run(connection, run_id)
        return _run_row(row, _origins(connection, [row.id]).get(row.id, {}))


def changes(store: Store, run_id: str, limit: int | None = None) -> list[ChangeRow]:
    """What a run intended or adopted, in its order; `limit`: the first ones."""
    with store.reading() as connection:
        run, of_run = _one_run(connection, run_id), tables.change.c
        within = of_run.id.between(run.changes_after + 1, run.changes_upto or 0)
        return _change_rows(connection, _changes().where(within, of_run.run == run.id).limit(limit))


def rejects(store: Store, run_id: str, limit: int | None = None) -> list[Rejection]:
    """What a run rejected, in its order; `limit`: the first ones."""
    with store.reading() as connection:
        return read_of_run(connection, _one_run(connection, run_id).id, limit)


def open_rejects(store: Store) -> list[OpenReject]:
    """What is rejected of all jobs, by job, until a run that looks at the same dates no longer has it."""
    with store.reading() as connection:
        return read_open(connection)


def open_doubts(store: Store) -> list[Doubt]:
    """Every intent whose outcome is unknown, of all destinations, oldest first."""
    with store.reading() as connection:
        return read_doubts(connection)


def doubtful(store: Store) -> list[ChangeRow]:
    """What is in doubt, of all jobs, with all that is kept of each attempt; oldest first."""
    with store.reading() as connection:
        return _change_rows(connection, _changes().where(tables.IS_IN_DOUBT))


def life(store: Store, key: ValueKey) -> Life:
    """Everything about one value; an unknown one has neither standing nor changes."""
    names = [column for column in tables.series.c if column.name != "id"]
    with store.reading() as connection:
        is_it = [column == text for column, text in zip(names, series_of(key), strict=True)]
        series = connection.execute(select(tables.series.c.id).where(*is_it)).scalar()
        if series is None:
            return Life(key, None, ())
        of_key = tables.change.c.series == series, tables.change.c.period == key.record.period
        history = tuple(_change_rows(connection, _changes().where(*of_key)))
        return Life(key, _standing(connection, series, key), history)


# ------------------------------------------------------------ inside


def _runs() -> Select[Any]:
    return select(tables.run, tables.job.c.name).join(tables.job, tables.job.c.id == tables.run.c.job)


def _one_run(connection: Connection, run_id: str) -> Row[Any]:
    prefix = run_id.strip().upper()
    if whole := connection.execute(_runs().where(tables.run.c.ulid == prefix)).first():  # the other reads every run
        return whole
    wanted = _runs().where(tables.run.c.ulid.startswith(prefix, autoescape=True)).order_by(tables.run.c.id.desc())
    found = connection.execute(wanted.limit(2)).all() if prefix else []
    if len(found) == 1:
        return found[0]
    what = f"more than one run begins with {prefix}" if found else f"there is no run {run_id!r}"
    raise ConfigError(what, hint="`kpisync history` lists the runs.")


def _run_row(row: Row[Any], origins: Mapping[str, str] | None = None) -> RunRow:
    return RunRow(
        id=row.ulid,
        job=row.name,
        kind=row.kind,
        started=row.started,
        ended=row.ended,
        status=None if row.status is None else RunStatus(row.status),
        exit_code=row.exit_code,
        report=loads(row.report) if row.report else {},
        config_hash=row.config_hash,
        origins=origins or {},
    )


def _origins(connection: Connection, numbers: Collection[int]) -> dict[int, dict[str, str]]:
    """The origins of some runs, by the run's number: name → digest."""
    link, origin = tables.run_origin, tables.origin
    wanted = select(link.c.run, origin.c.name, origin.c.digest).join(origin, origin.c.id == link.c.origin)
    found: dict[int, dict[str, str]] = {}
    for some in chunks(numbers):
        for row in connection.execute(wanted.where(link.c.run.in_(some)).order_by(origin.c.name)):
            found.setdefault(row.run, {})[row.name] = row.digest
    return found


def _changes() -> Select[Any]:
    settler = tables.run.alias()
    return (
        select(
            *[column for column in tables.series.c if column.name != "id"],
            tables.change,
            tables.run.c.ulid,
            tables.job.c.name.label("job"),
            tables.origin.c.name.label("origin_name"),
            settler.c.ulid.label("settler"),
        )
        .select_from(tables.change)
        .join(tables.series, tables.series.c.id == tables.change.c.series)
        .join(tables.run, tables.run.c.id == tables.change.c.run)
        .join(tables.job, tables.job.c.id == tables.run.c.job)
        .outerjoin(tables.origin, tables.origin.c.id == tables.change.c.origin)
        .outerjoin(settler, settler.c.id == tables.change.c.settled_by)
        .order_by(tables.change.c.id)
    )


def _change_rows(connection: Connection, wanted: Select[Any]) -> list[ChangeRow]:
    rows = connection.execute(wanted).all()
    origins = _origins(connection, {row.run for row in rows})
    return list(_with_digests(rows, origins))


def _with_digests(rows: Sequence[Row[Any]], origins: Mapping[int, Mapping[str, str]]) -> Iterator[ChangeRow]:
    """What is not stored because it only repeats is put back."""
    for row in rows:
        source = str(Cell(row.origin_name, row.place))
        is_settled = row.status is not ChangeStatus.IN_DOUBT
        yield ChangeRow(
            key=key_of(row[:5], row.period),
            run=row.ulid,
            job=row.job,
            old=row.old,
            new=row.new,
            source=source,
            digest=_digest(source, origins.get(row.run, {})),
            status=row.status,
            intended_at=row.intended_at,
            settles=row.settles,
            settled_at=row.settled_at or (row.intended_at if is_settled else None),
            settled_by=row.settler or (row.ulid if is_settled else None),
            answer=row.answer or "",
            found=row.new if row.found is None and row.status in _AS_INTENDED else row.found,
        )


def _digest(source: str, origins: Mapping[str, str]) -> str | None:
    """A source cell begins with the name of its origin; of two such names the longer one is meant."""
    names = [name for name in origins if source == name or source.startswith(f"{name}:")]
    return origins[max(names, key=len)] if names else None


def _standing(connection: Connection, series: int, key: ValueKey) -> Standing | None:
    value, origin = tables.value.c, tables.origin
    row = connection.execute(
        select(
            value.number,
            value.status,
            tables.job.c.name,
            tables.run.c.ulid,
            value.place,
            origin.c.name.label("origin_name"),
        )
        .select_from(tables.value)
        .join(tables.run, tables.run.c.id == value.run)
        .join(tables.job, tables.job.c.id == tables.run.c.job)
        .outerjoin(origin, origin.c.id == value.origin)
        .where(value.series == series, value.period == key.record.period)
    ).first()
    if row is None:
        return None
    return Standing(row.number, row.status, row.name, row.ulid, str(Cell(row.origin_name, row.place)))
