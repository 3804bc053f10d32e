"""Second opinions: another reviewer is asked about an item that one has answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.activity.recording import record
from services.review_queue.lifecycle.repository import gold, reading
from services.review_queue.lifecycle.repository.writing import write
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import History, Task
from services.review_queue.projects.reading import open_project
from shared.contracts.base import task_id_for
from shared.contracts.projects import Project
from shared.contracts.second_opinions import (
    OpinionReceipt,
    OpinionReceipts,
    OpinionStatus,
    WantedOpinion,
)
from shared.db import Database, Session


@dataclass(frozen=True)
class SecondOpinionService:
    """Asks another reviewer, blind, where the trainer doubts one reviewer's answer."""

    database: Database
    now: Callable[[], datetime]
    nudge: Callable[[], None]

    async def ask(
        self, project_name: str, wanted: Sequence[WantedOpinion], actor: str
    ) -> OpinionReceipts:
        """Open the tasks for one reviewer more; the same call again changes nothing.

        Raises `NotFound` (there is no such project) and `ProjectArchived`.
        """
        async with self.database.transaction() as session:
            project = await open_project(session, project_name)
            ids = [task_id_for(project_name, one.item_id) for one in wanted]
            tasks = await reading.tasks(session, set(ids), lock=True)
            histories = await reading.histories(session, list(tasks))
            batch = _Batch(session, project, actor, self.now(), [])
            receipts = []
            for one, task_id in zip(wanted, ids, strict=True):
                status: OpinionStatus = "refused"
                if task_id in tasks:
                    status = await batch.ask(tasks[task_id], histories[task_id], one)
                receipts.append(OpinionReceipt(item_id=one.item_id, status=status))
            await write(session, batch.changes)
            if batch.changes:
                record(
                    session,
                    "tasks.added",
                    batch.now,
                    project=project_name,
                    actor=actor,
                    reopened=len(batch.changes),
                )
        self.nudge()
        return OpinionReceipts(items=receipts)


@dataclass(frozen=True)
class _Batch:
    session: Session
    project: Project
    actor: str
    now: datetime
    changes: list[Change]

    async def ask(self, task: Task, history: History, wanted: WantedOpinion) -> OpinionStatus:
        if task.erased_at is not None or task.revision != wanted.revision:
            return "refused"
        if task.state != "resolved":
            return "asked" if task.second_opinion else "refused"
        standing = [one for one in history.standing if not one.skipped]
        is_gold = await gold.is_gold(self.session, task.project, task.task_id)
        if is_gold or task.source != "human" or len(standing) != 1:
            return "refused"
        change, first = Change(task, self.now), standing[0].reviewer
        if not await reading.others_answer(self.session, change, self.project, history, first):
            return "no_reviewer"
        change.ask_second_opinion(wanted.lane)
        change.tell("reopened", self.actor, {"lane": task.lane, "second_opinion": True})
        self.changes.append(change)
        return "asked"
