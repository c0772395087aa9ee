"""A small write now and then, by which a daemon finds out whether its state store can be written to."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update

from kpisync.state import tables
from kpisync.state.numbering import insert_into
from kpisync.state.store import Store

_KEY = "beat"


def beat(store: Store, now: datetime) -> None:
    """Write that somebody is there. Raises StateError where nothing can be recorded."""
    row = {"key": _KEY, "value": now.astimezone(UTC).isoformat(timespec="seconds")}
    with store.writing() as connection:
        before = update(tables.meta).where(tables.meta.c.key == _KEY).values(row)
        if not connection.execute(before).rowcount:
            connection.execute(insert_into(connection, tables.meta).on_conflict_do_nothing(), row)


def instance(store: Store) -> str | None:
    """What tells this store from another one; a copy of it is the same one."""
    wanted = select(tables.meta.c.value).where(tables.meta.c.key == "instance")
    with store.reading() as connection:
        found: str | None = connection.execute(wanted).scalar()
    return found
