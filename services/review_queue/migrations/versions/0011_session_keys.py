"""The key of the token that each link and session of the pages comes from."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TABLES = ("ui_links", "ui_sessions")


def upgrade() -> None:
    # Nullable: the release before writes rows without it while replicas are replaced.
    for table in _TABLES:
        op.add_column(table, sa.Column("key_id", sa.String(), nullable=True))
