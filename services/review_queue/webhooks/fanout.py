"""From the outcomes feed to deliveries: what each webhook is to get, written once."""

from datetime import datetime
from typing import Any

from services.review_queue.lifecycle.outcomes.sequencing import place_outcomes
from services.review_queue.tables.webhooks import WebhookRow
from services.review_queue.webhooks import repository
from services.review_queue.webhooks.events import outcome_kind
from shared.contracts.base import new_id
from shared.db import Database, Row, Session

_AT_ONCE = 500


async def fan_out(database: Database, now: datetime) -> int:
    """Write the next deliveries of each webhook; return how many outcomes were looked at.

    A webhook's place moves in the transaction that writes its deliveries: a crash neither loses
    nor doubles one, and replicas take turns.
    """
    async with database.reading() as session:
        if not await repository.any_webhook(session):
            return 0
    await place_outcomes(database)
    async with database.reading() as session:
        lagging = await repository.lagging(session)
    seen = 0
    for webhook_id in lagging:
        async with database.transaction() as session:
            webhook = await repository.lock(session, webhook_id, wait=False)
            if webhook is not None and webhook.disabled_at is None:
                seen += await _advance(session, webhook, now)
    return seen


async def _advance(session: Session, webhook: WebhookRow, now: datetime) -> int:
    behind = await repository.behind(session, webhook, _AT_ONCE)
    rows = [
        _delivery(webhook, outcome, now)
        for outcome in behind
        if webhook.events is None or outcome_kind(outcome.revision) in webhook.events
    ]
    await repository.add(session, rows)
    if behind:
        webhook.position = behind[-1].position
    return len(behind)


def _delivery(webhook: WebhookRow, outcome: Row, now: datetime) -> dict[str, Any]:
    return {
        "delivery_id": new_id(),
        "webhook_id": webhook.webhook_id,
        "task_id": outcome.task_id,
        "revision": outcome.revision,
        "due_at": now,
        "attempts": 0,
    }
