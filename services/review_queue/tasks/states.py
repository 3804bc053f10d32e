"""The state of a task as people see it, and whether it may end by itself."""

from datetime import datetime

from services.review_queue.models import TaskRow


def state_of(task: TaskRow, now: datetime) -> str:
    """Return open, leased, resolved or erased: a lease that has expired holds nothing."""
    if task.erased_at is not None:
        return "erased"
    expired = task.state == "leased" and task.available_at <= now
    return "open" if expired else task.state


def may_expire(task: TaskRow) -> bool:
    """Say whether nobody need answer the task once it is past its due date."""
    return task.lane == "optional" and task.due_at is not None
