"""SQL of labels: what waits in the pool, what a model labelled, and all labels in order."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import bindparam, select, update
from sqlmodel import col

from services.trainer.tables import (
    DECLINED_ARM,
    Job,
    ModelLabel,
    OutcomeRow,
    PoolBatch,
    PoolItem,
    insert_new,
    rows_of,
    update_items,
)
from shared.db import Session

Labelled = TypeVar("Labelled", OutcomeRow, ModelLabel)


async def add(session: Session, project: str, rows: Sequence[dict[str, Any]]) -> None:
    """Record labels that a version gave, and let their items wait no longer."""
    await insert_new(session, ModelLabel, rows)
    ids = [row["item_id"] for row in rows]
    await update_items(session, PoolItem, project, ids, state="answered")


async def ask(session: Session, project: str, predictions: Mapping[str, dict[str, Any]]) -> None:
    """Let people be asked about items that are not certified: none is a uniform draw."""
    if predictions:
        connection = await session.connection()
        items = PoolItem.__table__  # type: ignore[attr-defined]
        await connection.execute(
            update(items)
            .where(items.c.project == project, items.c.item_id == bindparam("wanted"))
            .values(state="asked", posted=False, arm=DECLINED_ARM, prediction=bindparam("said")),
            [{"wanted": item_id, "said": said} for item_id, said in predictions.items()],
        )


async def leave_waiting(
    session: Session, job: Job, item_ids: Collection[str], now: datetime
) -> None:
    """Let items that are not certified keep waiting.

    A version chose which: they are no longer a uniform sample, and none is a uniform draw now.
    """
    await update_items(session, PoolItem, job.project, item_ids, state="waiting", arm=DECLINED_ARM)
    batch = await session.get(PoolBatch, job.job_id)
    if batch is None:
        batch = PoolBatch(
            batch_id=job.job_id,
            project=job.project,
            strategy=job.kind,
            used=job.kind,
            size=0,
            version=job.version,
            requested_by=job.requested_by,
            created_at=now,
        )
        session.add(batch)
    batch.size += len(item_ids)
    batch.chosen += len(item_ids)


async def page(
    session: Session, project: str, after: str, limit: int
) -> list[tuple[str, OutcomeRow | None, ModelLabel | None]]:
    """Return the next items that have a label, by id: people's outcome and a version's label."""
    labelled = (col(OutcomeRow.label).is_not(None), col(OutcomeRow.erasure).is_(None))
    people = await _by_id(session, OutcomeRow, project, after, limit, *labelled)
    model = await _by_id(session, ModelLabel, project, after, limit)
    ids = sorted(people.keys() | model.keys())[:limit]
    return [(item_id, people.get(item_id), model.get(item_id)) for item_id in ids]


async def _by_id(
    session: Session, table: type[Labelled], project: str, after: str, limit: int, *wanted: Any
) -> dict[str, Labelled]:
    """Return the next `wanted` rows of `table` by the ids of their items, in their order."""
    wanted += (col(table.project) == project, col(table.item_id) > after)
    rows = await rows_of(session, table, *wanted, order=[col(table.item_id)], limit=limit)
    return {row.item_id: row for row in rows}


async def contents(
    session: Session, project: str, item_ids: Sequence[str]
) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return data and metadata of items of the pool."""
    query = select(col(PoolItem.item_id), col(PoolItem.data), col(PoolItem.item_metadata)).where(
        col(PoolItem.project) == project, col(PoolItem.item_id).in_(item_ids)
    )
    return {row[0]: (row[1], row[2]) for row in await session.execute(query)}
