"""From the outcomes feed to deliveries: one for each webhook that wants the outcome."""

from datetime import datetime

from services.review_queue.lifecycle.outcomes.service import place_outcomes
from services.review_queue.tables.webhooks import WebhookRow
from services.review_queue.webhooks import repository
from services.review_queue.webhooks.events import outcome_kind
from shared.db import Database, Session

_OUTCOMES_AT_ONCE = 500


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
    behind = await repository.behind(session, webhook, _OUTCOMES_AT_ONCE)
    rows = [
        {"webhook_id": webhook.webhook_id, "task_id": row.task_id, "revision": row.revision}
        for row in behind
        if webhook.events is None or outcome_kind(row.revision) in webhook.events
    ]
    await repository.add_deliveries(session, now, rows)
    if behind:
        webhook.position = behind[-1].position
    return len(behind)
