"""SQL of the tasks that the review queue has not acknowledged yet."""

from collections.abc import Sequence

from sqlalchemy import and_, exists, select, update
from sqlmodel import col

from services.trainer.tables import Certification, CertificationItem, OutcomeRow, PoolItem
from shared.db import Session


async def unposted_pool_items(session: Session, project: str, limit: int) -> Sequence[PoolItem]:
    """Return asked items whose tasks the review queue has not acknowledged."""
    query = (
        select(PoolItem)
        .where(
            col(PoolItem.project) == project,
            col(PoolItem.state) == "asked",
            col(PoolItem.posted).is_(False),
        )
        .order_by(col(PoolItem.order_key))
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def unposted_drawn_items(
    session: Session, project: str, limit: int
) -> Sequence[tuple[CertificationItem, str]]:
    """Return drawn items, each with its version, whose tasks are not acknowledged yet."""
    query = (
        select(CertificationItem, col(Certification.version))
        .join(
            Certification,
            col(Certification.certification_id) == col(CertificationItem.certification_id),
        )
        .where(
            col(CertificationItem.project) == project,
            col(CertificationItem.posted).is_(False),
            col(Certification.state) == "open",
        )
        .order_by(col(CertificationItem.position))
        .limit(limit)
    )
    return [(item, version) for item, version in await session.execute(query)]


async def post_unanswered_again(session: Session, project: str) -> None:
    """Let all tasks be posted once more that have no outcome."""
    for table, may_be_asked in (
        (PoolItem, col(PoolItem.state) == "asked"),
        (
            CertificationItem,
            and_(
                col(CertificationItem.refused).is_(None), col(CertificationItem.copy_of).is_(None)
            ),
        ),
    ):
        answered = exists().where(
            col(OutcomeRow.project) == col(table.project),
            col(OutcomeRow.item_id) == col(table.item_id),
        )
        await session.execute(
            update(table)
            .where(col(table.project) == project, may_be_asked, ~answered)
            .values(posted=False)
        )


async def refuse_copies(session: Session, item: CertificationItem) -> None:
    """Let a refusal of an item's task stand for its copies, whose verdict it was to give."""
    await session.execute(
        update(CertificationItem)
        .where(
            col(CertificationItem.certification_id) == item.certification_id,
            col(CertificationItem.copy_of) == item.item_id,
        )
        .values(refused=item.refused)
    )
