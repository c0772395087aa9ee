"""The schema's revisions: which one a store has, how a new one is made and how an old one is brought up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, select, text

from kpisync.errors import StateError
from kpisync.state import tables
from kpisync.state.engine import writing
from kpisync.state.ulid import new_ulid

_SERVER_LOCK = 5_706_317_804  # any number: two processes that upgrade one PostgreSQL store wait for each other


@dataclass(frozen=True, slots=True)
class Schema:
    """The revisions that a program knows, oldest first. `folder` None: the migrations that were installed with it."""

    revisions: tuple[str, ...] = ("0001", "0002")
    folder: Path | None = None

    @property
    def head(self) -> str:
        return self.revisions[-1]


SHIPPED = Schema()


def migrations_folder(package: Path | None = None) -> Path:
    """Inside the package when installed from a wheel, beside it in a checkout."""
    package = package or Path(__file__).resolve().parent.parent
    for folder in (package / "migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise StateError(
        "this installation lacks its migrations", where=str(package), hint="Install kpisync again from its wheel."
    )


def current(connection: Connection) -> str | None:
    """The revision of a store; None if there is no store of kpisync in this database."""
    if not inspect(connection).has_table(tables.version.name):
        return None
    return connection.execute(select(tables.version.c.version_num)).scalar()


def create(engine: Engine, now: datetime, shown: str) -> None:
    """Make the tables of the newest revision, all or none; nothing happens if another process was faster."""
    with writing(engine, shown) as connection:
        _take_turns(connection)
        if current(connection) is not None:
            return
        tables.version.create(connection)
        tables.metadata.create_all(connection)
        connection.execute(tables.version.insert().values(version_num=SHIPPED.head))
        about = {"instance": new_ulid(now), "created": now.isoformat(timespec="seconds")}
        connection.execute(tables.meta.insert(), [{"key": key, "value": value} for key, value in about.items()])


def upgrade(engine: Engine, shown: str, schema: Schema) -> None:
    """Bring an older store to the newest revision in one transaction: afterwards it is new, or as it was.

    The engine must not enforce foreign keys, because SQLite alters a table by building it anew.
    """
    from alembic import command  # here, because importing it takes longer than most runs
    from alembic.config import Config

    config = Config()
    folder = str(schema.folder or migrations_folder())
    config.set_main_option("script_location", folder.replace("%", "%%"))
    with writing(engine, shown) as connection:
        _take_turns(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, schema.head)
        if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise StateError(
                "the migration broke a reference between tables; it was undone",
                where=shown,
                hint="Please report it. The store is as it was before, and so is its backup.",
            )


def _take_turns(connection: Connection) -> None:
    """SQLite's BEGIN IMMEDIATE does it already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _SERVER_LOCK})


def require_readable(revision: str | None, schema: Schema, shown: str) -> None:
    """Raise StateError if there is no store here, or one that only a newer program understands."""
    if revision is None:
        raise StateError(
            "this database is not a state store of kpisync",
            where=shown,
            hint="Name another file under `state:`, or move this one away.",
        )
    if revision not in schema.revisions:
        raise StateError(
            f"this store was written by a newer kpisync (revision {revision}, this one knows up to {schema.head})",
            where=shown,
            hint="Install that version again, or bring back an older copy with `kpisync state restore FILE`.",
        )
