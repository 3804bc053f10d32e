"""Lines of a task's timeline."""

from datetime import datetime
from typing import Any

from services.review_queue.lifecycle.tasks.messages import EventKind


def event(
    task_id: str,
    kind: EventKind,
    actor: str | None,
    at: datetime,
    detail: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a line as `tasks.repository.add_events` writes it."""
    return {
        "task_id": task_id,
        "kind": kind,
        "actor": actor,
        "at": at,
        "detail": detail or {},
    }
