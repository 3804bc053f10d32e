"""Give up deliveries that a disabled webhook has kept for longer than its project keeps data."""

from datetime import datetime, timedelta

import structlog

from services.review_queue.projects.reading import current_project
from services.review_queue.webhooks import repository
from services.review_queue.webhooks.metrics import FAILED
from shared.db import Database

log = structlog.get_logger()

BATCH = 1_000
"""At most so many deliveries are removed in one transaction."""


async def give_up_overdue(database: Database, now: datetime) -> int:
    """Remove what has been due for longer than `retention_days`, count it as failed, and say it.

    An enabled webhook has nothing so old: its deliveries are given up after 24 attempts.
    """
    total = 0
    async with database.reading() as session:
        waiting = await repository.overdue(session, now)
        days = {
            project: (await current_project(session, project)).retention_days
            for project in {row.project for row in waiting}
        }
    for row in waiting:
        before = now - timedelta(days=days[row.project])
        if row.oldest < before:
            total += await _give_up(database, row.webhook_id, before)
    return total


async def _give_up(database: Database, webhook_id: str, before: datetime) -> int:
    total, removed = 0, BATCH
    while removed == BATCH:
        async with database.transaction() as session:
            webhook = await repository.lock(session, webhook_id)
            if webhook is None:
                break
            removed = await repository.drop_overdue(session, webhook_id, before, BATCH)
            webhook.failed += removed
            project = webhook.project
        FAILED.labels(project).inc(removed)
        total += removed
    if total:
        log.warning("webhook_deliveries_expired", webhook_id=webhook_id, deliveries=total)
    return total
