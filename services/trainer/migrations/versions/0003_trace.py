"""The trace of an outcome: the span that asked people about its item."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outcomes", sa.Column("trace", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("outcomes") as outcomes:
        outcomes.drop_column("trace")
