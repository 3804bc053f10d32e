"""The state of a task as people see it, whether it may end by itself, and whether it may stand."""

from datetime import datetime

from services.review_queue.tables import TaskRow
from shared.contracts.projects import Project


def state_of(task: TaskRow, now: datetime) -> str:
    """Return open, leased, resolved or erased: a lease that has expired holds nothing."""
    if task.erased_at is not None:
        return "erased"
    expired = task.state == "leased" and task.available_at <= now
    return "open" if expired else task.state


def may_expire(task: TaskRow) -> bool:
    """Say whether nobody need answer the task once it is past its due date."""
    return task.lane == "optional" and task.due_at is not None


def label_is_gone(task: TaskRow, project: Project) -> bool:
    """Say whether people answered with a label that the project no longer has."""
    return task.label is not None and task.label not in project.labels
