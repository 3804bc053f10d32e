"""Keys by which requests act once, and what jobs and the learning curve say besides."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0018"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "idempotency_records",
        sa.Column("project", sa.String(), primary_key=True),
        sa.Column("idempotency_key", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("resource_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.add_column("pool_items", sa.Column("prediction", sa.JSON()))
    op.add_column("learning_points", sa.Column("control", sa.JSON()))
    for table in ("jobs", "model_labels"):
        op.add_column(table, sa.Column("population", sa.String()))
