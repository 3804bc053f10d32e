"""The reviewers' page: links, sessions, acknowledgements."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ui_links",
        sa.Column("code_digest", sa.String(), primary_key=True),
        sa.Column("project", sa.String(), sa.ForeignKey("projects.name"), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "ui_sessions",
        sa.Column("session_digest", sa.String(), primary_key=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("projects", sa.JSON(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_ui_sessions_expires_at", "ui_sessions", ["expires_at"])
    op.create_table(
        "ui_acknowledgements",
        sa.Column("project", sa.String(), sa.ForeignKey("projects.name"), primary_key=True),
        sa.Column("reviewer", sa.String(), primary_key=True),
        sa.Column("instructions_revision", sa.Integer(), nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=False),
    )
