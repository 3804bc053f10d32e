"""Runs migrations on the connection that `shared.db` hands over."""

from alembic import context

from services.review_queue.tables import Base
from services.review_queue.tables import activity as activity_models
from services.review_queue.tables import desk as desk_models
from services.review_queue.tables import feedback as feedback_models
from services.review_queue.tables import gold as gold_models
from services.review_queue.tables import links as link_models
from services.review_queue.tables import tags as tag_models
from services.review_queue.tables import webhooks as webhook_models

# Tables are known once the modules that state them are imported.
_ = (
    activity_models,
    desk_models,
    feedback_models,
    gold_models,
    link_models,
    tag_models,
    webhook_models,
)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    # Builds of indexes commit on their own; SQLite migrates in one transaction of `shared.db`.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
