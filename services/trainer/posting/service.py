"""Post tasks that were decided on in SQL to the review queue, until it acknowledges them."""

import asyncio
from collections.abc import Sequence

import structlog

from services.trainer.posting import repository
from services.trainer.queue_client import QueueAway, QueueClient
from services.trainer.tables import CertificationItem, PoolItem
from shared.contracts.tasks import NewTask, TaskPrediction
from shared.db import Database
from shared.logs import cause_of

log = structlog.get_logger()

_POST_BATCH = 500
# How long a client waits for a review queue that takes connections and answers none.
_PATIENCE_SECONDS = 10.0
_REFUSALS = frozenset({"conflict", "rejected"})


class TaskPosting:
    """Posts the tasks of pool items and of items drawn for certifications."""

    def __init__(self, database: Database, queue: QueueClient) -> None:
        self._database = database
        self._queue = queue

    async def post_or_leave(self, project: str) -> None:
        """Post what is unposted; leave it to the worker where the review queue is away or slow."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self.post_pending(project)
        except (QueueAway, TimeoutError) as error:
            log.warning("tasks_left_for_later", project=project, cause=cause_of(error))

    async def post_pending(self, project: str) -> int:
        """Post every task that is decided on but not acknowledged; return how many were.

        Raises
        ------
        QueueAway
            The review queue cannot be reached; what it acknowledged before stays so.
        """
        return await self._post_pool(project) + await self._post_drawn(project)

    async def _post_pool(self, project: str) -> int:
        posted = 0
        while True:
            async with self._database.reading() as session:
                items = await repository.unposted_pool_items(session, project, _POST_BATCH)
            if not items:
                return posted
            refused = await self._post(project, [_pool_task(item) for item in items])
            async with self._database.transaction() as session:
                await repository.mark_pool_posted(session, items, refused)
            posted += len(items)

    async def _post_drawn(self, project: str) -> int:
        posted = 0
        while True:
            async with self._database.reading() as session:
                drawn = await repository.unposted_drawn_items(session, project, _POST_BATCH)
            if not drawn:
                return posted
            refused = await self._post(project, [_drawn_task(*item) for item in drawn])
            async with self._database.transaction() as session:
                await repository.mark_drawn_posted(session, [item for item, _ in drawn], refused)
            posted += len(drawn)

    async def _post(self, project: str, tasks: Sequence[NewTask]) -> dict[str, str]:
        """Post tasks; return why the review queue refused some, by item id."""
        refused = {
            receipt.item_id: f"{receipt.status}: {receipt.detail or 'no reason given'}"
            for receipt in await self._queue.post(project, tasks)
            if receipt.status in _REFUSALS
        }
        if refused:
            log.warning("tasks_refused", project=project, tasks=len(refused))
        return refused


def _pool_task(item: PoolItem) -> NewTask:
    return NewTask(item_id=item.item_id, data=item.data, metadata=item.item_metadata, lane="pool")


def _drawn_task(item: CertificationItem, version: str) -> NewTask:
    # Reviewers never see it in this lane; it lets the outcome be read without us.
    prediction = TaskPrediction(label=item.label, confidence=item.score, model_version=version)
    return NewTask(
        item_id=item.item_id,
        data=item.data,
        metadata=item.item_metadata,
        lane="certification",
        prediction=prediction,
    )
