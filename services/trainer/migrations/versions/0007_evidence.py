"""Outcomes keep the answer that was given first: it is the evidence, whatever came after it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    # Null in rows of the release before: `outcomes.evidence` reads these by what else they say.
    op.add_column("outcomes", sa.Column("evidence_label", sa.String(), nullable=True))
    op.add_column("outcomes", sa.Column("evidence_blind", sa.Boolean(), nullable=True))
