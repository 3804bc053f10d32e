"""Erased items: which outcomes are of them, and how many lines snapshots lack since."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outcomes", sa.Column("erasure", sa.String(), nullable=True))
    op.create_index("ix_outcomes_erasure", "outcomes", ["project", "erasure"])
    op.add_column(
        "datasets", sa.Column("erased", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )


def downgrade() -> None:
    with op.batch_alter_table("datasets") as datasets:
        datasets.drop_column("erased")
    op.drop_index("ix_outcomes_erasure", "outcomes")
    with op.batch_alter_table("outcomes") as outcomes:
        outcomes.drop_column("erasure")
