"""Withdrawals: tasks of a certification's draw are closed once no certification reads them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.review_queue.activity.recording import record
from services.review_queue.lifecycle.lanes import lane_without_draw
from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.repository.writing import write
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import Ground, History, Task, state_of
from services.review_queue.projects.reading import open_project
from shared.contracts.base import task_id_for
from shared.contracts.projects import Project
from shared.contracts.tasks import Lane
from shared.contracts.withdrawals import WithdrawalReceipt, WithdrawalReceipts, WithdrawalStatus
from shared.db import Database


@dataclass(frozen=True)
class WithdrawalService:
    """Closes tasks of lane `certification` that the trainer no longer needs."""

    database: Database
    now: Callable[[], datetime]
    nudge: Callable[[], None]

    async def withdraw(
        self, project_name: str, item_ids: Sequence[str], actor: str
    ) -> WithdrawalReceipts:
        """Close what no reviewer has answered or holds; the same call again changes nothing.

        A task that another call asked for too goes to that call's lane instead.

        Raises `NotFound` (there is no such project) and `ProjectArchived`.
        """
        async with self.database.transaction() as session:
            project = await open_project(session, project_name)
            ids = {item_id: task_id_for(project_name, item_id) for item_id in item_ids}
            tasks = await reading.tasks(session, set(ids.values()), lock=True)
            histories = await reading.histories(session, list(tasks))
            asked = await reading.lanes_asked(session, list(tasks))
            batch = _Batch(project, actor, self.now(), [])
            status: dict[str, WithdrawalStatus] = {
                task_id: batch.withdraw(task, histories[task_id], asked[task_id])
                for task_id, task in tasks.items()
            }
            receipts = [
                WithdrawalReceipt(item_id=item_id, status=status.get(task_id, "kept"))
                for item_id, task_id in ids.items()
            ]
            await write(session, batch.changes)
            if batch.changes:
                changed = {change.task.task_id for change in batch.changes}
                counts: dict[str, Any] = Counter(status[task_id] for task_id in changed)
                record(
                    session,
                    "tasks.withdrawn",
                    batch.now,
                    project=project_name,
                    actor=actor,
                    **counts,
                )
        self.nudge()
        return WithdrawalReceipts(items=receipts)


@dataclass(frozen=True)
class _Batch:
    project: Project
    actor: str
    now: datetime
    changes: list[Change]

    def withdraw(self, task: Task, history: History, asked: Sequence[Lane]) -> WithdrawalStatus:
        state = state_of(task, self.now)
        if state == "resolved" and task.source == "expiry":
            return "withdrawn"
        is_answered = any(not one.skipped for one in history.standing)
        if task.lane != "certification" or state in ("resolved", "erased") or is_answered:
            return "kept"
        if state == "leased":
            return "leased"
        change = Change(task, self.now)
        self.changes.append(change)
        lane = lane_without_draw(asked)
        if lane is not None:
            if lane == "mandatory" and task.due_at is None:
                task.due_at = self.now + timedelta(seconds=self.project.review.due_seconds)
            if task.state == "leased":
                change.expire(*history.leases[-1:])
            change.move(lane, self.actor)
            return "returned"
        change.supersede(history.leases)
        ground = Ground(0, True, self.project.instructions_revision)
        change.resolve(None, ground, "expiry", detail={"source": "expiry", "cause": "withdrawn"})
        return "withdrawn"
