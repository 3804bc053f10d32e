"""Runs migrations on the connection that `shared.db` hands over."""

import importlib
import pkgutil

from alembic import context

from services.review_queue import tables

# Tables are known once the modules that state them are imported.
for module in pkgutil.iter_modules(tables.__path__, f"{tables.__name__}."):
    importlib.import_module(module.name)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.Base.metadata,
    render_as_batch=True,
    # Builds of indexes commit on their own; SQLite migrates in one transaction of `shared.db`.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
