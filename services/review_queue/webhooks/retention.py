"""What is kept of deliveries: those of disabled webhooks, and the history of all."""

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog

from services.review_queue.projects.reading import project_if_any
from services.review_queue.webhooks import repository
from services.review_queue.webhooks.history import repository as history
from services.review_queue.webhooks.metrics import FAILED
from shared.db import Database, Session

log = structlog.get_logger()

BATCH = 1_000
"""At most so many deliveries are removed in one transaction."""

KEPT = timedelta(days=30)
"""So long the history of deliveries is kept, or `retention_days` where that is less."""
_MOST = {"delivered": 1_000, "failed": 10_000}
_TOO_OLD = "the webhook was disabled for longer than retention_days"


async def trim_history(database: Database, webhook_id: str) -> None:
    """Keep the newest deliveries of a webhook: 1,000 that arrived, 10,000 that were given up."""
    async with database.transaction() as session:
        for state, most in _MOST.items():
            await history.trim(session, webhook_id, state, most)


async def forget_old_history(database: Database, now: datetime) -> None:
    """Forget deliveries that ended longer ago than the history is kept."""
    async with database.reading() as session:
        webhooks = await repository.with_history(session)
        kept = await _retention(session, {row.project for row in webhooks})
    for row in webhooks:
        if row.project in kept:
            before = now - min(KEPT, kept[row.project])
            async with database.transaction() as session:
                await history.forget_before(session, row.webhook_id, before)


async def give_up_overdue(database: Database, now: datetime) -> int:
    """Remove what has been due for longer than `retention_days`, count it as failed, and say it.

    An enabled webhook has nothing so old: its deliveries are given up after 24 attempts.
    """
    total = 0
    async with database.reading() as session:
        waiting = await repository.overdue(session, now)
        kept = await _retention(session, {row.project for row in waiting})
    for row in waiting:
        if row.project in kept and row.oldest < now - kept[row.project]:
            total += await _give_up(database, row.webhook_id, now - kept[row.project])
    return total


async def _retention(session: Session, projects: Collection[str]) -> dict[str, timedelta]:
    """Return how long each project keeps decisions; a deleted one is left out: all of it goes."""
    kept = {}
    for project in projects:
        if stated := await project_if_any(session, project):
            kept[project] = timedelta(days=stated.retention_days)
    return kept


async def _give_up(database: Database, webhook_id: str, before: datetime) -> int:
    total, removed = 0, BATCH
    while removed == BATCH:
        async with database.transaction() as session:
            webhook = await repository.lock(session, webhook_id)
            if webhook is None:
                break
            dropped = await repository.drop_overdue(session, webhook_id, before, BATCH)
            await history.fail(session, dropped, _TOO_OLD)
            removed = len(dropped)
            webhook.failed += removed
            project = webhook.project
        FAILED.labels(project).inc(removed)
        total += removed
    if total:
        log.warning("webhook_deliveries_expired", webhook_id=webhook_id, deliveries=total)
    return total
