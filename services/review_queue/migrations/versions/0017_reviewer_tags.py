"""Tags of reviewers, and what tasks need of them. Their indexes are made in 0018."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reviewer_tags",
        sa.Column("project", sa.String(), sa.ForeignKey("projects.name"), primary_key=True),
        sa.Column("reviewer", sa.String(), primary_key=True),
        sa.Column("needs", sa.String(), primary_key=True),
    )
    op.add_column("tasks", sa.Column("needs", sa.String(), nullable=False, server_default=""))
