"""Every statement about feedback."""

from collections.abc import Collection

from sqlalchemy import select

from services.review_queue.tables import TASKS
from services.review_queue.tables.people import FEEDBACK, FeedbackRow
from shared.db import Session


async def page(
    session: Session, project: str, *, before: int | None, answered: bool | None, limit: int
) -> list[FeedbackRow]:
    """Return a project's feedback, newest first, from the one before `before` on."""
    statement = select(FeedbackRow).where(FEEDBACK.c.project == project)
    if before is not None:
        statement = statement.where(FEEDBACK.c.feedback_id < before)
    if answered is not None:
        given = FEEDBACK.c.answer
        statement = statement.where(given.is_not(None) if answered else given.is_(None))
    newest = statement.order_by(FEEDBACK.c.feedback_id.desc()).limit(limit)
    return list((await session.execute(newest)).scalars())


async def newest_of(session: Session, project: str, author: str) -> FeedbackRow | None:
    """Return the author's newest remark in the project."""
    statement = (
        select(FeedbackRow)
        .where(FEEDBACK.c.project == project, FEEDBACK.c.author == author)
        .order_by(FEEDBACK.c.feedback_id.desc())
        .limit(1)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def task_of(session: Session, project: str, feedback_id: int) -> str | None:
    """Return the task that a remark in a project is about, if any."""
    statement = select(FEEDBACK.c.task_id).where(
        FEEDBACK.c.feedback_id == feedback_id, FEEDBACK.c.project == project
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def item_ids(session: Session, task_ids: Collection[str]) -> dict[str, str]:
    """Return the ids of the items that tasks ask about, by task."""
    statement = select(TASKS.c.task_id, TASKS.c.item_id)
    found = await session.execute(statement.where(TASKS.c.task_id.in_(task_ids)))
    return {row.task_id: row.item_id for row in found}
