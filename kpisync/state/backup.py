"""Copies of the state store: whole, checked and on disk before they get their name."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

from kpisync.errors import StateError
from kpisync.state.engine import BUSY_SECONDS, Location, check_intact, connect, explained, locate, reading
from kpisync.state.lock import all_jobs_stopped, store_lock
from kpisync.state.upgrade import SHIPPED, Schema, current, require_readable

_COMPANIONS = ("-journal", "-wal", "-shm")  # SQLite's own files beside a database


def backup(url: str, file: Path) -> None:
    """Copy a store to a file, also while others write to it; an older copy is replaced only by a checked new one."""
    live = _file_of(locate(url))
    if file.absolute() == live.absolute():
        raise StateError("the backup would replace the store itself", where=str(file), hint="Name another file.")
    require_store(live)
    copy(live, file)


def restore(file: Path, url: str, schema: Schema = SHIPPED) -> Path | None:
    """Put a checked copy in the place of a store; returns where the replaced store was kept.

    LockedError while a job runs. Whoever still has the old store open finds out at its next write. An older schema
    is brought up when the store is opened.
    """
    live = _file_of(locate(url))
    require_store(file)
    with explained(str(live)):
        live.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = live.with_name(f"{live.name}.restored")
    with store_lock(live), all_jobs_stopped(live):
        copy(file, new)
        try:
            _require_schema(new, schema)
            with explained(str(live)):
                return _replace(live, new)
        finally:
            new.unlink(missing_ok=True)


def copy(source: Path, target: Path) -> None:
    """SQLite's online backup, integrity check, fsync, rename: `target` is whole, or as it was."""
    part = target.with_name(f"{target.name}.part")
    with explained(f"{source} to {target}"):
        try:
            make_private(part)
            with closing(_open(source)) as reader, closing(_open(part)) as writer:
                reader.backup(writer)
                writer.execute("PRAGMA journal_mode = DELETE").fetchall()  # the source's may be WAL
                found = [str(row[0]) for row in writer.execute("PRAGMA integrity_check(1)")]
            check_intact(Location("", source, str(source)), found)
            with part.open("rb+") as handle:
                os.fsync(handle.fileno())
            part.replace(target)
            sync_folder(target.parent)
        finally:
            part.unlink(missing_ok=True)


def make_private(file: Path) -> None:
    """An empty file that only its owner may read; one that is in the way is removed, and SQLite's files beside it."""
    for name in (file, *_beside(file)):
        name.unlink(missing_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def free_name(file: Path, reason: str) -> Path:
    """A name beside a file that nothing has yet: `kpisync.db.before-0002`, `kpisync.db.before-0002-2`, …"""
    names = (file.with_name(f"{file.name}.{reason}" + (f"-{number}" if number > 1 else "")) for number in count(1))
    return next(name for name in names if not name.exists())


def sync_folder(folder: Path) -> None:
    """A rename is on disk only when its folder is."""
    with suppress(PermissionError):  # Windows opens no folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _replace(live: Path, new: Path) -> Path | None:
    if not live.exists():
        new.replace(live)
        sync_folder(live.parent)
        return None
    aside = free_name(live, "replaced")
    with _nobody_writes(live) as is_sound:
        _keep(live, aside)
        if not is_sound:  # a journal of the damaged file must not be played into the new one
            for companion in _beside(live):
                if companion.exists():
                    companion.replace(aside.with_name(aside.name + companion.name.removeprefix(live.name)))
        new.replace(live)
    sync_folder(live.parent)
    return aside


@contextmanager
def _nobody_writes(live: Path) -> Iterator[bool]:
    """Hold SQLite's exclusive lock; False if the file is too damaged to be locked, and so to be written."""
    with closing(_open(live)) as connection:
        try:
            _leave_wal(connection, live)
            connection.execute("BEGIN EXCLUSIVE")
            is_sound = True
        except sqlite3.DatabaseError as error:
            if not _named(error, "SQLITE_NOTADB", "SQLITE_CORRUPT"):
                raise
            is_sound = False
        yield is_sound


def _leave_wal(connection: sqlite3.Connection, live: Path) -> None:
    """Fold a WAL into the file, which nobody may have open then: its last user would delete the WAL of the new one."""
    try:
        mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError as error:
        if not _named(error, "SQLITE_BUSY", "SQLITE_LOCKED"):
            raise
        mode = "busy"
    if mode != "delete":
        raise StateError(
            "another process has the state store open, so it was not replaced",
            where=str(live),
            hint="Stop it, the daemon for example, and restore again.",
        )


def _named(error: sqlite3.Error, *names: str) -> bool:
    return str(getattr(error, "sqlite_errorname", "")).startswith(names)


def _keep(live: Path, aside: Path) -> None:
    """A second name, not a copy: to open and close the file here would drop the lock that SQLite holds on it."""
    try:
        aside.hardlink_to(live)
    except OSError:  # a file system without links
        shutil.copy2(live, aside)


def _require_schema(file: Path, schema: Schema) -> None:
    engine = connect(Location("", file, str(file)), "read")
    try:
        with reading(engine, str(file)) as connection:
            revision = current(connection)
    finally:
        engine.dispose()
    require_readable(revision, schema, str(file))


def _open(file: Path) -> sqlite3.Connection:
    address = f"{file.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _beside(file: Path) -> list[Path]:
    return [file.with_name(file.name + ending) for ending in _COMPANIONS]


def _file_of(location: Location) -> Path:
    if location.file is None:
        raise StateError(
            "this state store is no file, so kpisync cannot copy it",
            where=location.shown,
            hint="For PostgreSQL use pg_dump and pg_restore.",
        )
    return location.file


def require_store(file: Path) -> None:
    """Raise StateError if there is no file here, or an empty one."""
    if not file.is_file() or file.stat().st_size == 0:
        raise StateError("there is no state store here, or an empty file", where=str(file), hint="Check the path.")
