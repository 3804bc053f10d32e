"""Withdrawals: open tasks of a certification or shadow stage that has ended are closed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.review_queue.activity.recording import record
from services.review_queue.lifecycle.lanes import DRAWN_LANES, due_of, lane_without_draw
from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.repository.writing import write
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import Ground, History, Task, state_of
from shared.contracts.base import task_id_for
from shared.contracts.projects import Project
from shared.contracts.tasks import Lane
from shared.contracts.withdrawals import WithdrawalReceipt, WithdrawalReceipts, WithdrawalStatus
from shared.db import Session


async def is_needed_too(session: Session, task: Task, lane: Lane) -> bool:
    """Say whether a call for `lane` is the first to need a draw's task for something else too."""
    if task.lane not in DRAWN_LANES or lane == task.lane:
        return False
    asked = await reading.lanes_asked(session, [task.task_id])
    return lane not in asked[task.task_id]


async def withdraw(
    session: Session, project: Project, item_ids: Sequence[str], actor: str, now: datetime
) -> WithdrawalReceipts:
    """Close what no reviewer has answered or holds; the same call again changes nothing.

    A task that another call asked for too goes to that call's lane instead. One that both a
    certification and a shadow stage asked for is kept.
    """
    ids = {item_id: task_id_for(project.project, item_id) for item_id in item_ids}
    tasks = await reading.tasks(session, set(ids.values()), lock=True)
    histories = await reading.histories(session, list(tasks))
    asked = await reading.lanes_asked(session, list(tasks))
    batch = _Batch(project, actor, now, [])
    status: dict[str, WithdrawalStatus] = {
        task_id: batch.withdraw(task, histories[task_id], asked[task_id])
        for task_id, task in tasks.items()
    }
    await write(session, batch.changes)
    if batch.changes:
        counts: dict[str, Any] = Counter(status[one.task.task_id] for one in batch.changes)
        name = project.project
        record(session, "tasks.withdrawn", now, project=name, actor=actor, **counts)
    return WithdrawalReceipts(
        items=[
            WithdrawalReceipt(item_id=item_id, status=status.get(ids[item_id], "kept"))
            for item_id in item_ids
        ]
    )


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
        if task.lane not in DRAWN_LANES or state in ("resolved", "erased") or is_answered:
            return "kept"
        if {task.lane, *asked} >= DRAWN_LANES:
            return "kept"  # the call does not say which of the two has ended
        if state == "leased":
            return "leased"
        change = Change(task, self.now)
        self.changes.append(change)
        lane = lane_without_draw(asked)
        if lane is not None:
            task.due_at = due_of(lane, task.due_at, self.project.review, self.now)
            if task.state == "leased":
                change.expire(*history.leases[-1:])
            change.move(lane, self.actor)
            return "returned"
        change.supersede(history.leases)
        ground = Ground(0, True, self.project.instructions_revision)
        change.resolve(None, ground, "expiry", detail={"source": "expiry", "cause": "withdrawn"})
        return "withdrawn"
