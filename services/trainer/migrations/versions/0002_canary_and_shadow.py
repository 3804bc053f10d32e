"""The channels beside the champion: a challenger with its share, and shadows."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("project_state", sa.Column("challenger", sa.String(), nullable=True))
    op.add_column(
        "project_state",
        sa.Column("challenger_share", sa.Float(), nullable=False, server_default="0"),
    )
    op.add_column(
        "project_state", sa.Column("shadow", sa.JSON(), nullable=False, server_default="[]")
    )
