"""Which reviewers' tags cover what a task needs, as a condition of other statements.

Claims have it in SQL of their own (`claiming`).
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, exists, or_

from services.review_queue.tables import TASKS
from services.review_queue.tables.people import TAGS


def covers(reviewer: ColumnElement[Any] | str, task: FromClause = TASKS) -> ColumnElement[bool]:
    """Say whether the reviewer may get the task of the statement."""
    tagged = exists().where(
        TAGS.c.project == task.c.project,
        TAGS.c.reviewer == reviewer,
        TAGS.c.needs == task.c.needs,
    )
    return or_(task.c.needs == "", tagged)
