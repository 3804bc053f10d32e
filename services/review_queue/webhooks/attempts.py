"""An attempt as the history has it (no I/O)."""

from datetime import datetime
from typing import Any

from services.review_queue.tables.webhooks import WebhookRow
from services.review_queue.webhooks.events import Event
from services.review_queue.webhooks.sending import Attempt
from shared.db import Row


def noted_attempt(
    webhook: WebhookRow,
    delivery: Row,
    event: Event,
    attempt: Attempt,
    at: datetime,
    next_at: datetime | None,
) -> dict[str, Any]:
    """Return the row of a delivery after an attempt; `next_at` is None where it has ended."""
    ended = "delivered" if attempt.delivered else "failed"
    return {
        "delivery_id": delivery.delivery_id,
        "project": webhook.project,
        "webhook_id": webhook.webhook_id,
        "event_id": event.event_id,
        "kind": event.kind,
        "subject": event.subject,
        "task_id": delivery.task_id,
        "revision": delivery.revision,
        "event": delivery.event,
        "state": ended if next_at is None else "waiting",
        "status": attempt.status,
        "error": attempt.error,
        "attempts": delivery.attempts,
        "first_attempt_at": at,
        "last_attempt_at": at,
        "next_attempt_at": next_at,
    }
