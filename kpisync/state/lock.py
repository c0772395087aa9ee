"""One process a job, and one a record: locks that the kernel, or the database server, frees when their owner dies."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
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
def job_lock(state_url: str, job: str, folder: Path | None = None, kind: str = "run") -> Iterator[None]:
    """Be the one process that runs this job, or does it over another `kind` of run; LockedError at once if one does.

    A store in a file has lock files beside it, or in `folder`. A store on a server keeps the locks itself, so that
    processes on several machines see them. A store in memory is one process's own: no lock without a folder.
    """
    name, does = (job, f"runs job {job}") if kind == "run" else (f"{job}/{kind}", f"runs a {kind} of job {job}")
    with _lock(state_url, name, does, does, folder):
        yield


@contextmanager
def turn(state_url: str, group: str, job: str, wait: Callable[[LockedError], None]) -> Iterator[None]:
    """Be the one process that writes the records of a group, as soon as it is this one's turn; `job` says who it is.

    `wait` is called again and again with who stands in the way: it sleeps for a moment, or raises to give up. Who
    waits is next: a process that had its turn and wants another one gets it afterwards.
    """

    def lock(name: str) -> AbstractContextManager[None]:
        return _lock(state_url, name, f"runs job {job}", "runs a job that may write the same records")

    with ExitStack() as held:
        with ExitStack() as queue:
            _enter(queue, lambda: lock(f"{group}/next"), wait)
            _enter(held, lambda: lock(f"{group}/turn"), wait)
        yield


def _enter(
    stack: ExitStack, lock: Callable[[], AbstractContextManager[None]], wait: Callable[[LockedError], None]
) -> None:
    while True:
        try:
            stack.enter_context(lock())
        except LockedError as taken:
            wait(taken)
        else:
            return


@contextmanager
def _lock(state_url: str, name: str, does: str, presumed: str, folder: Path | None = None) -> Iterator[None]:
    """`does` is what its owner tells others; `presumed` what they say of an owner that told nothing."""
    location = locate(state_url)
    if folder is None and location.file is not None:
        folder = locks_folder(location.file)
    if folder is not None:
        with _file_lock(folder, name, does, presumed):
            yield
    elif location.is_server:
        with _server_lock(location, name, presumed):
            yield
    else:
        yield


@contextmanager
def _file_lock(folder: Path, name: str, does: str, presumed: str) -> Iterator[None]:
    path = folder / f"{_slug(name)}.lock"
    owner = path.with_suffix(".owner")
    with explained(str(path)):
        _make(folder)
        lock = FileLock(path, timeout=0, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise _taken(owner, presumed) from None
        try:
            _write_owner(owner, does)
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
                    raise _taken(path.with_suffix(".owner"), f"runs job {path.stem}") from None
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
def _server_lock(location: Location, name: str, presumed: str) -> Iterator[None]:
    """An advisory lock of PostgreSQL, on a connection of its own: it ends with the process, however that ends."""
    with ExitStack() as stack:
        with explained(location.shown):
            engine = connect(location)
            stack.callback(engine.dispose)
            session = stack.enter_context(engine.connect()).execution_options(isolation_level="AUTOCOMMIT")
            stack.callback(session.invalidate)  # hang up: nothing is asked of a server that may be gone
            _prepare(session)
            number = _number(session, name)
            try:
                session.execute(text("SELECT pg_advisory_lock(:number)"), {"number": number})
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                    raise
                raise _taken_there(session, number, presumed) from None
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


def _number(session: Connection, name: str) -> int:
    """The lock of this name; stores in different schemas of a database have different ones."""
    schema = session.execute(text("SELECT current_schema()")).scalar()
    return int.from_bytes(hashlib.sha256(f"kpisync {schema} {plain(name)}".encode()).digest()[:8], signed=True)


def _unlock(session: Connection, number: int) -> None:
    with suppress(SQLAlchemyError):  # the end of the session does it too, a moment later
        session.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})


def _taken_there(session: Connection, number: int, presumed: str) -> LockedError:
    row = session.execute(text(_OWNER), {"number": number}).first()
    if row is None or row.backend_start is None:  # a session of another login shows little of itself
        return _locked(None, presumed)
    return _locked(f"{row.application_name.removeprefix('kpisync ')}, since {_seconds(row.backend_start)}", presumed)


def _make(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def _slug(name: str) -> str:
    """A file name for any lock: readable, never a path, and different for different names."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:40] or "job"
    return f"{readable}-{hashlib.sha256(plain(name).encode()).hexdigest()[:8]}"


def _write_owner(path: Path, does: str) -> None:
    """Pid, host and what it does, a line each; whole or not there. The file's time is the start."""
    new = path.with_suffix(".new")
    new.write_text(f"{os.getpid()}\n{socket.gethostname()}\n{plain(does)}\n", encoding="utf-8")
    new.replace(path)


def _taken(owner: Path, presumed: str) -> LockedError:
    try:
        pid, host, does = owner.read_text(encoding="utf-8").split("\n")[:3]
        since = _seconds(datetime.fromtimestamp(owner.stat().st_mtime, UTC))
    except (OSError, ValueError):
        return _locked(None, presumed)
    return _locked(f"pid {pid} on {host}, since {since}", does)


def _locked(who: str | None, does: str) -> LockedError:
    return LockedError(f"another process{f' ({who})' if who else ''} {does}", hint="Wait until it ends.")


def _seconds(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")
