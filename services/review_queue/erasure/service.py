"""Erasure as a use case."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.review_queue.activity.recording import record
from services.review_queue.erasure import repository
from services.review_queue.erasure.messages import Tombstone
from services.review_queue.lifecycle.intake import NEW_ROW
from services.review_queue.lifecycle.lanes import group_of
from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.repository.writing import add_new, write
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import Task
from services.review_queue.projects.reading import current_project
from services.review_queue.tables import TombstoneRow
from shared.contracts.base import task_id_for
from shared.contracts.tasks import Lane
from shared.db import Database, Session

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
