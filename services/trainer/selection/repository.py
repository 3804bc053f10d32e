"""SQL of the batches."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col

from services.trainer.tables import PoolBatch
from shared.db import Session


async def by_key(session: Session, project: str, key: str) -> PoolBatch | None:
    """Return the batch that was asked for with an idempotency key."""
    query = select(PoolBatch).where(
        col(PoolBatch.project) == project, col(PoolBatch.idempotency_key) == key
    )
    return (await session.execute(query)).scalar_one_or_none()


async def page(
    session: Session, project: str, before: str | None, limit: int
) -> Sequence[PoolBatch]:
    """Return batches, newest first, older than batch `before`."""
    query = select(PoolBatch).where(col(PoolBatch.project) == project)
    if before is not None:
        query = query.where(col(PoolBatch.batch_id) < before)
    query = query.order_by(col(PoolBatch.batch_id).desc()).limit(limit)
    return (await session.execute(query)).scalars().all()
