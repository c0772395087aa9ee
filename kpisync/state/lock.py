"""One process a job: locks that the kernel, or the database server, frees when their owner dies."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from kpisync.errors import LockedError, StateError
from kpisync.state.columns import plain
from kpisync.state.engine import Location, connect, explained, locate

_STORE_LOCK = "store.lck"
_STORE_SECONDS = 30.0
_DYING = "1s"  # how long a server may take to notice that an owner was killed
_LOCK_NOT_AVAILABLE = "55P03"
_OWNER = """
    SELECT a.application_name, a.backend_start FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND ((l.classid::bigint << 32) | l.objid::bigint) = :number
"""


@contextmanager
def job_lock(state_url: str, job: str, folder: Path | None = None) -> Iterator[None]:
    """Be the one process that runs this job; LockedError at once if another one does.

    A store in a file has lock files beside it, or in `folder`. A store on a server keeps the locks itself, so that
    processes on several machines see them. A store in memory is one process's own: no lock without a folder.
    """
    location = locate(state_url)
    if folder is None and location.file is not None:
        folder = locks_folder(location.file)
    if folder is not None:
        with _file_lock(folder, job):
            yield
    elif location.is_server:
        with _server_lock(location, job):
            yield
    else:
        yield


@contextmanager
def _file_lock(folder: Path, job: str) -> Iterator[None]:
    path = folder / f"{_slug(job)}.lock"
    owner = path.with_suffix(".owner")
    with explained(str(path)):
        _make(folder)
        lock = FileLock(path, timeout=0, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise _taken(owner, job) from None
        try:
            _write_owner(owner, job)
        except OSError:
            lock.release()
            raise
    try:
        yield
    finally:
        with suppress(OSError):  # a name left behind misleads nobody: the kernel's lock decides
            owner.unlink(missing_ok=True)
        lock.release()


@contextmanager
def all_jobs_stopped(file: Path) -> Iterator[None]:
    """Keep every job that ever ran on this store from starting; LockedError if one is running."""
    with ExitStack() as stack:
        with explained(str(file)):
            for path in sorted(locks_folder(file).glob("*.lock")):
                try:
                    stack.enter_context(FileLock(path, timeout=0, mode=0o600))
                except Timeout:
                    raise _taken(path.with_suffix(".owner"), path.stem) from None
        yield


@contextmanager
def store_lock(file: Path) -> Iterator[None]:
    """One process at a time makes, migrates or replaces a store's file; others wait for it."""
    with ExitStack() as stack:
        with explained(str(file)):
            _make(locks_folder(file))
            lock = FileLock(locks_folder(file) / _STORE_LOCK, timeout=_STORE_SECONDS, mode=0o600)
            try:
                stack.enter_context(lock)
            except Timeout:
                raise StateError(
                    "another process has been making, migrating or replacing the state store for a long time",
                    where=str(file),
                    hint="Wait until it ends, or look for one that hangs.",
                ) from None
        yield


def locks_folder(file: Path) -> Path:
    return file.with_name(f"{file.name}.locks")


@contextmanager
def _server_lock(location: Location, job: str) -> Iterator[None]:
    """An advisory lock of PostgreSQL, on a connection of its own: it ends with the process, however that ends."""
    with ExitStack() as stack:
        with explained(location.shown):
            engine = connect(location)
            stack.callback(engine.dispose)
            session = stack.enter_context(engine.connect()).execution_options(isolation_level="AUTOCOMMIT")
            stack.callback(session.invalidate)  # hang up: nothing is asked of a server that may be gone
            _prepare(session)
            number = _number(session, job)
            try:
                session.execute(text("SELECT pg_advisory_lock(:number)"), {"number": number})
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                    raise
                raise _taken_there(session, number, job) from None
            stack.callback(_unlock, session, number)
        yield


def _prepare(session: Connection) -> None:
    """Say who this is, and have the server find out within half a minute when this machine is gone."""
    wanted = {
        "application_name": f"kpisync pid {os.getpid()} on {socket.gethostname()}",
        "lock_timeout": _DYING,
        "idle_session_timeout": "0",  # not known before PostgreSQL 14
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }
    known = text("SELECT set_config(name, :setting, false) FROM pg_settings WHERE name = :name")
    for name, setting in wanted.items():
        session.execute(known, {"name": name, "setting": setting})


def _number(session: Connection, job: str) -> int:
    """The lock of a job; stores in different schemas of a database have different ones."""
    schema = session.execute(text("SELECT current_schema()")).scalar()
    return int.from_bytes(hashlib.sha256(f"kpisync {schema} {plain(job)}".encode()).digest()[:8], signed=True)


def _unlock(session: Connection, number: int) -> None:
    with suppress(SQLAlchemyError):  # the end of the session does it too, a moment later
        session.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})


def _taken_there(session: Connection, number: int, job: str) -> LockedError:
    row = session.execute(text(_OWNER), {"number": number}).first()
    if row is None or row.backend_start is None:  # a session of another login shows little of itself
        return _locked(None, job)
    return _locked(f"{row.application_name.removeprefix('kpisync ')}, since {_seconds(row.backend_start)}", job)


def _make(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def _slug(job: str) -> str:
    """A file name for any job name: readable, never a path, and different for different jobs."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", job).strip("-")[:40] or "job"
    return f"{readable}-{hashlib.sha256(plain(job).encode()).hexdigest()[:8]}"


def _write_owner(path: Path, job: str) -> None:
    """Pid, host and job, a line each; whole or not there. The file's time is the start."""
    new = path.with_suffix(".new")
    new.write_text(f"{os.getpid()}\n{socket.gethostname()}\n{plain(job)}\n", encoding="utf-8")
    new.replace(path)


def _taken(owner: Path, job: str) -> LockedError:
    try:
        pid, host, name = owner.read_text(encoding="utf-8").split("\n")[:3]
        since = _seconds(datetime.fromtimestamp(owner.stat().st_mtime, UTC))
    except (OSError, ValueError):
        return _locked(None, job)
    return _locked(f"pid {pid} on {host}, since {since}", name)


def _locked(who: str | None, job: str) -> LockedError:
    return LockedError(f"another process{f' ({who})' if who else ''} runs job {job}", hint="Wait until it ends.")


def _seconds(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")
