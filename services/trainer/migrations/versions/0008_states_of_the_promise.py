"""What suspends a promise, how far its audits were watched, its history, and its periods."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("project_state", sa.Column("suspension", sa.JSON(), nullable=True))
    op.add_column("project_state", sa.Column("period_began_at", sa.DateTime(timezone=True)))
    op.add_column(
        "project_state",
        sa.Column("tests_in_period", sa.Integer(), nullable=False, server_default="0"),
    )
    op.add_column(
        "project_state",
        sa.Column("first_revision", sa.Integer(), nullable=False, server_default="1"),
    )
    op.add_column("project_state", sa.Column("question", sa.String(), nullable=True))
    op.add_column("project_state", sa.Column("asked_since", sa.DateTime(timezone=True)))
    op.add_column(
        "datasets", sa.Column("holdout_rate", sa.Float(), nullable=False, server_default="0")
    )
    op.add_column("datasets", sa.Column("holdout_since", sa.DateTime(timezone=True)))
    op.add_column("versions", sa.Column("suspension", sa.JSON(), nullable=True))
    op.add_column("versions", sa.Column("warning", sa.JSON(), nullable=True))
    op.add_column("versions", sa.Column("noted_state", sa.String(), nullable=True))
    op.add_column(
        "certifications",
        sa.Column("purpose", sa.String(), nullable=False, server_default="first"),
    )
    op.add_column("certifications", sa.Column("test_id", sa.String(), nullable=True))
    op.add_column("certifications", sa.Column("test_number", sa.Integer(), nullable=True))
    op.add_column("certifications", sa.Column("since", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "certifications", sa.Column("human_error", sa.JSON(), nullable=False, server_default="{}")
    )
    op.add_column("outcomes", sa.Column("evidence_is_lone", sa.Boolean(), nullable=True))
    for name in ("copy_of", "verdict", "finding"):
        op.add_column("certification_items", sa.Column(name, sa.String(), nullable=True))
    _create_tables()
    _create_second_opinions()
    op.create_index("ix_ledger_version", "ledger_rows", ["project", "model_version", "id"])
    reason = sa.text("(\"row\" ->> 'reason')")
    op.create_index("ix_ledger_reason", "ledger_rows", ["project", reason, "id"])


def _create_tables() -> None:
    op.create_table(
        "audit_watches",
        sa.Column("project", sa.String(), primary_key=True),
        sa.Column("version", sa.String(), primary_key=True),
        sa.Column("certified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("audited", sa.Integer(), nullable=False),
        sa.Column("reviewed", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("log_sr", sa.JSON(), nullable=False),
        sa.Column("log_e", sa.JSON(), nullable=False),
        sa.Column("bands", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "certification_populations",
        sa.Column("certification_id", sa.String(), primary_key=True),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_populations_opened", "certification_populations", ["project", "opened_at"])
    op.create_table(
        "promise_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("from_state", sa.String(), nullable=True),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=True),
    )
    op.create_index("ix_promise_changes", "promise_changes", ["project", "id"])


def _create_second_opinions() -> None:
    op.create_table(
        "second_opinions",
        sa.Column("project", sa.String(), primary_key=True),
        sa.Column("item_id", sa.String(), primary_key=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
    )
