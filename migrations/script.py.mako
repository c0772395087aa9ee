"""${message}.

Name the file `rev_${up_revision}_….py`, and add the revision to `kpisync.state.upgrade.Schema`.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
