"""SQL of the versions that the documents name."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col

from services.trainer.tables import Version
from shared.db import Session


async def all_in_service(session: Session) -> dict[str, list[Version]]:
    """Return the versions of all projects that are not retired, oldest first, by project."""
    query = select(Version).where(col(Version.retired).is_(False)).order_by(col(Version.number))
    found: dict[str, list[Version]] = defaultdict(list)
    for version in (await session.execute(query)).scalars():
        found[version.project].append(version)
    return found


async def in_service(session: Session, project: str) -> Sequence[Version]:
    """Return the versions that are not retired, oldest first."""
    query = (
        select(Version)
        .where(col(Version.project) == project, col(Version.retired).is_(False))
        .order_by(col(Version.number))
    )
    return (await session.execute(query)).scalars().all()
