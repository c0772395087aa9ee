"""What an undo took back, by value key: not sent again until its source states something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, bindparam, delete, select

from kpisync.model import ValueKey
from kpisync.state import tables
from kpisync.state.ledger import At
from kpisync.state.numbering import insert_into, key_of

_of = tables.undone.c


def read_undone(connection: Connection, destination: str) -> dict[ValueKey, Decimal | None]:
    series = tables.series
    wanted = (
        select(*[column for column in series.c if column.name != "id"], _of.period, _of.number)
        .join_from(tables.undone, series, series.c.id == _of.series)
        .where(series.c.destination == destination)
    )
    return {key_of(row[:5], row.period): row.number for row in connection.execute(wanted)}


def put_undone(connection: Connection, values: Mapping[At, Decimal | None]) -> None:
    rows = [
        {"series": series, "period": date.fromordinal(day), "number": number}
        for (series, day), number in values.items()
    ]
    if rows:
        statement = insert_into(connection, tables.undone)
        changed = {"number": statement.excluded["number"]}
        connection.execute(statement.on_conflict_do_update(index_elements=["period", "series"], set_=changed), rows)


def forget_undone(connection: Connection, places: Sequence[At]) -> None:
    if places:
        is_it = _of.series == bindparam("at"), _of.period == bindparam("on", type_=_of.period.type)
        rows = [{"at": series, "on": date.fromordinal(day)} for series, day in places]
        connection.execute(delete(tables.undone).where(*is_it), rows)
