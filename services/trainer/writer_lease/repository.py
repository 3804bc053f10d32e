"""SQL of the leases."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlmodel import col

from services.trainer.tables import ProjectLease
from shared.db import Session


async def lock(session: Session, project: str) -> ProjectLease | None:
    """Return a project's lease, locked until the transaction ends."""
    query = select(ProjectLease).where(col(ProjectLease.project) == project).with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def extend(session: Session, owner: str, moment: datetime) -> dict[str, int]:
    """Let all leases of `owner` last until `moment`; return their fencing numbers by project."""
    statement = (
        update(ProjectLease)
        .where(col(ProjectLease.owner) == owner)
        .values(expires_at=moment)
        .returning(col(ProjectLease.project), col(ProjectLease.fencing))
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def owners(session: Session) -> set[str]:
    """Return the owners of all leases."""
    return set((await session.execute(select(col(ProjectLease.owner)).distinct())).scalars())


async def free(
    session: Session, gone: Collection[str], now: datetime, latest: datetime
) -> set[str]:
    """Return the projects whose owner is `gone`, or whose lease ended by `now` or too late."""
    ends = col(ProjectLease.expires_at)
    is_free = or_(ends <= now, ends > latest, col(ProjectLease.owner).in_(gone))
    return set((await session.execute(select(col(ProjectLease.project)).where(is_free))).scalars())


async def release(session: Session, owner: str, moment: datetime) -> None:
    """Let all leases of `owner` end at `moment`."""
    await session.execute(
        update(ProjectLease).where(col(ProjectLease.owner) == owner).values(expires_at=moment)
    )
