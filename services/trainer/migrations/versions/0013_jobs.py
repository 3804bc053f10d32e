"""Jobs, their results, and labels that a model gave to items of the pool."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    # Nullable: the release before writes rows without them.
    op.add_column("outcomes", sa.Column("source", sa.String(), nullable=True))
    op.add_column("outcomes", sa.Column("verdicts", sa.Integer(), nullable=True))
    counts = ("size", "done", "rows", "answered", "declined", "rejected")
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.String(), primary_key=True),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("project", "kind", "state", "requested_by", "version", "format", "source")
        ),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("owns_source", "asks")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counts),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
    )
    op.create_index("ix_jobs_state", "jobs", ["state", "job_id"])
    op.create_index("ix_jobs_project", "jobs", ["project", "job_id"])
    _create_results()


def _create_results() -> None:
    op.create_table(
        "job_parts",
        sa.Column("job_id", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
    )
    op.create_table(
        "model_labels",
        sa.Column("project", sa.String(), primary_key=True),
        sa.Column("item_id", sa.String(), primary_key=True),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("certificate_id", sa.String(), nullable=True),
        sa.Column("target_accuracy", sa.Float(), nullable=False),
        sa.Column("promise_confidence", sa.Float(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
    )
