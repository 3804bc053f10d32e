"""Alembic runs here, on the connection that `shared.db` hands over."""

from alembic import context

from services.trainer.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    # Builds of indexes commit on their own; SQLite migrates in one transaction of `shared.db`.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
