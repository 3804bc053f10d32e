"""Tasks of drawn items that are to be withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column(
        "certification_items",
        sa.Column("to_withdraw", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index(
        "ix_certification_items_to_withdraw",
        "certification_items",
        ["project", "certification_id"],
        sqlite_where=sa.text("to_withdraw = 1"),
        postgresql_where=sa.text("to_withdraw"),
    )
