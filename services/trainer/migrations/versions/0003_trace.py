"""The trace of an outcome: the span that asked people about its item."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("outcomes", sa.Column("trace", sa.String(), nullable=True))
