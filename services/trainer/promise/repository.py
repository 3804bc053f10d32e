"""SQL of certifications and the items drawn for them."""

from collections.abc import Mapping, Sequence

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.trainer.models import Certification, CertificationItem, OutcomeRow

PENDING = ("waiting", "open")


async def unposted(
    session: AsyncSession, project: str, limit: int
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


async def mark_posted(
    session: AsyncSession, items: Sequence[CertificationItem], refused: Mapping[str, str]
) -> None:
    """Record which drawn items the review queue acknowledged, and which it refused."""
    for item in items:
        await session.execute(
            update(CertificationItem)
            .where(
                col(CertificationItem.certification_id) == item.certification_id,
                col(CertificationItem.item_id) == item.item_id,
            )
            .values(posted=True, refused=refused.get(item.item_id))
        )


async def post_again(session: AsyncSession, project: str) -> None:
    """Let the tasks of open certifications that have no outcome be posted once more."""
    answered = exists().where(
        col(OutcomeRow.project) == col(CertificationItem.project),
        col(OutcomeRow.item_id) == col(CertificationItem.item_id),
    )
    await session.execute(
        update(CertificationItem)
        .where(
            col(CertificationItem.project) == project,
            col(CertificationItem.refused).is_(None),
            ~answered,
        )
        .values(posted=False)
    )


async def pending(session: AsyncSession, project: str) -> Certification | None:
    """Return the certification that waits for a population or for verdicts."""
    query = (
        select(Certification)
        .where(col(Certification.project) == project, col(Certification.state).in_(PENDING))
        .order_by(col(Certification.certification_id).desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def is_open(session: AsyncSession, project: str) -> bool:
    """Say whether a certification waits for verdicts."""
    query = select(func.count()).where(
        col(Certification.project) == project, col(Certification.state) == "open"
    )
    return bool((await session.execute(query)).scalar_one())


async def newest(session: AsyncSession, project: str) -> Certification | None:
    """Return the attempt that was made last."""
    query = (
        select(Certification)
        .where(col(Certification.project) == project)
        .order_by(col(Certification.certification_id).desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def reread(session: AsyncSession, certification_id: str) -> Certification:
    """Return an attempt as this transaction sees it."""
    query = select(Certification).where(col(Certification.certification_id) == certification_id)
    return (await session.execute(query)).scalar_one()


async def cancel_waiting(session: AsyncSession, project: str, detail: str) -> None:
    """Cancel what waits for a population: a newer version takes its place."""
    await session.execute(
        update(Certification)
        .where(col(Certification.project) == project, col(Certification.state) == "waiting")
        .values(state="cancelled", detail=detail)
    )


async def cancel_of_version(session: AsyncSession, project: str, version: str) -> None:
    """Cancel the pending certification of a version that is retired."""
    await session.execute(
        update(Certification)
        .where(
            col(Certification.project) == project,
            col(Certification.version) == version,
            col(Certification.state).in_(PENDING),
        )
        .values(state="cancelled", detail="the version is retired")
    )


async def items(session: AsyncSession, certification_id: str) -> Sequence[CertificationItem]:
    """Return the items of an attempt in the order of the draw."""
    query = (
        select(CertificationItem)
        .where(col(CertificationItem.certification_id) == certification_id)
        .order_by(col(CertificationItem.position))
    )
    return (await session.execute(query)).scalars().all()


async def progress(session: AsyncSession, certification_id: str) -> tuple[int, int]:
    """Return how many of an attempt's items are settled, and how many were drawn."""
    settled = or_(col(OutcomeRow.item_id).is_not(None), col(CertificationItem.refused).is_not(None))
    query = (
        select(func.count(), func.count().filter(settled))
        .select_from(CertificationItem)
        .outerjoin(
            OutcomeRow,
            (col(OutcomeRow.project) == col(CertificationItem.project))
            & (col(OutcomeRow.item_id) == col(CertificationItem.item_id)),
        )
        .where(col(CertificationItem.certification_id) == certification_id)
    )
    drawn, answered = (await session.execute(query)).one()
    return int(answered), int(drawn)


async def drawn_before(session: AsyncSession, project: str) -> set[str]:
    """Return every item that was ever drawn for a certification: none is drawn twice."""
    query = select(col(CertificationItem.item_id)).where(col(CertificationItem.project) == project)
    return set((await session.execute(query)).scalars())


async def held_back(session: AsyncSession, project: str) -> set[str]:
    """Return the items of open certifications: nobody trains on them yet."""
    query = (
        select(col(CertificationItem.item_id))
        .join(
            Certification,
            col(Certification.certification_id) == col(CertificationItem.certification_id),
        )
        .where(col(CertificationItem.project) == project, col(Certification.state) == "open")
    )
    return set((await session.execute(query)).scalars())
