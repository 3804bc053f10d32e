"""Items in one line each, for lists that name tasks."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from services.console.web.cards import card
from services.console.web.project_pages import get
from services.console.web.visit import Form, Visit
from services.console.web.words import plain

_CHARACTERS = 200


async def summaries(visit: Visit, project: str, task_ids: Iterable[str]) -> dict[str, str]:
    """Return each task's item in one line; empty where the review queue does not say it."""
    ids = list(task_ids)
    tasks = await asyncio.gather(
        *(card(get(visit, "review_queue", project, f"tasks/{one}")) for one in ids)
    )
    return {
        task_id: one_line(task.value["data"] or {}) if task else ""
        for task_id, task in zip(ids, tasks, strict=True)
    }


def task_path(form: Form) -> str:
    """Return the path of the task that a form names."""
    return f"tasks/{quote(form.text('task'), safe='')}"


def one_line(data: Mapping[str, Any]) -> str:
    """Return an item's fields in one line.

    Examples
    --------
    >>> one_line({"text": "Arrived\\n broken", "stars": 1.0})
    'Arrived broken · 1'
    """
    # A picture in base64 is cut here, before all of it is looked at.
    parts = (" ".join(plain(value)[: 2 * _CHARACTERS].split()) for value in data.values())
    return " · ".join(part for part in parts if part)[:_CHARACTERS]
