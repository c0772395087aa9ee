"""Deleting many rows of a state store in use: a few in each transaction, and in between others get their turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Column, Connection

from kpisync.errors import StateError
from kpisync.ports import Clock
from kpisync.state.engine import Location, connect, writing
from kpisync.state.store import Store

T = TypeVar("T")

_SHORT, _LONG = 0.03, 0.08  # seconds that a transaction is to take
_FEWEST, _FIRST, _MOST = 50, 500, 5_000  # rows in it


class Stopped(Exception):
    """Somebody asked for the end; what was deleted until then stays so."""


class Broom:
    """Used in a `with`; raises Stopped between two transactions.

    SQLite would look for the rows that refer to a deleted one through a whole table, for want of an index; so here it
    does not look, and the caller must have. A server looks in any case: it gets the indexes for as long as it takes.
    """

    def __init__(self, location: Location, store: Store, clock: Clock, stopped: Callable[[], bool]) -> None:
        self._engine = connect(location, foreign_keys=False)
        self._location, self._store, self._clock, self._stopped = location, store, clock, stopped
        self._size = _FIRST
        self._indexes: list[str] = []

    def __enter__(self) -> Broom:
        return self

    def __exit__(self, *reason: object) -> None:
        try:
            for name in self._indexes:
                self._on_server(_drop(name))
        finally:
            self._engine.dispose()

    def sweep(self, rows: Sequence[T], work: Callable[[Connection, Sequence[T]], int]) -> int:
        """Carry `work` out for all rows, some at a time; returns the sum of what it returns."""
        at = done = 0
        while at < len(rows):
            if self._stopped():
                raise Stopped
            some = rows[at : at + self._size]
            begun = self._clock.monotonic()
            with writing(self._engine, self._location.shown) as connection:
                self._require_in_place()
                done += work(connection, some)
            at += len(some)
            self._rest(self._clock.monotonic() - begun)
        return done

    def prepare(self, *referring: Column[Any]) -> None:
        """Rows that these columns refer to are about to be deleted."""
        if not self._location.is_server:
            return
        for column in referring:
            name = f"ix_forget_{column.table.name}_{column.name}"
            self._on_server(_drop(name))  # one that a killed process left may be broken
            self._indexes.append(name)
            self._on_server(f"CREATE INDEX CONCURRENTLY {name} ON {column.table.name} ({column.name})")

    def _on_server(self, statement: str) -> None:
        with self._engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql(statement)

    def _require_in_place(self) -> None:
        if not self._store.is_in_place:
            raise StateError(
                "the state store was removed or replaced while old history was being deleted",
                where=self._location.shown,
                hint="Nothing of the new one was deleted; the next time begins anew.",
            )

    def _rest(self, took: float) -> None:
        """As long as it took, so that whoever waits gets the turn: SQLite has no queue."""
        if took > _LONG:
            self._size = max(_FEWEST, self._size // 2)
        elif took < _SHORT:
            self._size = min(_MOST, self._size * 2)
        self._clock.sleep(max(took, _SHORT))


def _drop(name: str) -> str:
    return f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
