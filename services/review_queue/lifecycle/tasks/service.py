"""Tasks as use cases: list, show, depth."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.review_queue.lifecycle.problems import ItemErased
from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.states import Task, state_of
from services.review_queue.lifecycle.tasks import repository
from services.review_queue.lifecycle.tasks.messages import (
    LaneDepth,
    QueueDepth,
    TaskDetail,
    TaskList,
    TaskSummary,
    TimelineEntry,
)
from services.review_queue.lifecycle.tasks.repository import TaskFilter
from services.review_queue.projects.service import current_project
from services.review_queue.tables import TaskRow
from shared.contracts.base import from_stored
from shared.db import Database, Session
from shared.http.lists import encode_cursor
from shared.problems import NotFound


def as_task_id(text: str) -> str | None:
    """Return `text` as a task id; None when it is none."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


async def locked_task(session: Session, project: str, task_id: str) -> Task:
    """Return a task of `project`, kept from all other writers.

    Raises
    ------
    NotFound
        There is none.
    ItemErased
        There was one.
    """
    known = as_task_id(task_id)
    found = await reading.tasks(session, [] if known is None else [known], lock=True)
    task = found.get(known or "")
    if task is None or task.project != project:
        raise _no_task(project)
    if task.erased_at is not None:
        raise ItemErased(task.item_id, task.erased_at)
    return task


def _no_task(project: str) -> NotFound:
    return NotFound("There is no such task in this project.", project=project)


@dataclass(frozen=True)
class TaskService:
    """What operators see of tasks."""

    database: Database
    now: Callable[[], datetime]

    async def page(
        self, project: str, wanted: TaskFilter, *, after: tuple[datetime, str] | None, limit: int
    ) -> TaskList:
        """Return tasks, oldest first, from the one behind `after` on."""
        now = self.now()
        async with self.database.reading() as session:
            await current_project(session, project)
            rows = await repository.page(
                session, project, wanted, now=now, after=after, limit=limit + 1
            )
        cursor = None
        if len(rows) > limit:
            last = rows[limit - 1]
            cursor = encode_cursor(f"{last.created_at.isoformat()} {last.task_id}")
        summaries = [from_stored(TaskSummary, _summary(row, now)) for row in rows[:limit]]
        return TaskList(tasks=summaries, cursor=cursor)

    async def show(self, project: str, task_id: str) -> TaskDetail:
        """Return one task with its timeline; `NotFound` when there is none."""
        now = self.now()
        async with self.database.reading() as session:
            known = as_task_id(task_id)
            task = None if known is None else await repository.find(session, known)
            if task is None or task.project != project:
                raise _no_task(project)
            events = await repository.timeline(session, task.task_id)
        leased = state_of(task, now) == "leased"
        return from_stored(
            TaskDetail,
            {
                **_summary(task, now),
                "data": task.data,
                "metadata": task.item_metadata,
                "prediction": task.prediction,
                "revision": task.revision,
                "skips": task.skips,
                "adjudication": task.adjudication,
                "holder": task.holder if leased else None,
                "lease_expires_at": task.available_at if leased else None,
                "trace": task.trace,
                "timeline": [
                    TimelineEntry(kind=line.kind, actor=line.actor, at=line.at, detail=line.detail)  # type: ignore[arg-type]
                    for line in events
                ],
            },
        )

    async def depth(self, project: str) -> QueueDepth:
        """Return what waits in each lane."""
        now = self.now()
        async with self.database.reading() as session:
            await current_project(session, project)
            rows = await repository.depth(session, project, now)
            disputed = await repository.disputed(session, project)
        lanes = [
            LaneDepth(
                lane=lane,
                open=waiting,
                leased=leased,
                oldest_seconds=max(0.0, (now - oldest).total_seconds()),
            )
            for lane, waiting, leased, oldest in rows
        ]
        return QueueDepth(
            lanes=lanes,
            open=sum(lane.open for lane in lanes),
            leased=sum(lane.leased for lane in lanes),
            adjudication=disputed,
        )


def _summary(row: TaskRow, now: datetime) -> dict[str, Any]:
    return {
        "task_id": row.task_id,
        "item_id": row.item_id,
        "lane": row.lane,
        "state": state_of(row, now),
        "label": row.label,
        "source": row.source,
        "due_at": row.due_at,
        "created_at": row.created_at,
        "resolved_at": row.resolved_at,
    }
