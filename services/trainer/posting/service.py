"""Tasks that were decided on in SQL are posted, or withdrawn, until that is acknowledged."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from services.trainer.posting import repository
from services.trainer.queue_client import QueueAway, QueueClient, RouteUnknown
from services.trainer.tables import (
    DECLINED_ARM,
    CertificationItem,
    LedgerRow,
    PoolItem,
    RelabelItem,
    ShadowItem,
    update_items,
)
from shared.contracts.base import MAX_BATCH, from_stored
from shared.contracts.tasks import NewTask, TaskPrediction
from shared.db import Database, Session
from shared.logs import cause_of

log = structlog.get_logger()

_POST_BATCH = 500
# How long a client waits for a review queue that takes connections and answers none.
_PATIENCE_SECONDS = 10.0
Row = PoolItem | CertificationItem | RelabelItem | ShadowItem
_NOT_KEPT = "the decision on it is kept no longer"
_REFUSALS = frozenset({"conflict", "rejected"})
# A reviewer holds it; or it is in another lane now, and the next call says if it may stay there.
_LEFT = frozenset({"leased", "returned"})


@dataclass(frozen=True)
class TaskPosting:
    """Posts the tasks of the pool, of certifications, of relabel plans, and of shadow stages."""

    database: Database
    queue: QueueClient

    async def post_or_leave(self, project: str) -> None:
        """Post what is unposted; leave it to the worker where the review queue is away or slow."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self.post_pending(project)
        except (QueueAway, TimeoutError) as error:
            log.warning("tasks_left_for_later", project=project, cause=cause_of(error))

    async def post_pending(self, project: str) -> int:
        """Post every task that is decided on but not acknowledged; return how many were.

        `QueueAway` when the review queue cannot be reached; what it acknowledged before stays so.
        """
        posted = 0
        while batch := await self._next_batch(project):
            refusals = await self._post(project, [task for _, task in batch])
            if refused := sum(refusal is not None for refusal in refusals):
                log.warning("tasks_refused", project=project, tasks=refused)
            async with self.database.transaction() as session:
                for (row, _), refusal in zip(batch, refusals, strict=True):
                    session.add(row)
                    _mark(row, refusal)
                    if isinstance(row, CertificationItem) and row.refused is not None:
                        await repository.refuse_copies(session, row)
                await _note_late(session, project, [row for row, _ in batch])
            posted += len(batch)
        return posted

    async def _post(self, project: str, tasks: Sequence[NewTask | None]) -> list[str | None]:
        """Post tasks; return of each, in order, why it is refused. Two may have one item id."""
        given = [task for task in tasks if task is not None]
        receipts = await self.queue.post(project, given) if given else []
        if len(receipts) != len(given):
            raise QueueAway(f"it gave {len(receipts)} receipts for {len(given)} tasks")
        refusals = iter(
            f"{one.status}: {one.detail or 'no reason given'}" if one.status in _REFUSALS else None
            for one in receipts
        )
        return [_NOT_KEPT if task is None else next(refusals) for task in tasks]

    async def withdraw_pending(self, project: str) -> None:
        """Withdraw the tasks of draws and shadow stages that ended before all verdicts had come.

        What a reviewer holds is left for a later call. `QueueAway` when the review queue cannot be
        reached; what it acknowledged before stays so.
        """
        for table in (CertificationItem, ShadowItem):
            await self._withdraw(project, table)

    async def _withdraw(self, project: str, table: repository.Withdrawable) -> None:
        async with self.database.reading() as session:
            left = await repository.items_to_withdraw(session, project, table)
        done = 0
        for start in range(0, len(left), MAX_BATCH):
            batch = left[start : start + MAX_BATCH]
            try:
                statuses = await self.queue.withdraw(project, batch)
            except RouteUnknown:
                return  # a review queue of the release before: its successor is asked again
            settled = [item_id for item_id, status in statuses.items() if status not in _LEFT]
            async with self.database.transaction() as session:
                await update_items(session, table, project, settled, to_withdraw=False)
            done += len(settled)
        if done:
            log.info("tasks_withdrawn", project=project, tasks=done, held=len(left) - done)

    async def _next_batch(self, project: str) -> Sequence[tuple[Row, NewTask | None]]:
        """Return what is to be posted next; None stands for a task that cannot be made."""
        async with self.database.reading() as session:
            items = await repository.unposted_pool_items(session, project, _POST_BATCH)
            if items:
                return [(item, _pool_task(item)) for item in items]
            drawn = await repository.unposted_drawn_items(session, project, _POST_BATCH)
            if drawn:
                return [(item, _drawn_task(item, version)) for item, version in drawn]
            planned = await repository.unposted_relabels(session, project, _POST_BATCH)
            if planned:
                return [(item, _relabel_task(item, row)) for item, row in planned]
            differing = await repository.unposted_disagreements(session, project, _POST_BATCH)
            return [(item, _shadow_task(row)) for item, row in differing]


async def _note_late(session: Session, project: str, rows: Sequence[Row]) -> None:
    """Let what was posted for a certification or stage that ended meanwhile be withdrawn."""
    drawn = {row.certification_id for row in rows if isinstance(row, CertificationItem)}
    if drawn:
        await repository.end_draws(session, project, draws=drawn)
    stages = {row.stage_id for row in rows if isinstance(row, ShadowItem)}
    if stages:
        await repository.end_disagreements(session, project, stages)


def _mark(row: Row, refusal: str | None) -> None:
    row.posted = True
    if not isinstance(row, PoolItem):
        row.refused = refusal
    elif refusal is not None:
        row.state = "refused"


def _pool_task(item: PoolItem) -> NewTask:
    # What a job has left to people is asked again in the lane that it chose.
    return NewTask(
        item_id=item.item_id,
        data=item.data,
        metadata=item.item_metadata,
        lane="mandatory" if item.arm == DECLINED_ARM else "pool",
        prediction=None
        if item.prediction is None
        else from_stored(TaskPrediction, item.prediction),
    )


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


def _relabel_task(item: RelabelItem, row: LedgerRow | None) -> NewTask | None:
    # Of an erased item there is no content left.
    if row is None or not row.row["data"]:
        return None
    decided = row.row
    prediction = TaskPrediction(
        label=decided.get("suggestion") or decided.get("label"),
        confidence=decided.get("confidence"),
        model_version=row.model_version,
        propensity=item.propensity,
    )
    return NewTask(
        item_id=item.item_id,
        data=decided["data"],
        metadata=decided["metadata"],
        lane="relabel",
        prediction=prediction,
    )


def _shadow_task(row: LedgerRow | None) -> NewTask | None:
    if row is None or not row.row["data"]:
        return None
    # Without a prediction: nothing tells a reviewer what either version said.
    return NewTask(
        item_id=row.item_id,
        data=row.row["data"],
        metadata=row.row["metadata"],
        lane="shadow",
    )
