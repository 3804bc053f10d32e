"""Tasks of shadow stages that are to be withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column(
        "shadow_items",
        sa.Column("to_withdraw", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index(
        "ix_shadow_items_to_withdraw",
        "shadow_items",
        ["project", "stage_id"],
        sqlite_where=sa.text("to_withdraw = 1"),
        postgresql_where=sa.text("to_withdraw"),
    )
