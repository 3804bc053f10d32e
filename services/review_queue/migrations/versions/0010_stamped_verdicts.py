"""The instructions that each verdict was given by."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Of verdicts until now their leases know: to write it into all would keep the table from the
# release before for minutes.

# Behind all that was to come: so tasks were put off that one skipped for later. They come now after
# all that is there, and no more after what comes.
_PUT_OFF = (
    "UPDATE tasks SET turn = turn - 1000000000000000000"
    " WHERE turn >= 1000000000000000000 AND (lane_group <> 'mandatory' OR due_at IS NOT NULL)"
)


def upgrade() -> None:
    op.execute(_PUT_OFF)
    # Nullable: the release before writes verdicts without it while replicas are replaced.
    op.add_column("verdicts", sa.Column("instructions_revision", sa.Integer(), nullable=True))
