"""The state store as the engine uses it: intents before requests, outcomes after, and what is known between."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from threading import Lock
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, func, select, update

from kpisync.errors import StateError
from kpisync.model import Doubt, Intent, Known, Partition, Rejection, RunStatus, Settled, Stands, Status, ValueKey
from kpisync.ports import Clock
from kpisync.state import binding, ledger, rejects, tables
from kpisync.state.columns import plain
from kpisync.state.engine import Location, reading, writing
from kpisync.state.known import read_doubts, read_known
from kpisync.state.ledger import At
from kpisync.state.numbering import (
    Series,
    StoredCell,
    add_digests,
    add_job,
    add_origins,
    add_series,
    cell_of,
    insert_into,
    run_number,
    series_of,
)
from kpisync.state.partitions import forget_partitions, put_partitions, read_partitions
from kpisync.state.rejects import Looked
from kpisync.state.ulid import new_ulid
from kpisync.state.undone import forget_undone, put_undone, read_undone
from kpisync.support.json import dumps

T = TypeVar("T")


class Store:
    """Implements `ports.State`; made by `open.open_store` and `open.open_readonly`. Threads may share it.

    A store without a clock is for reading only. Every method raises StateError when the store cannot be used.
    """

    def __init__(self, engine: Engine, location: Location, clock: Clock | None) -> None:
        self._engine = engine
        self._location = location
        self._clock = clock
        self._turn = Lock()
        self._series: dict[Series, int] = {}
        self._origins: dict[str, int] = {}
        self._unbound: dict[str, str] = {}  # destination → the platform that it will be known as
        self._identity = self._identify()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._engine.dispose()

    @property
    def is_in_place(self) -> bool:
        """Whether its file is still the one that was opened."""
        return self._identify() == self._identity

    # ------------------------------------------------------------ runs

    def begin_run(self, job: str, kind: str, started: datetime, config_hash: str = "") -> str:
        """Enter a run; returns its id, a ULID. `kind` is run, backfill, adopt, verify, undo, …"""
        ulid = new_ulid(started)
        with self.writing() as connection:
            row = {"ulid": ulid, "job": add_job(connection, job), "kind": kind, "started": started}
            newest = connection.execute(select(func.max(tables.change.c.id))).scalar() or 0
            columns = {**row, "config_hash": config_hash, "changes_after": newest}
            number = connection.execute(tables.run.insert(), columns).inserted_primary_key
            of_job = update(tables.job).where(tables.job.c.id == row["job"])
            connection.execute(of_job.values(last_run=number and number[0]))
        return ulid

    def finish_run(
        self,
        run: str,
        ended: datetime,
        status: RunStatus,
        exit_code: int,
        report: Mapping[str, object],
        origins: Mapping[str, str] | None = None,
    ) -> None:
        """Close a run with its report (what `run --json` shows of it) and the origins that its intake names."""
        origins = {plain(name): plain(digest, 100_000) for name, digest in (origins or {}).items()}
        with self.writing() as connection:
            number = run_number(connection, run)
            outcome: dict[str, Any] = {"ended": ended, "status": status.value, "exit_code": int(exit_code)}
            text = dumps(report)
            connection.execute(update(tables.run).where(tables.run.c.id == number).values(**outcome, report=text))
            if report.get("confirmed"):
                of_run = select(tables.run.c.job).where(tables.run.c.id == number).scalar_subquery()
                connection.execute(update(tables.job).where(tables.job.c.id == of_run).values(confirmed=ended))
            links = [{"run": number, "origin": origin} for origin in add_digests(connection, origins).values()]
            if links:
                connection.execute(insert_into(connection, tables.run_origin).on_conflict_do_nothing(), links)

    # ------------------------------------------------------------ platforms

    def require(self, destination: str, identity: str) -> None:
        """Raises ConfigError if a destination is known as another platform than `identity`.

        If it is not known yet, it is as soon as a value of it is intended or adopted.
        """
        with self.reading() as connection:
            binding.require(connection, destination, identity)
        self._unbound[destination] = identity

    def rate(self, destination: str) -> float | None:
        """How many requests a second a destination seems to take, as `keep_rate` was told."""
        with self.reading() as connection:
            return binding.rate_of(connection, destination)

    def keep_rate(self, destination: str, rate: float) -> None:
        with self.writing() as connection:
            binding.put_rate(connection, destination, rate)

    def rebind(self, destination: str, identity: str) -> str | None:
        """Know a destination as `identity` from now on; returns what it was known as, None if it was not known."""
        with self.writing() as connection:
            return binding.rebind(connection, destination, identity)

    # ------------------------------------------------------------ ports.State

    def known(self, destination: str, first: date, last: date) -> Mapping[ValueKey, Known]:
        """See `ports.State`. A picture of now: it does not change when the store does."""
        with self.reading() as connection:
            return read_known(connection, destination, first, last)

    def in_doubt(self, destination: str) -> Sequence[Doubt]:
        with self.reading() as connection:
            return read_doubts(connection, destination)

    def intend(self, run: str, intents: Sequence[Intent], settles: datetime) -> None:
        places = self._number([intent.key for intent in intents])
        cells = self._cells({intent.source for intent in intents})
        now = self._now()
        with self.writing() as connection:
            by = run_number(connection, run)
            self._bind(connection, {intent.key.record.destination for intent in intents})
            for batch in _rounds(zip(places, intents, strict=True)):
                ledger.intend(connection, by, batch, cells, now, settles)

    def settle(self, run: str, outcomes: Sequence[Settled]) -> None:
        """See `ports.State`. Without an open intent only what is known changes, and its source cell stays."""
        for outcome in outcomes:
            if outcome.number is None and outcome.status in (Status.CONFIRMED, Status.SENT):
                raise ValueError(f"a {outcome.status} value has a number: {outcome.key}")
        places = self._number([outcome.key for outcome in outcomes])
        now = self._now()
        with self.writing() as connection:
            by = run_number(connection, run)
            for batch in _rounds(zip(places, outcomes, strict=True)):
                ledger.settle(connection, by, batch, now)

    def adopt(self, run: str, values: Mapping[ValueKey, Stands]) -> None:
        """See `ports.State`. A number that was not known so enters the history, as adopted."""
        places = self._number(values)
        cells = self._cells({stands.source for stands in values.values()})
        now = self._now()
        with self.writing() as connection:
            by = run_number(connection, run)
            self._bind(connection, {key.record.destination for key in values})
            ledger.adopt(connection, by, dict(zip(places, values.values(), strict=True)), cells, now)

    def reject(self, run: str, rejections: Sequence[Rejection], looked: Looked | None = None) -> None:
        """See `ports.State`. A run that `looked` also decides which rejects of its job are open."""
        keys = list({rejection.key for rejection in rejections if rejection.key is not None})
        places = dict(zip(keys, self._number(keys), strict=True))
        with self.writing() as connection:
            number = run_number(connection, run)
            rejects.enter(connection, number, rejections, places)
            if looked is not None:
                rejects.update_open(connection, number, looked)

    def partitions(self, job: str) -> Mapping[date, Partition]:
        with self.reading() as connection:
            return read_partitions(connection, job)

    def keep_partitions(self, job: str, partitions: Mapping[date, Partition]) -> None:
        with self.writing() as connection:
            put_partitions(connection, job, partitions)

    def forget_partitions(self, job: str, periods: Collection[date]) -> None:
        with self.writing() as connection:
            forget_partitions(connection, job, periods)

    def undone(self, destination: str) -> Mapping[ValueKey, Decimal | None]:
        with self.reading() as connection:
            return read_undone(connection, destination)

    def keep_undone(self, values: Mapping[ValueKey, Decimal | None]) -> None:
        places = self._number(values)
        with self.writing() as connection:
            put_undone(connection, dict(zip(places, values.values(), strict=True)))

    def forget_undone(self, keys: Collection[ValueKey]) -> None:
        places = self._number(keys)
        with self.writing() as connection:
            forget_undone(connection, places)

    # ------------------------------------------------------------ inside

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction for queries, which sees one state and keeps nobody from writing."""
        with reading(self._engine, self._location.shown) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on disk when it ends, or never was."""
        self._now()
        with self._turn, writing(self._engine, self._location.shown) as connection:
            if not self.is_in_place:  # asked inside the transaction, so that `restore` cannot slip in
                raise StateError(
                    "the state store was removed or replaced while this process had it open",
                    where=self._location.shown,
                    hint="Nothing more was sent. Start again; what is in doubt is looked at first.",
                )
            yield connection

    def _bind(self, connection: Connection, destinations: set[str]) -> None:
        for destination in self._unbound.keys() & destinations:
            binding.bind(connection, destination, self._unbound.pop(destination))

    def _identify(self) -> tuple[int, int] | None:
        """Which file it is; writing to one that was unlinked would succeed, and be lost."""
        try:
            found = self._location.file.stat() if self._location.file else None
        except OSError:
            return (-1, -1)
        return (found.st_dev, found.st_ino) if found else None

    def _now(self) -> datetime:
        if self._clock is None:
            raise StateError("the state store was opened for reading only", where=self._location.shown)
        return self._clock.now()

    def _number(self, keys: Collection[ValueKey]) -> list[At]:
        """Each key's place, in order. New series get their number in a transaction of their own: it is on disk then."""
        numbers = self._series
        wanted = [series_of(key) for key in keys]
        missing = {series for series in wanted if series not in numbers}
        if missing:
            with self.writing() as connection:
                added = add_series(connection, sorted(missing))
            numbers.update(added)
        return [(numbers[series], key.record.period.toordinal()) for series, key in zip(wanted, keys, strict=True)]

    def _cells(self, sources: Collection[str]) -> dict[str, StoredCell]:
        cells = {source: cell_of(source) for source in sources}
        missing = {cell.origin for cell in cells.values() if cell.origin is not None} - self._origins.keys()
        if missing:
            with self.writing() as connection:
                added = add_origins(connection, sorted(missing))
            self._origins.update(added)
        return {
            source: StoredCell(None if cell.origin is None else self._origins[cell.origin], cell.place)
            for source, cell in cells.items()
        }


def _rounds(items: Iterable[tuple[At, T]]) -> Iterator[dict[At, T]]:
    """Split into batches that hold each key once, in order: a second statement about a key follows the first."""
    batch: dict[At, T] = {}
    for key, item in items:
        if key in batch:
            yield batch
            batch = {}
        batch[key] = item
    if batch:
        yield batch
