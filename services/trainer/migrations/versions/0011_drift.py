"""The watch of drift."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_ARRAYS = (
    *("first", "statistics", "products", "starts"),
    *("moments", "recent", "recent_places", "open_sums"),
)


def upgrade() -> None:
    op.create_table(
        "drift_watches",
        sa.Column("project", sa.String(), primary_key=True),
        sa.Column("version", sa.String(), primary_key=True),
        sa.Column("certified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("streams", sa.JSON(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in _ARRAYS),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("blocks", sa.JSON(), nullable=False),
        sa.Column("block_size", sa.Integer(), nullable=False),
        sa.Column("alarm", sa.JSON(), nullable=True),
        sa.Column("alarmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_severe", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )
