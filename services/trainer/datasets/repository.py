"""SQL of the datasets."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlmodel import col

from services.trainer.tables import Certification, CertificationItem, Dataset, OutcomeRow, Run
from shared.db import Session


async def page(session: Session, project: str, offset: int, limit: int) -> Sequence[Dataset]:
    """Return snapshots, newest first."""
    query = (
        select(Dataset)
        .where(col(Dataset.project) == project)
        .order_by(col(Dataset.created_at).desc(), col(Dataset.dataset_id))
        .offset(offset)
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def by_path(session: Session, project: str) -> dict[str, Dataset]:
    """Return the records of a project's snapshots by their paths."""
    rows = await session.execute(select(Dataset).where(col(Dataset.project) == project))
    return {row.path: row for row in rows.scalars()}


async def labelled(session: Session, project: str, lanes: Iterable[str]) -> Sequence[OutcomeRow]:
    """Return the outcomes of these lanes that have a label and their content, by item id."""
    query = (
        select(OutcomeRow)
        .where(
            col(OutcomeRow.project) == project,
            col(OutcomeRow.label).is_not(None),
            col(OutcomeRow.lane).in_(sorted(lanes)),
            col(OutcomeRow.erasure).is_(None),
        )
        .order_by(col(OutcomeRow.item_id))
    )
    return (await session.execute(query)).scalars().all()


async def held_back(session: Session, project: str) -> set[str]:
    """Return the items of open certifications, which train nothing yet."""
    query = (
        select(col(CertificationItem.item_id))
        .join(
            Certification,
            col(Certification.certification_id) == col(CertificationItem.certification_id),
        )
        .where(col(CertificationItem.project) == project, col(Certification.state) == "open")
    )
    return set((await session.execute(query)).scalars())


async def is_freezing(session: Session, project: str) -> bool:
    """Say whether a run is freezing its labels: its snapshot may not be in the store yet."""
    query = select(col(Run.run_id)).where(
        col(Run.project) == project, col(Run.state) == "running", col(Run.dataset_id).is_(None)
    )
    return (await session.execute(query.limit(1))).first() is not None
