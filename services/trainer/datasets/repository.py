"""SQL of the datasets."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.trainer.models import Dataset
from services.trainer.repository import insert_new


async def add(session: AsyncSession, dataset: Dataset) -> None:
    """Record a snapshot; the same labels frozen again are the same snapshot."""
    await insert_new(session, Dataset, [dataset.model_dump()])


async def find(session: AsyncSession, project: str, dataset_id: str) -> Dataset | None:
    """Return one snapshot's record."""
    return await session.get(Dataset, (project, dataset_id))


async def page(session: AsyncSession, project: str, offset: int, limit: int) -> Sequence[Dataset]:
    """Return snapshots, newest first."""
    query = (
        select(Dataset)
        .where(col(Dataset.project) == project)
        .order_by(col(Dataset.created_at).desc(), col(Dataset.dataset_id))
        .offset(offset)
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()
