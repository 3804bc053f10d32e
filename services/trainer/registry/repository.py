"""SQL of the versions, and the moves of the champion."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.trainer.models import ProjectState, Version
from shared.contracts.base import rfc3339

_HISTORY_KEPT = 100


async def find(session: AsyncSession, project: str, version: str | None) -> Version | None:
    """Return one version of a project."""
    return None if version is None else await session.get(Version, (project, version))


async def page(
    session: AsyncSession, project: str, before: int | None, limit: int
) -> Sequence[Version]:
    """Return versions, newest first, with a number below `before`."""
    query = select(Version).where(col(Version.project) == project)
    if before is not None:
        query = query.where(col(Version.number) < before)
    query = query.order_by(col(Version.number).desc()).limit(limit)
    return (await session.execute(query)).scalars().all()


async def in_service(session: AsyncSession, project: str) -> Sequence[Version]:
    """Return the versions that are not retired, oldest first."""
    query = (
        select(Version)
        .where(col(Version.project) == project, col(Version.retired).is_(False))
        .order_by(col(Version.number))
    )
    return (await session.execute(query)).scalars().all()


def make_champion(state: ProjectState, version: str, moment: datetime) -> None:
    """Let `version` serve from `moment` on; the champion until then becomes the previous one."""
    state.previous, state.champion = state.champion, version
    event = {"champion": version, "live_at": rfc3339(moment)}
    state.history = [*state.history, event][-_HISTORY_KEPT:]
