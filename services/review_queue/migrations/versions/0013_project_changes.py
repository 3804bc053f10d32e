"""Changes of projects, in order, for readers of all projects; tasks with a second opinion."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty: a service that starts writes down what is not in it yet.
    op.create_table(
        "project_changes",
        sa.Column(
            "change_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True
        ),
        sa.Column("position", sa.BigInteger(), nullable=True, unique=True),
        sa.Column("project", sa.String(), sa.ForeignKey("projects.name"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_project_changes_project", "project_changes", ["project"])
    op.add_column(
        "tasks",
        sa.Column("second_opinion", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
