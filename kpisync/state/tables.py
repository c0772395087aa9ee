"""The tables of the state store; the migrations under `migrations/` make the same.

Series, origins, jobs and runs are numbered, so that a stored value stays small: it carries integers, not UUIDs.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from kpisync.state.columns import Day, Exact, Instant

metadata = MetaData()

# What alembic looks for; it stands apart because it is no part of what the migrations describe.
version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
version.primary_key.name = "alembic_version_pkc"


class ChangeStatus(StrEnum):
    """How an intent ended. `adopted` is no intent of ours: a number of the platform that was taken as known."""

    IN_DOUBT = "in_doubt"
    CONFIRMED = "confirmed"
    SENT = "sent"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    ADOPTED = "adopted"


meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
)

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ulid", String, nullable=False, unique=True),  # the id that people see
    Column("job", ForeignKey("job.id"), nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("started", Instant, nullable=False),
    Column("ended", Instant),
    Column("status", String),  # model.RunStatus; NULL: it is running, or was killed
    Column("exit_code", Integer),
    Column("report", Text),  # JSON, as in `run --json`
    Column("config_hash", String, nullable=False),
)

# Where values came from: a file with its hash, or a query. An empty digest: the bare name, as a source cell begins.
origin = Table(
    "origin",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("digest", Text, nullable=False),
    UniqueConstraint("name", "digest"),
)

run_origin = Table(
    "run_origin",
    metadata,
    Column("run", ForeignKey("run.id"), primary_key=True),
    Column("origin", ForeignKey("origin.id"), primary_key=True),
)

# A value's key without its period. An empty team or sub-tile: the platform has none.
series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("destination", String, nullable=False),
    Column("kpi", String, nullable=False),
    Column("team", String, nullable=False),
    Column("sub_tile", String, nullable=False),
    Column("value", String, nullable=False),
    UniqueConstraint("destination", "kpi", "team", "sub_tile", "value"),
)

# What is known to stand at a platform: one row a value. `origin` and `place` are its source cell.
value = Table(
    "value",
    metadata,
    Column("series", ForeignKey("series.id"), primary_key=True),
    Column("period", Day, primary_key=True, autoincrement=False),
    Column("number", Exact, nullable=False),
    Column("status", String, nullable=False),  # confirmed or sent
    Column("job", ForeignKey("job.id"), nullable=False),
    Column("run", ForeignKey("run.id"), nullable=False),
    Column("origin", ForeignKey("origin.id")),
    Column("place", String, nullable=False),
    sqlite_with_rowid=False,
)

# Every intent ever recorded, before its request and after: the write-ahead log and the history in one.
change = Table(
    "change",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("run.id"), nullable=False, index=True),
    Column("series", ForeignKey("series.id"), nullable=False),
    Column("period", Day, nullable=False),
    Column("old", Exact),
    Column("new", Exact),
    Column("origin", ForeignKey("origin.id")),
    Column("place", String, nullable=False),
    Column("status", String, nullable=False),  # ChangeStatus
    Column("intended_at", Instant, nullable=False),
    Column("settles", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("settled_by", ForeignKey("run.id")),
    Column("answer", Text),
    Column("found", Exact),  # what a read-back showed
    Index("ix_change_value", "series", "period"),
    Index(
        "ix_change_in_doubt",
        "status",  # the same in every row, but without it SQLite prefers the index above
        "series",
        "period",
        sqlite_where=text("status = 'in_doubt'"),
        postgresql_where=text("status = 'in_doubt'"),
    ),
    sqlite_autoincrement=True,  # an id is never used again
)

reject = Table(
    "reject",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("run.id"), nullable=False, index=True),
    Column("source", Text),
    Column("code", String, nullable=False),
    Column("reason", Text, nullable=False),
)

partition = Table(
    "partition",
    metadata,
    Column("job", ForeignKey("job.id"), primary_key=True),
    Column("period", Day, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("entries", Integer, nullable=False),
    sqlite_with_rowid=False,
)
