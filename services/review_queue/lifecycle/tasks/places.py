"""Places in lists of tasks, which are in order of creation: as cursors, and back."""

from datetime import datetime

from services.review_queue.lifecycle.tasks.service import as_task_id
from services.review_queue.tables import TaskRow
from shared.http.lists import decode_cursor, encode_cursor
from shared.problems import Unprocessable

Place = tuple[datetime, str]


def cursor_of(task: TaskRow) -> str:
    """Return the cursor of the page behind `task`."""
    return encode_cursor(f"{task.created_at.isoformat()} {task.task_id}")


def place_of(cursor: str | None) -> Place | None:
    """Return the place that `cursor` names; `Unprocessable` when it is none of such a list."""
    text = decode_cursor(cursor)
    if text is None:
        return None
    moment, _, task_id = text.partition(" ")
    try:
        created_at = datetime.fromisoformat(moment)
    except ValueError:
        created_at = None
    known = as_task_id(task_id)
    if created_at is None or created_at.tzinfo is None or known is None:
        raise Unprocessable([("/query/after", "is not a cursor of this list")])
    return created_at, known
