"""The first schema. Types are spelt as stored: numbers are text; instants, days and statuses integers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _names()
    _runs()
    _values()
    _changes()


def _names() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )
    op.create_table(
        "binding",
        sa.Column("destination", sa.String, primary_key=True),
        sa.Column("identity", sa.String, nullable=False),
        sa.Column("rate", sa.Float),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
    )
    op.create_table(
        "origin",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.UniqueConstraint("name", "digest"),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("destination", sa.String, nullable=False),
        sa.Column("kpi", sa.String, nullable=False),
        sa.Column("team", sa.String, nullable=False),
        sa.Column("sub_tile", sa.String, nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.UniqueConstraint("destination", "kpi", "team", "sub_tile", "value"),
    )


def _runs() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ulid", sa.String, nullable=False, unique=True),
        sa.Column("job", sa.Integer, sa.ForeignKey("job.id"), nullable=False, index=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger),
        sa.Column("status", sa.String),
        sa.Column("exit_code", sa.Integer),
        sa.Column("report", sa.Text),
        sa.Column("config_hash", sa.String, nullable=False),
        sa.Column("changes_after", sa.Integer, nullable=False),
        sa.Column("changes_upto", sa.Integer),
    )
    op.create_table(
        "run_origin",
        sa.Column("run", sa.Integer, sa.ForeignKey("run.id"), primary_key=True),
        sa.Column("origin", sa.Integer, sa.ForeignKey("origin.id"), primary_key=True),
    )
    op.create_table(
        "reject",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("run.id"), nullable=False, index=True),
        sa.Column("source", sa.Text),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("series", sa.Integer, sa.ForeignKey("series.id")),
        sa.Column("period", sa.Integer),
        sa.Column("number", sa.String),
    )
    op.create_table(
        "open_reject",
        sa.Column("reject", sa.Integer, sa.ForeignKey("reject.id"), primary_key=True),
        sa.Column("job", sa.Integer, sa.ForeignKey("job.id"), nullable=False, index=True),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("runs", sa.Integer, nullable=False),
        sa.Column("first", sa.Integer),
        sa.Column("last", sa.Integer),
    )
    op.create_table(
        "partition",
        sa.Column("job", sa.Integer, sa.ForeignKey("job.id"), primary_key=True),
        sa.Column("period", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )


def _values() -> None:
    op.create_table(
        "value",
        sa.Column("period", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("series", sa.Integer, sa.ForeignKey("series.id"), primary_key=True),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("run", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
        sa.Column("remote", sa.String),
        sa.Column("origin", sa.Integer, sa.ForeignKey("origin.id")),
        sa.Column("place", sa.String, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "undone",
        sa.Column("period", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("series", sa.Integer, sa.ForeignKey("series.id"), primary_key=True),
        sa.Column("number", sa.String),
        sqlite_with_rowid=False,
    )


def _changes() -> None:
    op.create_table(
        "change",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
        sa.Column("period", sa.Integer, nullable=False),
        sa.Column("series", sa.Integer, sa.ForeignKey("series.id"), nullable=False),
        sa.Column("old", sa.String),
        sa.Column("new", sa.String),
        sa.Column("origin", sa.Integer, sa.ForeignKey("origin.id")),
        sa.Column("place", sa.String, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("intended_at", sa.BigInteger, nullable=False),
        sa.Column("settles", sa.BigInteger),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("settled_by", sa.Integer, sa.ForeignKey("run.id")),
        sa.Column("answer", sa.Text),
        sa.Column("found", sa.String),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_change_in_doubt",
        "change",
        ["period", "series"],
        sqlite_where=sa.text("status = 0"),
        postgresql_where=sa.text("status = 0"),
    )
