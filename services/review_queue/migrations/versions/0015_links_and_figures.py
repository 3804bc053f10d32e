"""Links to several projects; the project of a verdict. Their indexes are made in 0018."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_REVOKED = sa.text("revoked_at IS NOT NULL")


def upgrade() -> None:
    _extend_links()
    # Nullable: the release before writes rows without it while replicas are replaced. Those that
    # there are get theirs in 0018, as the table can be big.
    op.add_column("verdicts", sa.Column("project", sa.String(), nullable=True))


def _extend_links() -> None:
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
