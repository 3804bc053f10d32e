"""Three groups of lanes instead of two, and tasks that wait for an adjudication."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TURN = """
    UPDATE tasks SET turn = turn - 1000000000000000000 + 86400000000
    WHERE lane_group = 'elective' AND turn >= 1000000000000000000
"""
_GROUP = """
    UPDATE tasks SET lane_group = CASE
        WHEN lane IN ('audit', 'certification', 'gold') THEN 'evidence'
        WHEN lane = 'mandatory' THEN 'mandatory'
        ELSE 'elective'
    END
"""


def upgrade() -> None:
    op.add_column(
        "tasks", sa.Column("lane_group", sa.String(), nullable=False, server_default="mandatory")
    )
    op.add_column(
        "tasks", sa.Column("adjudication", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute(_GROUP)
    # They stood behind all due dates; now they stand a day behind their creation.
    op.execute(_TURN)
    op.drop_index("tasks_by_turn", "tasks")
    op.create_index("tasks_by_turn", "tasks", ["project", "lane_group", "turn"])
    op.create_index("tasks_for_adjudication", "tasks", ["project", "adjudication"])
    with op.batch_alter_table("tasks") as tasks:
        tasks.alter_column("lane_group", server_default=None)
        tasks.alter_column("adjudication", server_default=None)
        tasks.drop_column("evidence")
