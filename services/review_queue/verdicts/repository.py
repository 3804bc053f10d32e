"""Every statement about verdicts."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.review_queue.models import LeaseRow, VerdictRow


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


async def all_blind(session: AsyncSession, task_id: str) -> bool:
    """Say whether all whose answers stand had seen no suggestion."""
    statement = select(col(VerdictRow.verdict_id)).where(
        col(VerdictRow.task_id) == task_id,
        col(VerdictRow.withdrawn_at).is_(None),
        col(VerdictRow.blind).is_(False),
    )
    return (await session.execute(statement.limit(1))).first() is None
