"""The history of webhooks' deliveries."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_history",
        sa.Column("delivery_id", sa.String(), primary_key=True),
        sa.Column("project", sa.String(), sa.ForeignKey("projects.name"), nullable=False),
        sa.Column(
            "webhook_id",
            sa.String(),
            sa.ForeignKey("webhooks.webhook_id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("task_id", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("event", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_attempt_at", UtcDateTime(), nullable=False),
        sa.Column("last_attempt_at", UtcDateTime(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
    )
    op.create_index(
        "webhook_history_by_place",
        "webhook_history",
        ["project", "first_attempt_at", "delivery_id"],
    )
    op.create_index(
        "webhook_history_by_state", "webhook_history", ["webhook_id", "state", "first_attempt_at"]
    )
