"""Links to several projects, for operators too; their revocation; requests for new ones."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_REVOKED = sa.text("revoked_at IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("ui_links") as links:
        links.alter_column("project", existing_type=sa.String(), nullable=True)
        links.add_column(sa.Column("projects", sa.JSON(), nullable=True))
        links.add_column(sa.Column("role", sa.String(), nullable=False, server_default="reviewer"))
        links.add_column(sa.Column("hours", sa.Float(), nullable=False, server_default="12"))
        links.add_column(sa.Column("revoked_at", UtcDateTime(), nullable=True))
        links.add_column(sa.Column("requested_at", UtcDateTime(), nullable=True))
    op.add_column("ui_sessions", sa.Column("link_id", sa.String(), nullable=True))
    op.create_index("links_by_project", "ui_links", ["project", "created_at", "code_digest"])
    op.create_index(
        "links_revoked",
        "ui_links",
        ["revoked_at"],
        sqlite_where=_REVOKED,
        postgresql_where=_REVOKED,
    )
