"""Runs migrations on the connection that `shared.db` hands over."""

from alembic import context

from services.review_queue.activity import models as activity_models
from services.review_queue.erasure import models as erasure_models
from services.review_queue.feedback import models as feedback_models
from services.review_queue.gold import models as gold_models
from services.review_queue.models import Base
from services.review_queue.ui import models as ui_models
from services.review_queue.webhooks import models as webhook_models

# Tables are known once the modules that state them are imported.
_ = (activity_models, erasure_models, feedback_models, gold_models, ui_models, webhook_models)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
