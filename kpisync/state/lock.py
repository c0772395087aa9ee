"""One process a job: lock files that the kernel frees when their owner dies."""

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

from kpisync.errors import LockedError, StateError
from kpisync.state.columns import plain
from kpisync.state.engine import explained, locate

_STORE_LOCK = "store.lck"
_STORE_SECONDS = 30.0


@contextmanager
def job_lock(state_url: str, job: str, folder: Path | None = None) -> Iterator[None]:
    """Be the one process that runs this job; LockedError at once if another one does.

    The lock files lie beside the store's file, or in `folder`. A store in memory is one process's own: no lock without
    a folder.
    """
    folder = folder or _folder(state_url)
    if folder is None:
        yield
        return
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


def _folder(state_url: str) -> Path | None:
    location = locate(state_url)
    if location.is_server:
        raise StateError("a store on a server needs a folder for its lock files", where=location.shown)
    return None if location.file is None else locks_folder(location.file)


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
        since = datetime.fromtimestamp(owner.stat().st_mtime, UTC).isoformat(timespec="seconds")
    except (OSError, ValueError):
        return LockedError(f"another process runs job {job}", hint="Wait until it ends.")
    return LockedError(
        f"another process (pid {pid} on {host}, since {since}) runs job {name}", hint="Wait until it ends."
    )
