"""Gold: known labels, probes of reviewers, pauses."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# What an adjudicator decided in lane gold is gold by itself; they are few among many tasks.
_DECIDED = sa.text("lane = 'gold' AND source = 'adjudicator'")
_STANDS = sa.text("resumed_at IS NULL")


def upgrade() -> None:
    op.create_index(
        "tasks_gold",
        "tasks",
        ["project", "task_id"],
        sqlite_where=_DECIDED,
        postgresql_where=_DECIDED,
    )
    op.create_table(
        "gold",
        sa.Column("task_id", sa.String(), sa.ForeignKey("tasks.task_id"), primary_key=True),
        sa.Column("project", sa.String(), sa.ForeignKey("projects.name"), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("explanation", sa.String(), nullable=True),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
    )
    op.create_index("gold_by_project", "gold", ["project", "task_id"])
    _make_probes()
    _make_pauses()


def _make_probes() -> None:
    op.create_table(
        "probes",
        sa.Column("token", sa.String(), primary_key=True),
        sa.Column("project", sa.String(), sa.ForeignKey("projects.name"), nullable=False),
        sa.Column("task_id", sa.String(), sa.ForeignKey("tasks.task_id"), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("expected", sa.String(), nullable=False),
        sa.Column("suggestion", sa.String(), nullable=True),
        sa.Column("instructions_revision", sa.Integer(), nullable=False),
        sa.Column("leased_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ending", sa.String(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("body_digest", sa.String(), nullable=True),
        sa.Column("skipped", sa.Boolean(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("active_seconds", sa.Float(), nullable=True),
        sa.Column("state_after", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.UniqueConstraint("task_id", "reviewer", "number"),
    )
    op.create_index("probes_by_reviewer", "probes", ["project", "reviewer"])


def _make_pauses() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "reviewer_pauses",
        sa.Column("pause_id", serial, primary_key=True),
        sa.Column("project", sa.String(), sa.ForeignKey("projects.name"), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=True),
        sa.Column("paused_by", sa.String(), nullable=True),
        sa.Column("paused_at", UtcDateTime(), nullable=False),
        sa.Column("resumed_by", sa.String(), nullable=True),
        sa.Column("resumed_at", UtcDateTime(), nullable=True),
    )
    op.create_index(
        "reviewer_pauses_standing",
        "reviewer_pauses",
        ["project", "reviewer"],
        unique=True,
        sqlite_where=_STANDS,
        postgresql_where=_STANDS,
    )
