"""What a daemon must remember: due times that were met, alerts that are open, and each job's newest run."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "due",
        sa.Column("job", sa.Integer, sa.ForeignKey("job.id"), primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("run", sa.Integer, sa.ForeignKey("run.id")),
        sa.Column("met", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "alert",
        sa.Column("subject", sa.String, primary_key=True),
        sa.Column("event", sa.String, primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("told", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.add_column("job", sa.Column("last_run", sa.Integer))
    op.add_column("job", sa.Column("confirmed", sa.BigInteger))
    op.execute("UPDATE job SET last_run = (SELECT max(run.id) FROM run WHERE run.job = job.id)")
    op.execute(
        "UPDATE job SET confirmed = (SELECT max(run.ended) FROM run WHERE run.job = job.id"
        " AND run.id IN (SELECT change.run FROM change WHERE change.status = 1))"
    )
