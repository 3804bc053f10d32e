"""Tasks as use cases: list, show, depth."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.review_queue.lifecycle import messages
from services.review_queue.lifecycle.problems import ItemErased
from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.states import Task, state_of
from services.review_queue.lifecycle.tasks import repository
from services.review_queue.lifecycle.tasks.repository import TaskFilter
from services.review_queue.lifecycle.tasks.search import TaskSearch
from services.review_queue.lifecycle.tasks.words import words_of
from services.review_queue.projects.reading import current_project
from shared.contracts.base import from_stored
from shared.db import Database, Session
from shared.http.lists import encode_cursor, page_of, parse_place, position_at
from shared.problems import NotFound

_AGES = (
    timedelta(),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
    timedelta(days=30),
)
_MOST_AGES = 200_000
# The creation and the id of the task that a page of a list is behind.
Place = tuple[datetime, str]


def position_of(task: Any) -> str:
    """Return where `task` stands in lists of tasks, which are in order of creation."""
    return position_at(task.created_at, task.task_id)


def place_of(cursor: str | None) -> Place | None:
    """Return the place that `cursor` names; `Unprocessable` when it is none of such a list."""
    return parse_place(cursor, as_uuid)


def as_uuid(text: str) -> str | None:
    """Return `text` as the id of a task, or of another row; None when it is none."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


async def locked_task(session: Session, project: str, task_id: str) -> Task:
    """Return a task of `project`, kept from all other writers.

    Raises `NotFound` (there is none) and `ItemErased` (there was one).
    """
    known = as_uuid(task_id)
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
        self,
        project_name: str,
        wanted: TaskFilter,
        *,
        search: TaskSearch,
        newest_first: bool,
        after: Place | None,
        limit: int,
    ) -> messages.TaskList:
        """Return tasks by age, from the one behind `after` on.

        A `search` looks through `SEARCHED` tasks at most: a page may have fewer than `limit` tasks,
        or none, and a cursor all the same.

        Raises `NotFound`: there is no such project.
        """
        now = self.now()
        async with self.database.reading() as session:
            project = await current_project(session, project_name)
            search = search.within(project)
            listing = repository.Listing(project_name, wanted, now, newest_first=newest_first)
            until = None
            if search.is_any:
                until = await repository.end_of_search(session, listing, after)
            rows = await repository.page(
                session, listing, search, after=after, until=until, limit=limit + 1
            )
        shown, cursor = page_of(rows, limit, position_of)
        if cursor is None and until is not None:
            cursor = encode_cursor(position_of(until))
        return messages.TaskList(
            tasks=[from_stored(messages.TaskSummary, dict(row._mapping)) for row in shown],
            cursor=cursor,
        )

    async def show(self, project: str, task_id: str) -> messages.TaskDetail:
        """Return one task with its timeline; `NotFound` when there is none."""
        async with self.database.reading() as session:
            known = as_uuid(task_id)
            task = None if known is None else await repository.find(session, known)
            if task is None or task.project != project:
                raise _no_task(project)
            events = await repository.timeline(session, task.task_id)
        state = state_of(task, self.now())
        leased = state == "leased"
        return from_stored(
            messages.TaskDetail,
            {
                **task._mapping,
                "state": state,
                "metadata": task.item_metadata,
                "holder": task.holder if leased else None,
                "lease_expires_at": task.available_at if leased else None,
                "timeline": [
                    {
                        **event._mapping,
                        "words": words_of(event.kind, event.actor, event.detail),
                    }
                    for event in events
                ],
            },
        )

    async def ages(self, project: str) -> messages.QueueAges:
        """Return how old the waiting tasks are; `NotFound` when there is no such project."""
        now = self.now()
        async with self.database.reading() as session:
            await current_project(session, project)
            found, total = await repository.ages(session, project, now, _AGES, _MOST_AGES)
        seconds = [edge.total_seconds() for edge in _AGES]
        return messages.QueueAges(
            buckets=[
                messages.AgeBucket(from_seconds=since, to_seconds=until, waiting=waiting)
                for since, until, waiting in zip(seconds, [*seconds[1:], None], found, strict=True)
            ],
            complete=total < _MOST_AGES,
        )

    async def depth(self, project: str) -> messages.QueueDepth:
        """Return what waits in each lane."""
        now = self.now()
        async with self.database.reading() as session:
            await current_project(session, project)
            rows = await repository.waiting(session, now, project)
            disputed = await repository.disputed(session, project)
        lanes = [
            messages.LaneDepth(
                lane=row.lane,
                open=row.open,
                leased=row.leased,
                oldest_seconds=max(0.0, (now - row.oldest).total_seconds()),
            )
            for row in rows
        ]
        return messages.QueueDepth(
            lanes=lanes,
            open=sum(lane.open for lane in lanes),
            leased=sum(lane.leased for lane in lanes),
            adjudication=disputed.get(project, 0),
        )
