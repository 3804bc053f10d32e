"""How often the outcomes feed was begun anew, and in which reading each outcome came."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # With defaults in the database: the release before writes rows without them.
    op.add_column(
        "project_state",
        sa.Column("feed_reading", sa.Integer(), nullable=False, server_default=sa.text("0")),
    )
    op.add_column(
        "outcomes", sa.Column("reading", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )
