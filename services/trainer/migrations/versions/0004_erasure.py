"""Erased items: which outcomes are of them, and how many lines snapshots lack since."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("outcomes", sa.Column("erasure", sa.String(), nullable=True))
    op.create_index("ix_outcomes_erasure", "outcomes", ["project", "erasure"])
    op.add_column(
        "datasets", sa.Column("erased", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )
