"""SQL of the versions that the documents name."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col

from services.trainer.tables import Version
from shared.db import Session


async def in_service(session: Session, project: str | None = None) -> Sequence[Version]:
    """Return the versions of a project, None for all, that are not retired, oldest first."""
    query = select(Version).where(col(Version.retired).is_(False)).order_by(col(Version.number))
    if project is not None:
        query = query.where(col(Version.project) == project)
    return (await session.execute(query)).scalars().all()
