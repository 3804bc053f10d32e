"""SQL of certifications and the items drawn for them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Subquery, and_, case, func, or_, select
from sqlmodel import col

from services.trainer.outcomes.repository import confirmed
from services.trainer.tables import Certification, CertificationItem, LedgerRow, OutcomeRow
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


@dataclass(frozen=True)
class AuditCounts:
    """How many answers of one version were audited, judged by people, and found wrong."""

    version: str
    audited: int
    resolved: int
    errors: int


async def audit_counts(session: Session, project: str) -> list[AuditCounts]:
    """Count the audited answers of each version that has any, each item's data once a version.

    An answer that people could not judge counts as wrong: silence is no evidence for it. So does
    one that they first judged otherwise, or with the model's word in sight, and one whose item has
    an outcome for other data: the id was used twice, and people are not asked about the second.
    """
    first = _first_audited(project)
    judged = col(OutcomeRow.item_id).is_not(None)
    same_data = col(OutcomeRow.content_hash) == col(LedgerRow.content_hash)
    right = and_(same_data, confirmed(col(LedgerRow.label)))
    version = func.coalesce(col(LedgerRow.model_version), "")
    statement = (
        select(
            version,
            func.count(),
            func.sum(case((judged, 1), else_=0)),
            func.sum(case((right, 0), (judged, 1), else_=0)),
        )
        .select_from(LedgerRow)
        .join(first, first.c.id == col(LedgerRow.id))
        .outerjoin(
            OutcomeRow,
            and_(
                col(OutcomeRow.project) == project,
                col(OutcomeRow.item_id) == col(LedgerRow.item_id),
            ),
        )
        .group_by(version)
        .order_by(version)
    )
    return [AuditCounts(*row) for row in (await session.execute(statement)).all()]


def _first_audited(project: str) -> Subquery:
    """Ids of the first audited answer of each version to each item's data."""
    return (
        select(func.min(col(LedgerRow.id)).label("id"))
        .where(
            col(LedgerRow.project) == project,
            col(LedgerRow.audited).is_(True),
            col(LedgerRow.decision) == "answered",
        )
        .group_by(col(LedgerRow.model_version), col(LedgerRow.item_id), col(LedgerRow.content_hash))
        .subquery()
    )
