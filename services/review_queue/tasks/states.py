"""The state of a task as people see it."""

from datetime import datetime

from services.review_queue.models import TaskRow


def state_of(task: TaskRow, now: datetime) -> str:
    """Return open, leased, resolved or erased: a lease that has expired holds nothing."""
    if task.erased_at is not None:
        return "erased"
    expired = task.state == "leased" and task.available_at <= now
    return "open" if expired else task.state
