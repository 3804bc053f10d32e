"""SQL of the runs."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.trainer.models import Run

ACTIVE = ("queued", "running")


async def active(session: AsyncSession, project: str) -> Run | None:
    """Return the project's run that is queued or running."""
    query = select(Run).where(col(Run.project) == project, col(Run.state).in_(ACTIVE)).limit(1)
    return (await session.execute(query)).scalar_one_or_none()


async def find(session: AsyncSession, project: str, run_id: str) -> Run | None:
    """Return one run of a project."""
    query = select(Run).where(col(Run.project) == project, col(Run.run_id) == run_id)
    return (await session.execute(query)).scalar_one_or_none()


async def page(
    session: AsyncSession, project: str, before: str | None, limit: int
) -> Sequence[Run]:
    """Return runs, newest first, older than run `before`."""
    query = select(Run).where(col(Run.project) == project)
    if before is not None:
        query = query.where(col(Run.run_id) < before)
    query = query.order_by(col(Run.run_id).desc()).limit(limit)
    return (await session.execute(query)).scalars().all()


async def running_of(session: AsyncSession, project: str) -> Sequence[Run]:
    """Return the runs of a project that are recorded as running."""
    query = select(Run).where(col(Run.project) == project, col(Run.state) == "running")
    return (await session.execute(query)).scalars().all()


async def running(session: AsyncSession) -> set[str]:
    """Return the ids of the runs of all projects that go on."""
    query = select(col(Run.run_id)).where(col(Run.state) == "running")
    return set((await session.execute(query)).scalars())


async def count_by_state(session: AsyncSession, project: str) -> dict[str, int]:
    """Return how many runs the project has in each state that occurs."""
    query = (
        select(col(Run.state), func.count())
        .where(col(Run.project) == project)
        .group_by(col(Run.state))
    )
    rows = (await session.execute(query)).all()
    return {row[0]: row[1] for row in rows}


async def is_freezing(session: AsyncSession, project: str) -> bool:
    """Say whether a run goes on whose snapshot may not be in the store yet."""
    query = select(col(Run.run_id)).where(
        col(Run.project) == project, col(Run.state) == "running", col(Run.dataset_id).is_(None)
    )
    return (await session.execute(query.limit(1))).first() is not None


async def beat(
    session: AsyncSession, run_id: str, moment: datetime, progress: float, log: str
) -> bool:
    """Record that a run lives and how far it is; say whether it is to be cancelled."""
    query = (
        update(Run)
        .where(col(Run.run_id) == run_id)
        .values(heartbeat_at=moment, progress=progress, log=log)
        .returning(col(Run.cancel_requested))
    )
    return bool((await session.execute(query)).scalar_one())


async def count_interrupted(session: AsyncSession, project: str, dataset_id: str) -> int:
    """Count the interrupted runs that were to train on one dataset."""
    query = select(func.count()).where(
        col(Run.project) == project,
        col(Run.dataset_id) == dataset_id,
        col(Run.mode) != "upload",
        col(Run.detail) == INTERRUPTED,
    )
    return int((await session.execute(query)).scalar_one())


INTERRUPTED = "interrupted: start it again"
