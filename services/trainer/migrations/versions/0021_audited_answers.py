"""An index of the audited answers, so that counting them reads no other row of the ledger."""

import sqlalchemy as sa
from alembic import op

from shared.db.indexes import build_index

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    is_true = "1" if op.get_context().dialect.name == "sqlite" else "true"
    build_index(
        "ix_ledger_audited",
        "ledger_rows",
        ["project", "model_version", "item_id", "content_hash", "decision", "id"],
        where=sa.text(f"audited IS {is_true}"),
    )
