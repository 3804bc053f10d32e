"""Why runs begin, chances of pool items, revisions of instructions, and policies of snapshots."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("runs", sa.Column("cause", sa.String(), nullable=True))
    op.add_column("runs", sa.Column("reason", sa.String(), nullable=True))
    op.add_column("pool_items", sa.Column("propensity", sa.Float(), nullable=True))
    op.add_column("outcomes", sa.Column("instructions_revision", sa.Integer(), nullable=True))
    op.add_column("datasets", sa.Column("policy", sa.JSON(), nullable=True))
