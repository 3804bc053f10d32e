"""Tasks that were decided on in SQL, posted to the review queue until it acknowledges them."""

import asyncio
from collections.abc import Sequence

import structlog

from services.trainer.posting import repository
from services.trainer.queue_client import QueueAway
from services.trainer.resources import Resources
from services.trainer.tables import CertificationItem, PoolItem
from shared.contracts.tasks import NewTask, TaskPrediction, TaskReceipt
from shared.logs import cause_of

log = structlog.get_logger()

_POST_BATCH = 500
# So long a client waits for a review queue that takes connections and answers none.
_PATIENCE_SECONDS = 10.0
_REFUSALS = frozenset({"conflict", "rejected"})


async def post_or_leave(resources: Resources, project: str) -> None:
    """Post what is unposted; leave it to the worker where the review queue is away or slow."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await post_pending(resources, project)
    except (QueueAway, TimeoutError) as error:
        log.warning("tasks_left_for_later", project=project, cause=cause_of(error))


async def post_pending(resources: Resources, project: str) -> int:
    """Post every task that is decided on but not acknowledged; return how many were.

    Raises
    ------
    QueueAway
        The review queue cannot be reached; what it acknowledged before stays so.
    """
    return await _post_pool(resources, project) + await _post_certification(resources, project)


async def _post_pool(resources: Resources, project: str) -> int:
    posted = 0
    while True:
        async with resources.database.reading() as session:
            items = await repository.unposted_pool_items(session, project, _POST_BATCH)
        if not items:
            return posted
        receipts = await resources.queue.post(project, [_pool_task(item) for item in items])
        refused = _refused(project, receipts)
        async with resources.database.transaction() as session:
            await repository.mark_pool_posted(session, items, refused)
        posted += len(items)


def _pool_task(item: PoolItem) -> NewTask:
    return NewTask(item_id=item.item_id, data=item.data, metadata=item.item_metadata, lane="pool")


async def _post_certification(resources: Resources, project: str) -> int:
    posted = 0
    while True:
        async with resources.database.reading() as session:
            drawn = await repository.unposted_drawn_items(session, project, _POST_BATCH)
        if not drawn:
            return posted
        tasks = [_certification_task(item, version) for item, version in drawn]
        receipts = await resources.queue.post(project, tasks)
        refused = _refused(project, receipts)
        async with resources.database.transaction() as session:
            await repository.mark_drawn_posted(session, [item for item, _ in drawn], refused)
        posted += len(drawn)


def _certification_task(item: CertificationItem, version: str) -> NewTask:
    # Reviewers never see it in this lane; it lets the outcome be read without us.
    prediction = TaskPrediction(label=item.label, confidence=item.score, model_version=version)
    return NewTask(
        item_id=item.item_id,
        data=item.data,
        metadata=item.item_metadata,
        lane="certification",
        prediction=prediction,
    )


def _refused(project: str, receipts: Sequence[TaskReceipt]) -> dict[str, str]:
    refused = {
        receipt.item_id: f"{receipt.status}: {receipt.detail or 'no reason given'}"
        for receipt in receipts
        if receipt.status in _REFUSALS
    }
    if refused:
        log.warning("tasks_refused", project=project, tasks=len(refused))
    return refused
