"""Votes, as reviewers are learned from them."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.repository.statements import table_of
from services.review_queue.tables import TaskRow, VerdictRow

_tasks = table_of(TaskRow)
_verdicts = table_of(VerdictRow)


async def newest_votes(
    session: AsyncSession, project: str, count: int
) -> list[tuple[int, str, str, str]]:
    """Return the project's newest verdicts that stand: id, task, reviewer and label."""
    statement = (
        select(
            _verdicts.c.verdict_id,
            _verdicts.c.task_id,
            _verdicts.c.reviewer,
            _verdicts.c.label,
        )
        .join(_tasks, _tasks.c.task_id == _verdicts.c.task_id)
        .where(
            _tasks.c.project == project,
            _verdicts.c.withdrawn_at.is_(None),
            _verdicts.c.label.is_not(None),
        )
        .order_by(_verdicts.c.verdict_id.desc())
        .limit(count)
    )
    rows = (await session.execute(statement)).all()
    return [(row[0] or 0, row[1], row[2], str(row[3])) for row in rows]
