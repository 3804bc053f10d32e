"""Which reviewers' tags cover what a task needs, as a condition of other statements.

Claims have it in SQL of their own (`claiming`).
"""

from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select

from services.review_queue.repository.statements import table_of
from services.review_queue.tables import TaskRow
from services.review_queue.tables.people import ReviewerTagsRow

_tasks = table_of(TaskRow)
_tags = table_of(ReviewerTagsRow)


def covers(reviewer: ColumnElement[Any] | str) -> ColumnElement[bool]:
    """Say whether the reviewer may get the task of the statement."""
    tagged = exists().where(
        _tags.c.project == _tasks.c.project,
        _tags.c.reviewer == reviewer,
        _tags.c.needs == _tasks.c.needs,
    )
    return or_(_tasks.c.needs == "", tagged)


def covers_task(reviewer: ColumnElement[Any], task_id: str) -> ColumnElement[bool]:
    """Say whether the reviewer may get this task."""
    asked = _tasks.alias("asked")
    needs = select(asked.c.needs).where(asked.c.task_id == task_id).scalar_subquery()
    project = select(asked.c.project).where(asked.c.task_id == task_id).scalar_subquery()
    tagged = exists().where(
        _tags.c.project == project, _tags.c.reviewer == reviewer, _tags.c.needs == needs
    )
    return or_(needs == "", tagged)
