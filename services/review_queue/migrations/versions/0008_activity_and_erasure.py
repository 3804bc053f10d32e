"""The activity log, tombstones, and the verdicts of a reviewer by time."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_REFUSAL = "the activity log is only ever added to"


def upgrade() -> None:
    _create_activity()
    op.create_table(
        "tombstones",
        sa.Column("task_id", sa.String(), sa.ForeignKey("tasks.task_id"), primary_key=True),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.Column("erased_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("asked", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
    )
    op.add_column("tasks", sa.Column("erased_at", UtcDateTime(), nullable=True))
    op.create_index("verdicts_of_reviewer", "verdicts", ["reviewer", "given_at"])


def _create_activity() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "activity",
        sa.Column("entry_id", serial, primary_key=True),
        sa.Column("project", sa.String(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("token_id", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
    )
    op.create_index("activity_by_project", "activity", ["project", "entry_id"])
    op.create_index("activity_by_actor", "activity", ["project", "actor", "entry_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION activity_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER activity_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON activity "
            "FOR EACH STATEMENT EXECUTE FUNCTION activity_is_kept()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER activity_is_kept_from_{change.lower()} BEFORE {change} ON activity "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )
