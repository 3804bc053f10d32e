"""Links to several projects; what waits and what was answered, by project and time."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_REVOKED = sa.text("revoked_at IS NOT NULL")
_WAITING = sa.text("turn IS NOT NULL")
_STANDING = sa.text("withdrawn_at IS NULL AND label IS NOT NULL")


def upgrade() -> None:
    _extend_links()
    # Nullable: the release before writes rows without it while replicas are replaced.
    op.add_column("verdicts", sa.Column("project", sa.String(), nullable=True))
    op.execute(
        "UPDATE verdicts SET project = "
        "(SELECT project FROM tasks WHERE tasks.task_id = verdicts.task_id)"
    )
    # All that their readers ask for: they read no row.
    answered = ["project", "given_at", "withdrawn_at", "label"]
    _index("verdicts_by_time", "verdicts", answered, _STANDING)
    _index("tasks_waiting", "tasks", ["project", "created_at", "turn"], _WAITING)


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
    _index("links_revoked", "ui_links", ["revoked_at"], _REVOKED)


def _index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
