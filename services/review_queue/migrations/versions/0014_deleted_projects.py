"""Deleted projects: how far their revisions and outcomes went; outcomes that map a label."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    first = sa.Column("first_revision", sa.Integer(), nullable=False, server_default="1")
    last = sa.Column("last_position", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column(
        "outcomes",
        sa.Column("mapped", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("projects", first)
    op.add_column("projects", last)
    op.add_column("projects", sa.Column("deleted_at", UtcDateTime(), nullable=True))
    op.add_column("projects", sa.Column("removed_at", UtcDateTime(), nullable=True))
