"""SQL of certifications and the items drawn for them."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlmodel import col

from services.trainer.tables import Certification, CertificationItem, OutcomeRow
from shared.db import Session


async def newest(
    session: Session, project: str, *, is_pending: bool = False
) -> Certification | None:
    """Return the last attempt; with `is_pending`, the last that waits for items or verdicts."""
    query = select(Certification).where(col(Certification.project) == project)
    if is_pending:
        query = query.where(col(Certification.state).in_(("waiting", "open")))
    query = query.order_by(col(Certification.certification_id).desc()).limit(1)
    return (await session.execute(query)).scalar_one_or_none()


async def items(session: Session, certification_id: str) -> Sequence[CertificationItem]:
    """Return the items of an attempt in the order of the draw."""
    query = (
        select(CertificationItem)
        .where(col(CertificationItem.certification_id) == certification_id)
        .order_by(col(CertificationItem.position))
    )
    return (await session.execute(query)).scalars().all()


async def progress(session: Session, certification_id: str) -> tuple[int, int]:
    """Return how many of an attempt's items are settled, and how many were drawn."""
    judged = func.coalesce(col(CertificationItem.copy_of), col(CertificationItem.item_id))
    settled = or_(col(OutcomeRow.item_id).is_not(None), col(CertificationItem.refused).is_not(None))
    query = (
        select(func.count(), func.count().filter(settled))
        .select_from(CertificationItem)
        .outerjoin(
            OutcomeRow,
            (col(OutcomeRow.project) == col(CertificationItem.project))
            & (col(OutcomeRow.item_id) == judged),
        )
        .where(col(CertificationItem.certification_id) == certification_id)
    )
    drawn, answered = (await session.execute(query)).one()
    return int(answered), int(drawn)


async def drawn_before(session: Session, project: str) -> set[str]:
    """Return every item that was ever drawn for a certification: none is drawn twice."""
    query = select(col(CertificationItem.item_id)).where(col(CertificationItem.project) == project)
    return set((await session.execute(query)).scalars())
