"""The projects of verdicts, and indexes of big tables, without blocking the release before.

Each step is repeatable: on PostgreSQL each is a transaction of its own, and a migration that broke
off begins again.
"""

import sqlalchemy as sa
from alembic import op

from shared.db.indexes import build_index, remove_index

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_WAITING = sa.text("turn IS NOT NULL")
_STANDING = sa.text("withdrawn_at IS NULL AND label IS NOT NULL")
_AT_A_TIME = 5_000
_LAST = sa.text(
    "SELECT max(verdict_id) FROM (SELECT verdict_id FROM verdicts WHERE verdict_id > :after"
    " ORDER BY verdict_id LIMIT :most) AS batch"
)
_FILL = sa.text(
    "UPDATE verdicts SET project ="
    " (SELECT project FROM tasks WHERE tasks.task_id = verdicts.task_id)"
    " WHERE verdict_id > :after AND verdict_id <= :last AND project IS NULL"
)


def upgrade() -> None:
    # Verdicts that the release before writes meanwhile have no project, and need none.
    if op.get_context().dialect.name == "postgresql":
        with op.get_context().autocommit_block():
            _fill_projects()
    else:
        _fill_projects()
    # All that their readers ask for: they read no row.
    answered = ["project", "given_at", "withdrawn_at", "label"]
    build_index("verdicts_by_time", "verdicts", answered, where=_STANDING)
    build_index("tasks_waiting", "tasks", ["project", "created_at", "turn"], where=_WAITING)
    build_index("tasks_by_needs", "tasks", ["project", "lane_group", "needs", "turn"])
    build_index("reviewer_tags_by_needs", "reviewer_tags", ["project", "needs"])
    # Claims of the release before are right without it, and slower.
    remove_index("tasks_by_turn", "tasks")


def _fill_projects() -> None:
    connection, after = op.get_bind(), 0
    while True:
        found = connection.execute(_LAST, {"after": after, "most": _AT_A_TIME}).scalar_one()
        if found is None:
            return
        connection.execute(_FILL, {"after": after, "last": found})
        after = found
