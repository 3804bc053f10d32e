"""Erasing items, and deleting projects.

A deleted project's document says so at once; its rows are removed in the background. Each step may
be repeated: after a crash the next look goes on with what is left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from services.review_queue.activity.recording import record
from services.review_queue.erasure import repository
from services.review_queue.erasure.messages import ProjectDeletion, Tombstone
from services.review_queue.lifecycle.intake import NEW_ROW
from services.review_queue.lifecycle.lanes import group_of
from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.repository.writing import add_new, write
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import Task
from services.review_queue.projects import repository as projects
from services.review_queue.projects.reading import current_project
from services.review_queue.projects.service import ProjectService
from services.review_queue.tables import ProjectRow, TombstoneRow
from shared.contracts.base import task_id_for
from shared.contracts.projects import ProjectSpec
from shared.contracts.tasks import Lane
from shared.db import Database, Session
from shared.fields.json import JsonField
from shared.problems import Conflict, NotFound, Unprocessable

log = structlog.get_logger()

_ROWS_AT_ONCE = 500
# What is left of the statement: all readers need labels and fields.
_NOTHING = ProjectSpec(labels=["-", "--"], fields={"deleted": JsonField()})
# Of an item that people were not asked about: none waits for it, and it is no evidence.
_UNASKED_LANE: Lane = "optional"


@dataclass(frozen=True)
class ErasureService:
    """Takes the content of items away, for good."""

    database: Database
    now: Callable[[], datetime]
    nudge: Callable[[], None]

    async def erase(
        self, project_name: str, item_id: str, *, reason: str | None, operator: str
    ) -> Tombstone:
        """Erase an item, and return what is left of it; the same call again changes nothing.

        An item that people were not asked about is erased too: the feed tells those who have
        it from elsewhere, and its id is taken for ever.

        Raises `NotFound` (there is no such project).
        """
        now, task_id = self.now(), task_id_for(project_name, item_id)
        async with self.database.transaction() as session:
            await current_project(session, project_name)
            empty = _empty_task(project_name, item_id, task_id, now)
            asked = not await add_new(session, [empty])
            task = (await reading.tasks(session, [task_id], lock=True))[task_id]
            stone = await session.get(TombstoneRow, task_id)
            if stone is None:
                stone = TombstoneRow(
                    task_id=task_id,
                    erased_at=now,
                    erased_by=operator,
                    reason=reason,
                    asked=asked,
                    revision=task.revision + 1,
                )
                await _erase(session, task, stone)
        self.nudge()
        return Tombstone(item_id=item_id, **stone.model_dump())


async def _erase(session: Session, task: Task, stone: TombstoneRow) -> None:
    now = stone.erased_at
    change, history = Change(task, now), (await reading.histories(session, [task.task_id]))
    if stone.asked:
        change.supersede(history[task.task_id].leases)
    change.close_erased(history[task.task_id])
    change.tell("erased", stone.erased_by)
    await repository.erase_task(session, task.task_id, now)
    await write(session, [change])
    if stone.asked:
        await repository.erase_said(session, task.project, task.task_id, now)
    session.add(stone)
    record(
        session,
        "item.erased",
        now,
        project=task.project,
        target=task.task_id,
        actor=stone.erased_by,
        item_id=task.item_id,
        reason=stone.reason,
    )


def _empty_task(project: str, item_id: str, task_id: str, now: datetime) -> dict[str, Any]:
    return NEW_ROW | {
        "task_id": task_id,
        "project": project,
        "item_id": item_id,
        "data": {},
        "data_digest": "",
        "item_metadata": {},
        "lane": _UNASKED_LANE,
        "lane_group": group_of(_UNASKED_LANE, None),
        "state": "resolved",
        "turn": None,
        "created_at": now,
    }


class ProjectNotArchived(Conflict):
    """Only an archived project can be deleted."""

    kind, title = "project-not-archived", "Project is not archived"
    advice = (
        "Archive the project first, with POST …/archive: nothing new comes in then, and it can "
        "still be exported or unarchived. Deleting it is final."
    )


@dataclass(frozen=True)
class ProjectErasure:
    """Deletes projects, for good."""

    database: Database
    projects: ProjectService
    now: Callable[[], datetime]
    nudge: Callable[[], None]

    async def delete(self, name: str, confirm: str) -> ProjectDeletion:
        """Delete an archived project; the same call again changes nothing.

        Returns once project.json says so; the rows are removed by `remove`.

        Raises `NotFound`; `Unprocessable`: `confirm` is not the project's name;
        `ProjectNotArchived`; `Unavailable`: the store is away; the deletion is recorded, and
        reaches the store as soon as it is back.
        """
        async with self.database.transaction() as session:
            row = await projects.lock_name(session, name)
            if row is None:
                raise NotFound("There is no such project.", project=name)
            if confirm != name:
                raise Unprocessable([("/query/confirm", "must be the project's name")])
            if row.deleted_at is None:
                await self._mark(session, row)
            deleted_at = row.deleted_at
            assert deleted_at is not None
        await self.projects.publish(name)
        self.nudge()
        return ProjectDeletion(project=name, deleted_at=deleted_at)

    async def _mark(self, session: Session, row: ProjectRow) -> None:
        now = self.now()
        if row.spec.get("archived_at") is None:
            raise ProjectNotArchived(project=row.name)
        row.spec = _NOTHING.model_dump(mode="json") | {"archived_at": row.spec["archived_at"]}
        row.deleted_at = row.updated_at = now
        row.revision += 1
        await repository.disable_webhooks(session, row.name, now)
        await repository.close_sessions(session, row.name)
        # Of no single project: the log of this one is no longer read.
        record(session, "project.deleted", now, project=None, target=row.name)

    async def remove(self) -> int:
        """Remove rows of deleted projects until none is left; return how many tasks those were."""
        async with self.database.reading() as session:
            names = await repository.being_deleted(session)
        return sum([await self._remove(name) for name in names])

    async def _remove(self, name: str) -> int:
        total = 0
        for remove in (repository.remove_tasks, repository.remove_deliveries):
            removed = _ROWS_AT_ONCE
            while removed:
                async with self.database.transaction() as session:
                    removed = await remove(session, name, _ROWS_AT_ONCE)
                total += removed if remove is repository.remove_tasks else 0
        async with self.database.transaction() as session:
            row = await projects.lock_name(session, name)
            assert row is not None
            # A delivery or a task may have come from a call that was under way.
            if await projects.has_tasks(session, name):
                return total
            await repository.remove_others(session, name)
            row.removed_at = self.now()
        log.info("project_removed", project=name, tasks=total)
        return total
