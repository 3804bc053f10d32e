"""SQL of the leases."""

from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import col

from services.trainer.tables import ProjectLease, insert_new
from shared.db import Session


async def read(session: Session, project: str) -> ProjectLease | None:
    """Return a project's lease as it is."""
    return await session.get(ProjectLease, project)


async def lock(session: Session, project: str) -> ProjectLease | None:
    """Return a project's lease, locked until the transaction ends."""
    query = select(ProjectLease).where(col(ProjectLease.project) == project).with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def add(session: Session, lease: ProjectLease) -> bool:
    """Make a project's first lease; False when another trainer was here first."""
    return await insert_new(session, ProjectLease, [lease.model_dump()]) == 1


async def release(session: Session, owner: str, moment: datetime) -> None:
    """Let all leases of `owner` end at `moment`."""
    await session.execute(
        update(ProjectLease).where(col(ProjectLease.owner) == owner).values(expires_at=moment)
    )
