"""Batches of the pool, how their items were chosen, and what versions made of the labels."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "pool_batches",
        sa.Column("batch_id", sa.String(), primary_key=True),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String()),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("used", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("tasks", sa.Integer(), nullable=False),
        sa.Column("chosen", sa.Integer(), nullable=False),
        sa.Column("arms", sa.JSON(), nullable=False),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column("version", sa.String()),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("project", "idempotency_key", name="uq_pool_batches_key"),
    )
    op.create_table(
        "learning_points",
        sa.Column("project", sa.String(), primary_key=True),
        sa.Column("version", sa.String(), primary_key=True),
        sa.Column("previous", sa.String()),
        sa.Column("kappa", sa.Float()),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.add_column("pool_items", sa.Column("batch_id", sa.String()))
    op.add_column("pool_items", sa.Column("arm", sa.String()))
