"""Every statement about verdicts."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.review_queue.tables import LeaseRow, TaskRow, VerdictRow

# Answers of all projects that are looked through for people of one.
_LATELY_READ = 1_000


async def of_lease(session: AsyncSession, lease: LeaseRow) -> VerdictRow | None:
    """Return what was answered under a lease and not taken back."""
    statement = select(VerdictRow).where(
        col(VerdictRow.task_id) == lease.task_id,
        col(VerdictRow.token) == lease.token,
        col(VerdictRow.withdrawn_at).is_(None),
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def votes(session: AsyncSession, task_id: str) -> list[VerdictRow]:
    """Return the task's verdicts that stand, oldest first, without its skips."""
    statement = (
        select(VerdictRow)
        .where(
            col(VerdictRow.task_id) == task_id,
            col(VerdictRow.withdrawn_at).is_(None),
            col(VerdictRow.skipped).is_(False),
        )
        .order_by(col(VerdictRow.verdict_id))
    )
    return list((await session.execute(statement)).scalars())


async def is_anybody_else(session: AsyncSession, task: TaskRow, since: datetime) -> bool:
    """Say whether somebody who could still answer the task has answered in its project lately."""
    newest = (
        select(col(VerdictRow.task_id), col(VerdictRow.reviewer))
        .where(col(VerdictRow.given_at) >= since)
        .order_by(col(VerdictRow.verdict_id).desc())
        .limit(_LATELY_READ)
        .subquery()
    )
    have_answered = select(col(VerdictRow.reviewer)).where(
        col(VerdictRow.task_id) == task.task_id, col(VerdictRow.withdrawn_at).is_(None)
    )
    statement = (
        select(newest.c.reviewer)
        .join(TaskRow, col(TaskRow.task_id) == newest.c.task_id)
        .where(col(TaskRow.project) == task.project, newest.c.reviewer.not_in(have_answered))
    )
    return (await session.execute(statement.limit(1))).first() is not None


async def newest_votes(
    session: AsyncSession, project: str, count: int
) -> list[tuple[int, str, str, str]]:
    """Return the project's newest verdicts that stand: id, task, reviewer and label."""
    statement = (
        select(
            col(VerdictRow.verdict_id),
            col(VerdictRow.task_id),
            col(VerdictRow.reviewer),
            col(VerdictRow.label),
        )
        .join(TaskRow, col(TaskRow.task_id) == col(VerdictRow.task_id))
        .where(
            col(TaskRow.project) == project,
            col(VerdictRow.withdrawn_at).is_(None),
            col(VerdictRow.label).is_not(None),
        )
        .order_by(col(VerdictRow.verdict_id).desc())
        .limit(count)
    )
    rows = (await session.execute(statement)).all()
    return [(row[0] or 0, row[1], row[2], str(row[3])) for row in rows]


async def all_blind(session: AsyncSession, task_id: str) -> bool:
    """Say whether all whose answers stand had seen no suggestion."""
    statement = select(col(VerdictRow.verdict_id)).where(
        col(VerdictRow.task_id) == task_id,
        col(VerdictRow.withdrawn_at).is_(None),
        col(VerdictRow.blind).is_(False),
    )
    return (await session.execute(statement.limit(1))).first() is None
