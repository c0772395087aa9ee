"""Opening a state store: made, migrated, or refused with a reason; never begun anew in silence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from kpisync.errors import StateError
from kpisync.ports import Clock
from kpisync.state.backup import copy, free_name, make_private, sync_folder
from kpisync.state.engine import Location, check_intact, connect, explained, locate, reading
from kpisync.state.lock import all_jobs_stopped, store_lock
from kpisync.state.store import Store
from kpisync.state.upgrade import SHIPPED, Schema, create, current, require_readable, upgrade

_QUICKLY_CHECKED = 32 * 1024 * 1024  # bytes
_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What was done to a store's schema: `before` is None if it was made just now; `backup` is the copy from before."""

    before: str | None
    after: str
    backup: Path | None = None


def open_store(url: str, clock: Clock, schema: Schema = SHIPPED) -> Store:
    """Open a store for writing; make it if it is not there, migrate it if it is old (with a copy beside it)."""
    location = locate(url)
    if location.file is None and not location.is_server:
        return _in_memory(location, clock)
    upgrade_store(url, clock, schema)
    engine = connect(location)
    if location.file is not None:
        _check(engine, location)
    return Store(engine, location, clock)


def open_readonly(url: str, schema: Schema = SHIPPED) -> Store:
    """Open a store for reading: nothing on disk changes. A store that is not there is an empty one in memory."""
    location = locate(url)
    with explained(location.shown):
        if not location.is_server and (location.file is None or not location.file.exists()):
            return _in_memory(location, None)
    revision = _revision(location)
    if revision is None and location.is_server:
        return _in_memory(location, None)
    require_readable(revision, schema, location.shown)
    if revision != schema.head:
        raise StateError(
            f"this store has an older schema (revision {revision}, this kpisync needs {schema.head})",
            where=location.shown,
            hint="Bring it up with `kpisync state upgrade`; a copy is kept.",
        )
    return Store(connect(location, "read"), location, None)


def upgrade_store(url: str, clock: Clock, schema: Schema = SHIPPED) -> Upgraded:
    """Make a store or bring it to the newest schema; LockedError if a job runs on an old one."""
    location = locate(url)
    if location.file is not None:
        return _upgrade_file(location, location.file, clock.now(), schema)
    before = _revision(location)
    if before is None:
        _create(location, clock.now())
    elif before != schema.head:
        require_readable(before, schema, location.shown)
        _upgrade(location, schema)
    return Upgraded(before, schema.head)


def _upgrade_file(location: Location, file: Path, now: datetime, schema: Schema) -> Upgraded:
    with explained(location.shown):
        is_new = not file.exists()
    if is_new and _create_file(location, file, now):
        return Upgraded(None, SHIPPED.head)
    before = _revision(location)
    require_readable(before, schema, location.shown)
    if before == schema.head:
        return Upgraded(before, schema.head)
    with store_lock(file), all_jobs_stopped(file):
        if _revision(location) == schema.head:  # another process was faster
            return Upgraded(before, schema.head)
        kept = free_name(file, f"before-{schema.head}")
        copy(file, kept)
        _upgrade(location, schema)
    return Upgraded(before, schema.head, kept)


def _create_file(location: Location, file: Path, now: datetime) -> bool:
    """Under another name first, so that a store is whole from its first instant; False if one appeared meanwhile."""
    with explained(location.shown):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with store_lock(file), explained(location.shown):
        if file.exists():
            return False
        new = file.with_name(f"{file.name}.new")
        make_private(new)
        _create(Location(location.url, new, location.shown), now)
        new.replace(file)
        sync_folder(file.parent)
    return True


def _create(location: Location, now: datetime) -> None:
    engine = connect(location, "create")
    try:
        create(engine, now, location.shown)
    finally:
        engine.dispose()


def _upgrade(location: Location, schema: Schema) -> None:
    engine = connect(location, foreign_keys=False)
    try:
        upgrade(engine, location.shown, schema)
    finally:
        engine.dispose()


def _revision(location: Location) -> str | None:
    with explained(location.shown):
        if location.file is not None and location.file.stat().st_size == 0:
            raise StateError(
                "the state store is an empty file; it was left as it is",
                where=location.shown,
                hint="Bring back a copy with `kpisync state restore FILE`, or delete it if the store shall be new.",
            )
    engine = connect(location, "read")
    try:
        with reading(engine, location.shown) as connection:
            return current(connection)
    finally:
        engine.dispose()


def _check(engine: Engine, location: Location) -> None:
    """SQLite's quick check, 0.4 seconds for a million values; a larger store is checked by `kpisync state backup`."""
    if location.file is not None and location.file.stat().st_size > _QUICKLY_CHECKED:
        return  # damage is told all the same as soon as it is met
    try:
        with reading(engine, location.shown) as connection:
            found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(1)")]
        check_intact(location, found)
    except StateError:
        engine.dispose()
        raise


def _in_memory(location: Location, clock: Clock | None) -> Store:
    nowhere = Location("sqlite://", None, location.shown)
    engine = connect(nowhere)
    create(engine, clock.now() if clock else _NEVER, location.shown)
    return Store(engine, nowhere, clock)
