"""Projects, tasks, leases, verdicts, outcomes, timeline and outbox."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _outbox()
    _projects()
    _tasks()
    _leases()
    _outcomes()
    _task_events()
    _verdicts()


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("bell", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
    )


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("instructions_revision", sa.Integer(), nullable=False),
        sa.Column("published_revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("data_digest", sa.String(), nullable=False),
        sa.Column("item_metadata", sa.JSON(), nullable=False),
        sa.Column("prediction", sa.JSON(), nullable=True),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("evidence", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=True),
        sa.Column("available_at", UtcDateTime(), nullable=False),
        sa.Column("reserved_for", sa.String(), nullable=True),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("lease_number", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("skips", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["project"], ["projects.name"]),
        sa.PrimaryKeyConstraint("task_id"),
        sa.UniqueConstraint("project", "item_id"),
    )
    op.create_index("tasks_by_creation", "tasks", ["project", "created_at", "task_id"])
    op.create_index("tasks_by_turn", "tasks", ["project", "evidence", "turn"])


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("leased_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("suggestion_shown", sa.Boolean(), nullable=False),
        sa.Column("instructions_revision", sa.Integer(), nullable=False),
        sa.Column("ending", sa.String(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("body_digest", sa.String(), nullable=True),
        sa.Column("state_after", sa.String(), nullable=True),
        sa.Column("revision_after", sa.Integer(), nullable=True),
        sa.Column("outcome_revision", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.task_id"]),
        sa.PrimaryKeyConstraint("token"),
        sa.UniqueConstraint("task_id", "number"),
    )
    op.create_index("leases_by_expiry", "leases", ["ended_at", "expires_at"])


def _outcomes() -> None:
    op.create_table(
        "outcomes",
        sa.Column("outcome_id", _SERIAL, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("verdicts", sa.Integer(), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("prediction", sa.JSON(), nullable=True),
        sa.Column("instructions_revision", sa.Integer(), nullable=False),
        sa.Column("resolved_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.task_id"]),
        sa.PrimaryKeyConstraint("outcome_id"),
        sa.UniqueConstraint("position"),
        sa.UniqueConstraint("task_id", "revision"),
    )
    op.create_index("outcomes_by_project", "outcomes", ["project", "position"])


def _task_events() -> None:
    op.create_table(
        "task_events",
        sa.Column("event_id", _SERIAL, nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.task_id"]),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index("task_events_by_task", "task_events", ["task_id", "event_id"])


def _verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("verdict_id", _SERIAL, nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=True),
        sa.Column("skipped", sa.Boolean(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("active_seconds", sa.Float(), nullable=True),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.task_id"]),
        sa.PrimaryKeyConstraint("verdict_id"),
    )
    op.create_index("verdicts_by_reviewer", "verdicts", ["task_id", "reviewer"])
