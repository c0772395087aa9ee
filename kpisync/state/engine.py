"""Where a state store is, how to reach it, and its errors in plain words."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from kpisync.errors import StateError

BUSY_SECONDS = 30.0
_READ_CACHE = 250  # KiB a connection; the system keeps the pages of the file too, and a daemon has several open
_WAL_IS_SOUND = (3, 51, 3)  # before, two connections could corrupt a WAL database (sqlite.org/wal.html)
_RESTORE = "Bring back a copy with `kpisync state restore FILE`; `kpisync state backup FILE` makes one."

# One writer of a store at a time; stores in different schemas do not wait for each other.
_TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtext('kpisync store'), hashtext(current_schema()))"

Mode = Literal["create", "write", "read"]


@dataclass(frozen=True, slots=True)
class Location:
    """A state store's place. `file` is None for a store in memory and for a server; `shown` holds no secret."""

    url: str
    file: Path | None
    shown: str
    is_server: bool = False


def locate(url: str) -> Location:
    """Understand a URL such as `sqlite:///state/kpisync.db`; a relative path is relative to the working directory."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StateError(
            "the address of the state store is not a URL",  # not shown: it may hold a password
            hint="Write for example `state: sqlite:///state/kpisync.db`.",
        ) from None
    if parsed.drivername == "sqlite" and not parsed.query:
        if parsed.database in (None, "", ":memory:"):
            return Location(url, None, "state store in memory")
        file = Path(parsed.database or "")
        return Location(url, file, str(file))
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        shown = f"postgresql://{parsed.host or ''}/{parsed.database or ''}"
        full = parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        return Location(full, None, shown, is_server=True)
    raise StateError(
        f"a state store cannot be at a URL that begins with `{parsed.drivername}`"
        + (" and has parameters" if parsed.drivername == "sqlite" else ""),
        hint="Use sqlite:///path/to/kpisync.db or postgresql://user@host/db.",
    )


def connect(location: Location, mode: Mode = "write", *, foreign_keys: bool = True) -> Engine:
    """An engine on the store; nothing is opened yet. `read` refuses every write."""
    if location.is_server:
        return _server(location, mode)
    open_file = _opener(location.file, mode, foreign_keys)
    # In memory there is one connection, and whoever wants it waits: another one would be another store.
    size = {"pool_size": 1, "max_overflow": 0} if location.file is None else {"pool_size": 5}
    engine = create_engine("sqlite://", creator=open_file, poolclass=QueuePool, **size)
    event.listen(engine, "begin", _begin)
    return engine


def _server(location: Location, mode: Mode) -> Engine:
    try:
        engine = create_engine(location.url, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise StateError(
            f"the PostgreSQL driver is not installed ({error.name})",
            where=location.shown,
            hint="Install it with `pip install 'kpisync[postgres]'`.",
        ) from None
    return engine.execution_options(postgresql_readonly=True) if mode == "read" else engine


def _opener(file: Path | None, mode: Mode, foreign_keys: bool) -> Callable[[], sqlite3.Connection]:
    access = {"create": "rwc", "write": "rw", "read": "rw"}[mode]  # see _prepare for `read`
    address = ":memory:" if file is None else f"{file.absolute().as_uri()}?mode={access}"

    def open_file() -> sqlite3.Connection:
        connection = sqlite3.connect(
            address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, mode, foreign_keys)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    return open_file


def _prepare(connection: sqlite3.Connection, mode: Mode, foreign_keys: bool) -> None:
    if mode == "read":
        # Not SQLite's mode=ro: it cannot read past the journal of a killed writer, and leaves WAL files behind.
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA cache_size = -{_READ_CACHE}")
        return
    wanted = "WAL" if mode == "write" and sqlite3.sqlite_version_info >= _WAL_IS_SOUND else "DELETE"
    connection.execute(f"PRAGMA journal_mode = {wanted}").fetchall()
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")


def _begin(connection: Connection) -> None:
    """Without BEGIN IMMEDIATE two writers that read first would lose updates silently."""
    connection.exec_driver_sql(connection.get_execution_options().get("kpisync_begin", "BEGIN IMMEDIATE"))


@contextmanager
def writing(engine: Engine, shown: str) -> Iterator[Connection]:
    """A transaction that may write, one at a time; committed at the end, rolled back by any exception."""
    with explained(shown), engine.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":  # what BEGIN IMMEDIATE does for a file
            connection.exec_driver_sql(_TAKE_TURN)
        yield connection


@contextmanager
def reading(engine: Engine, shown: str) -> Iterator[Connection]:
    """A transaction that sees one state and keeps nobody from writing."""
    is_server = engine.dialect.name == "postgresql"  # where each statement would see its own state
    option = {"isolation_level": "REPEATABLE READ"} if is_server else {"kpisync_begin": "BEGIN"}
    readers = engine.execution_options(**option)
    with explained(shown), readers.connect() as connection, connection.begin():
        yield connection


@contextmanager
def explained(shown: str) -> Iterator[None]:
    """Turn what a database or a file system says into a StateError; a programming mistake stays what it is."""
    try:
        yield
    except (sqlite3.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        words = _sqlite_words(cause) if isinstance(cause, sqlite3.Error) else _server_words(error)
        if words is None:
            raise
        raise StateError(words[0], where=shown, hint=words[1]) from error
    except OSError as error:
        raise StateError(
            f"the state store cannot be used: {error.strerror or error}",
            where=str(error.filename or shown),
            hint="Check the owner, the rights and the free space of the file and its folder.",
        ) from error


def _sqlite_words(error: sqlite3.Error) -> tuple[str, str] | None:
    name = str(getattr(error, "sqlite_errorname", ""))
    for prefixes, what, hint in _SQLITE_WORDS:
        if name.startswith(prefixes):
            return what.format(name=name), hint
    return None


_SQLITE_WORDS = (
    (
        ("SQLITE_FULL",),
        "the disk is full, so the state store can record nothing",
        "Free some space, then run again: what is in doubt is looked at first.",
    ),
    (
        ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"),
        "the state store cannot be opened for writing",
        "Check the owner and the rights of the file and its folder, and that the volume is mounted.",
    ),
    (
        ("SQLITE_BUSY", "SQLITE_LOCKED"),
        f"another process kept the state store locked for more than {BUSY_SECONDS:.0f} seconds",
        "Wait until that process ends, or look for one that hangs.",
    ),
    (
        ("SQLITE_CORRUPT", "SQLITE_NOTADB"),
        "the file is damaged, or is not a state store; it was left as it is",
        _RESTORE,
    ),
    (
        ("SQLITE_IOERR", "SQLITE_PROTOCOL", "SQLITE_NOLFS"),
        "the disk does not take what the state store writes ({name})",
        "Check the free space, the quota and the health of the disk.",
    ),
)


def _server_words(error: Any) -> tuple[str, str] | None:
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    said = (str(error.orig).strip().splitlines() or ["no words"])[0]
    return f"the database server cannot be used: {said}", "Check that it runs and that the address and login are right."


def check_intact(location: Location, damage: list[str]) -> None:
    """Raise StateError if SQLite's own check named damage."""
    if damage != ["ok"]:
        raise StateError(
            f"the state store is damaged ({damage[0] if damage else 'no answer'}); it was left as it is",
            where=location.shown,
            hint=_RESTORE,
        )
