"""Which reviewers' tags cover what a task needs, as a condition of other statements.

Claims have it in SQL of their own (`claiming`).
"""

from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select

from services.review_queue.tables import TASKS
from services.review_queue.tables.people import TAGS


def covers(reviewer: ColumnElement[Any] | str) -> ColumnElement[bool]:
    """Say whether the reviewer may get the task of the statement."""
    tagged = exists().where(
        TAGS.c.project == TASKS.c.project,
        TAGS.c.reviewer == reviewer,
        TAGS.c.needs == TASKS.c.needs,
    )
    return or_(TASKS.c.needs == "", tagged)


def covers_task(reviewer: ColumnElement[Any], task_id: str) -> ColumnElement[bool]:
    """Say whether the reviewer may get this task."""
    asked = TASKS.alias("asked")
    needs = select(asked.c.needs).where(asked.c.task_id == task_id).scalar_subquery()
    project = select(asked.c.project).where(asked.c.task_id == task_id).scalar_subquery()
    tagged = exists().where(
        TAGS.c.project == project, TAGS.c.reviewer == reviewer, TAGS.c.needs == needs
    )
    return or_(needs == "", tagged)
