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


def leave_channels(state: ProjectState, version: str) -> None:
    """Let `version` be neither challenger nor shadow any more."""
    if state.challenger == version:
        state.challenger, state.challenger_share = None, 0.0
    state.shadow = [name for name in state.shadow if name != version]


def make_challenger(state: ProjectState, version: str, share: float) -> None:
    """Give `version` a share of the traffic; the challenger until then has none any more."""
    leave_channels(state, version)
    state.challenger, state.challenger_share = version, share


def make_shadow(state: ProjectState, version: str) -> None:
    """Let `version` be scored beside the answers, and no more."""
    leave_channels(state, version)
    state.shadow = [*state.shadow, version]


def make_champion(state: ProjectState, version: str, moment: datetime) -> None:
    """Let `version` serve from `moment` on; the champion until then becomes the previous one."""
    leave_channels(state, version)
    state.previous, state.champion = state.champion, version
    event = {"champion": version, "live_at": rfc3339(moment)}
    state.history = [*state.history, event][-_HISTORY_KEPT:]
