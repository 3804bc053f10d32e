"""SQL of the jobs."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlmodel import col

from services.trainer.tables import Job, JobPart, rows_of
from shared.db import Session

_ACTIVE = ("queued", "running")


async def active(session: Session, project: str | None = None) -> Sequence[Job]:
    """Return the jobs that are queued or running, oldest first."""
    of_project = [] if project is None else [col(Job.project) == project]
    wanted = (col(Job.state).in_(_ACTIVE), *of_project)
    return await rows_of(session, Job, *wanted, order=[col(Job.job_id)])


async def find(session: Session, project: str, job_id: str) -> Job | None:
    """Return a job of the project."""
    query = select(Job).where(col(Job.project) == project, col(Job.job_id) == job_id)
    return (await session.execute(query)).scalars().one_or_none()


async def lock(session: Session, job_id: str) -> Job | None:
    """Return a job, which nothing else changes until the transaction ends."""
    query = select(Job).where(col(Job.job_id) == job_id).with_for_update()
    return (await session.execute(query)).scalars().one_or_none()


async def parts(session: Session, job_id: str) -> Sequence[str]:
    """Return the paths of a job's result, in order."""
    query = select(col(JobPart.path)).where(col(JobPart.job_id) == job_id)
    return (await session.execute(query.order_by(col(JobPart.number)))).scalars().all()


async def ended_before(session: Session, project: str, moment: datetime) -> Sequence[str]:
    """Return the jobs that ended before a moment."""
    query = select(col(Job.job_id)).where(
        col(Job.project) == project, col(Job.finished_at) < moment
    )
    return (await session.execute(query)).scalars().all()


async def read_sources(session: Session) -> list[tuple[str, str, str]]:
    """Return project, job and path of the files whose jobs own them, and have ended."""
    query = select(col(Job.project), col(Job.job_id), col(Job.source)).where(
        col(Job.owns_source), col(Job.state).not_in(_ACTIVE)
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


async def forget_source(session: Session, job_id: str) -> None:
    """Note that a job's file was deleted."""
    await session.execute(
        update(Job).where(col(Job.job_id) == job_id).values(owns_source=False, source="")
    )


async def projects(session: Session) -> set[str]:
    """Return the projects that have jobs."""
    return set((await session.execute(select(col(Job.project)).distinct())).scalars())


async def known(session: Session, project: str) -> set[str]:
    """Return the ids of all jobs of the project."""
    query = select(col(Job.job_id)).where(col(Job.project) == project)
    return set((await session.execute(query)).scalars())


async def forget(session: Session, job_ids: Iterable[str]) -> None:
    """Delete jobs and the lists of their files."""
    ids = list(job_ids)
    await session.execute(delete(JobPart).where(col(JobPart.job_id).in_(ids)))
    await session.execute(delete(Job).where(col(Job.job_id).in_(ids)))
