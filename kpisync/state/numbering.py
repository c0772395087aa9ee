"""Small integers for long names: series, origins, jobs and runs, remembered for as long as a store is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Table, select

from kpisync.errors import StateError
from kpisync.model import RecordKey, ValueKey
from kpisync.state import statements, tables
from kpisync.state.columns import plain
from kpisync.state.prepared import Insert, insert_for, once

T = TypeVar("T")


class Cell(NamedTuple):
    """Where a value stands in its source, cut in two: `exports/x.csv:14`; no origin: all of it is the place."""

    origin: str | None
    place: str

    def __str__(self) -> str:
        return self.place if self.origin is None else f"{self.origin}:{self.place}"


def cell_of(source: str) -> Cell:
    """`str()` of the result is the source again."""
    source = plain(source)
    cut = source.find(":", 1)
    while cut != -1:
        if source[cut + 1 : cut + 2].isdecimal():
            return Cell(source[:cut], source[cut + 1 :])
        cut = source.find(":", cut + 1)
    return Cell(None, source)


class StoredCell(NamedTuple):
    """A source cell: the number of its origin, and the place in it."""

    origin: int | None
    place: str


Series = tuple[str, str, str, str, str]  # destination, kpi, team, sub-tile, value


def series_of(key: ValueKey) -> Series:
    record = key.record
    return record.destination, record.kpi, record.team or "", record.sub_tile or "", key.value


def key_of(series: Sequence[str], period: Any) -> ValueKey:
    """The reverse of `series_of`; a platform that has no teams or sub-tiles has None for them."""
    destination, kpi, team, sub_tile, value = series
    return ValueKey(RecordKey(destination, kpi, team or None, sub_tile or None, period), value)


def insert_into(connection: Connection, table: Table) -> Insert:
    """An INSERT that knows ON CONFLICT, in the database's own words."""
    return insert_for(connection.dialect.name)(table)


def chunks(items: Iterable[T], size: int = 500) -> Iterator[list[T]]:
    """Lists of at most so many; without a size, short enough for one IN (…)."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def series_ids(connection: Connection, destination: str) -> dict[Series, int]:
    of = tables.series.c
    query = select(of.id, of.kpi, of.team, of.sub_tile, of.value).where(of.destination == destination)
    return {(destination, kpi, team, tile, value): id for id, kpi, team, tile, value in connection.execute(query)}


def add_series(connection: Connection, wanted: Iterable[Series]) -> dict[Series, int]:
    """Number series, new or not; returns all series of their destinations."""
    names = [column.name for column in tables.series.c if column.name != "id"]
    rows = [dict(zip(names, series, strict=True)) for series in wanted]
    connection.execute(insert_into(connection, tables.series).on_conflict_do_nothing(), rows)
    numbers: dict[Series, int] = {}
    for destination in sorted({row["destination"] for row in rows}):
        numbers |= series_ids(connection, destination)
    return numbers


def add_origins(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Number the bare names of origins."""
    numbered = add_digests(connection, dict.fromkeys(names, ""))
    return {name: number for (name, _), number in numbered.items()}


def add_digests(connection: Connection, origins: Mapping[str, str]) -> dict[tuple[str, str], int]:
    """Number origins by name and digest."""
    if not origins:
        return {}
    rows = [{"name": name, "digest": digest} for name, digest in origins.items()]
    connection.execute(insert_into(connection, tables.origin).on_conflict_do_nothing(), rows)
    columns = tables.origin.c
    found: dict[tuple[str, str], int] = {}
    for names in chunks(origins):
        for row in connection.execute(select(tables.origin).where(columns.name.in_(names))):
            if origins[row.name] == row.digest:
                found[row.name, row.digest] = row.id
    return found


def add_job(connection: Connection, name: str) -> int:
    connection.execute(insert_into(connection, tables.job).on_conflict_do_nothing(), {"name": name})
    return int(connection.execute(select(tables.job.c.id).where(tables.job.c.name == name)).scalar_one())


def run_number(connection: Connection, ulid: str) -> int:
    found = once(connection, statements.run_number, {"ulid": ulid}).scalar()
    if found is None:
        raise StateError(
            f"the state store does not know the run {ulid}",
            hint="It was replaced while this run was going on; run again.",
        )
    return int(found)
