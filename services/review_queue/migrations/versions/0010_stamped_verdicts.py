"""The instructions that each verdict was given by."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Who answered elsewhere, or whose answer was imported, had no lease: nothing is known of them.
_BY_LEASE = (
    "UPDATE verdicts SET instructions_revision = (SELECT leases.instructions_revision"
    " FROM leases WHERE leases.token = verdicts.token) WHERE token IS NOT NULL"
)


def upgrade() -> None:
    # Nullable: the release before writes verdicts without it while replicas are replaced.
    op.add_column("verdicts", sa.Column("instructions_revision", sa.Integer(), nullable=True))
    op.execute(_BY_LEASE)


def downgrade() -> None:
    with op.batch_alter_table("verdicts") as verdicts:
        verdicts.drop_column("instructions_revision")
