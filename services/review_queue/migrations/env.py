"""Runs migrations on the connection that `shared.db` hands over."""

from alembic import context

from services.review_queue.models import Base
from services.review_queue.webhooks import models  # noqa: F401 - its tables are among Base's

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
