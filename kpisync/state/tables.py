"""The tables of the state store; the migrations under `migrations/` make the same.

Series, origins, jobs and runs are numbered, so that a stored value stays small: it carries integers, not UUIDs.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

from kpisync.model import Status
from kpisync.state.columns import Coded, Day, Exact, Instant

metadata = MetaData()

# What alembic looks for; it stands apart because it is no part of what the migrations describe.
version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
version.primary_key.name = "alembic_version_pkc"


class ChangeStatus(StrEnum):
    """How an intent ended. `adopted` is no intent of ours: a number of the platform that was taken as known.

    Stored as its place in this list.
    """

    IN_DOUBT = "in_doubt"
    CONFIRMED = "confirmed"
    SENT = "sent"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    ADOPTED = "adopted"


CHANGE_STATUS = Coded(tuple(ChangeStatus))
VALUE_STATUS = Coded((Status.CONFIRMED, Status.SENT))

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
)

# The platform and account that each destination is. `rate` is how many requests a second it seems to take.
binding = Table(
    "binding",
    metadata,
    Column("destination", String, primary_key=True),
    Column("identity", String, nullable=False),
    Column("rate", Float),  # NULL: it never had enough
)

job = Table(
    "job",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("last_run", Integer),  # run.id of its newest run; NULL: it never ran
    Column("confirmed", Instant),  # when a run that had values of it confirmed ended last
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
    # Its changes have ids above the one, up to the other (NULL: there are none), among those of runs beside it.
    Column("changes_after", Integer, nullable=False),
    Column("changes_upto", Integer),
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

# What is known to stand at a platform: one row a value. `run` sent or adopted the number, so its job owns the value;
# `origin` and `place` are its source cell. Days first: what is sent together lies together.
value = Table(
    "value",
    metadata,
    Column("period", Day, primary_key=True, autoincrement=False),
    Column("series", ForeignKey("series.id"), primary_key=True),
    Column("number", Exact, nullable=False),
    Column("status", VALUE_STATUS, nullable=False),
    Column("run", ForeignKey("run.id"), nullable=False),
    Column("remote", String),  # the platform's id of it, if we created it and the platform gives ids to values
    Column("origin", ForeignKey("origin.id")),
    Column("place", String, nullable=False),
    sqlite_with_rowid=False,
)

# Every intent ever recorded, before its request and after: the write-ahead log and the history in one. An index on keys
# would cost every value for the sake of one question, `explain`, which reads a million rows in a tenth of a second.
change = Table(
    "change",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("run.id"), nullable=False),
    Column("period", Day, nullable=False),
    Column("series", ForeignKey("series.id"), nullable=False),
    Column("old", Exact),
    Column("new", Exact),
    Column("origin", ForeignKey("origin.id")),
    Column("place", String, nullable=False),
    Column("status", CHANGE_STATUS, nullable=False),
    Column("intended_at", Instant, nullable=False),
    Column("settles", Instant),  # NULL: it is settled
    Column("settled_at", Instant),  # NULL though settled: as it was intended
    Column("settled_by", ForeignKey("run.id")),  # NULL though settled: by its own run
    Column("answer", Text),
    Column("found", Exact),  # what a read-back showed; NULL though confirmed or adopted: the new number
    Index(
        "ix_change_in_doubt",
        "period",
        "series",
        sqlite_where=text("status = 0"),
        postgresql_where=text("status = 0"),
    ),
    sqlite_autoincrement=True,  # an id is never used again
)

# Not as a parameter: SQLite uses a partial index only where it sees the condition.
IS_IN_DOUBT = change.c.status == literal_column(str(CHANGE_STATUS.code(ChangeStatus.IN_DOUBT)))

reject = Table(
    "reject",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("run.id"), nullable=False, index=True),
    Column("source", Text),
    Column("code", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("series", ForeignKey("series.id")),  # of the value that was to be sent, if it got that far
    Column("period", Day),
    Column("number", Exact),
)

# The rejects that no later run over the same dates was without: the newest of each. Their runs are never dropped.
open_reject = Table(
    "open_reject",
    metadata,
    Column("reject", ForeignKey("reject.id"), primary_key=True),
    Column("job", ForeignKey("job.id"), nullable=False, index=True),
    Column("since", Instant, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("first", Day),  # the dates that its run was asked for; NULL: the job's own
    Column("last", Day),
)

partition = Table(
    "partition",
    metadata,
    Column("job", ForeignKey("job.id"), primary_key=True),
    Column("period", Day, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# What an undo took back, so that it is not sent again until its source states something else.
undone = Table(
    "undone",
    metadata,
    Column("period", Day, primary_key=True, autoincrement=False),
    Column("series", ForeignKey("series.id"), primary_key=True),
    Column("number", Exact),  # NULL: a withdrawal
    sqlite_with_rowid=False,
)

# The due times of scheduled jobs that were met: by a run that began at or after them, or, without a run, because the
# job was first seen afterwards. Of several times that one run meets, the last one stands here.
due = Table(
    "due",
    metadata,
    Column("job", ForeignKey("job.id"), primary_key=True),
    Column("at", Instant, primary_key=True, autoincrement=False),
    Column("run", ForeignKey("run.id")),
    Column("met", Instant, nullable=False),
    sqlite_with_rowid=False,
)

# What people are to know and is not over yet; `subject` is a job, or what else it is about. A row goes with its end.
alert = Table(
    "alert",
    metadata,
    Column("subject", String, primary_key=True),
    Column("event", String, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("said", Text, nullable=False),
    Column("told", Instant),  # NULL: nobody was told yet
    sqlite_with_rowid=False,
)
