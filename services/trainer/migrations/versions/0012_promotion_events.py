"""The history of promotions, and the champion's answers to items drawn for certifications."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "promotion_events",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
        ),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("champion", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("try_number", sa.Integer(), nullable=True),
        sa.Column("document", sa.JSON(), nullable=True),
    )
    op.create_index("ix_promotion_events", "promotion_events", ["project", "id"])
    op.add_column("certification_items", sa.Column("champion", sa.JSON(), nullable=True))
