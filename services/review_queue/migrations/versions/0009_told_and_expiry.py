"""Deliveries of the trainer's events, what was told of its documents, and tasks that expire."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_EXPIRING = sa.text("lane = 'optional' AND turn IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("webhook_deliveries") as deliveries:
        deliveries.alter_column("task_id", existing_type=sa.String(), nullable=True)
        deliveries.alter_column("revision", existing_type=sa.Integer(), nullable=True)
        deliveries.add_column(sa.Column("event_id", sa.String(), nullable=True))
        deliveries.add_column(sa.Column("event", sa.JSON(), nullable=True))
        deliveries.create_unique_constraint(
            "webhook_deliveries_webhook_id_event_id_key", ["webhook_id", "event_id"]
        )
    op.create_table(
        "webhook_told",
        sa.Column("project", sa.String(), sa.ForeignKey("projects.name"), primary_key=True),
        sa.Column("channels_revision", sa.Integer(), nullable=False),
        sa.Column("promise_revision", sa.Integer(), nullable=False),
        sa.Column("standings", sa.JSON(), nullable=False),
        sa.Column("champion", sa.String(), nullable=True),
        sa.Column("live_at", UtcDateTime(), nullable=True),
    )
    op.create_index(
        "tasks_by_expiry",
        "tasks",
        ["due_at"],
        sqlite_where=_EXPIRING,
        postgresql_where=_EXPIRING,
    )
