"""SQL of the batches."""

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
