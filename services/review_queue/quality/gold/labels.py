"""Known labels as use cases: vouch for one, retire it, add many, list them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from services.review_queue.activity.messages import RecordedAction
from services.review_queue.activity.recording import record
from services.review_queue.lifecycle.entries import rejection
from services.review_queue.lifecycle.intake import IntakeService
from services.review_queue.lifecycle.presenting import require_label
from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.repository.writing import write
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import Ground, Task
from services.review_queue.lifecycle.tasks.service import locked_task
from services.review_queue.projects.reading import current_project
from services.review_queue.quality.gold.gold_states import GoldStates
from services.review_queue.quality.gold.messages import (
    GoldList,
    GoldReceipt,
    GoldReceipts,
    GoldTask,
    KnownLabel,
    NewGold,
)
from services.review_queue.quality.gold.repository import labels as repository
from shared.contracts.projects import Project
from shared.contracts.tasks import TaskReceipt
from shared.db import Database, Row, Session
from shared.http.lists import page_of
from shared.problems import Conflict, NotFound
from shared.problems.faults import faults_of

_OTHER_LABEL = (
    "The task has another label, or none. Reopen and adjudicate it first, so that all who read "
    "outcomes learn of it."
)


@dataclass(frozen=True)
class GoldService:
    """What operators do with known labels."""

    database: Database
    intake: IntakeService
    gold_states: GoldStates
    now: Callable[[], datetime]

    async def vouch(
        self, project_name: str, task_id: str, body: KnownLabel, actor: str
    ) -> GoldTask:
        """Make a resolved task gold; the same call again changes nothing.

        Raises `NotFound` (no such project, or no such task in it), `Unprocessable` (the label is
        not the project's) and `Conflict` (the task is not resolved with this label).
        """
        async with self.database.transaction() as session:
            project = await current_project(session, project_name)
            task = await locked_task(session, project_name, task_id)
            require_label(project, body.label)
            if task.state != "resolved" or task.label != body.label:
                raise Conflict(_OTHER_LABEL, state=task.state, label=task.label)
            row = _row(task, body.explanation, actor, self.now())
            await repository.vouch(session, [row])
            _record(session, "gold.vouched", row)
            rows = await repository.rows(session, project_name, only=task.task_id)
            (told,) = await _told(session, rows)
        self.gold_states.forget(project_name)
        return told

    async def retire(self, project_name: str, task_id: str, actor: str) -> None:
        """Stop giving a gold task to reviewers; what was answered still counts.

        Raises `NotFound` (no such project, or the task is not gold).
        """
        async with self.database.transaction() as session:
            await current_project(session, project_name)
            task = await locked_task(session, project_name, task_id)
            if not await repository.rows(session, project_name, only=task.task_id):
                raise NotFound("This task is not gold.", task_id=task.task_id)
            row = _row(task, None, actor, self.now())
            await repository.retire(session, row, self.now())
            _record(session, "gold.retired", row)
        self.gold_states.forget(project_name)

    async def page(self, project: str, *, after: str, limit: int) -> GoldList:
        """Return gold tasks by task id, from the one behind `after` on; `NotFound`: no project."""
        async with self.database.reading() as session:
            await current_project(session, project)
            found = await repository.rows(session, project, after=after, limit=limit + 1)
            shown, cursor = page_of(found, limit, lambda row: row.task_id)
            return GoldList(gold=await _told(session, shown), cursor=cursor)

    async def add(
        self, project_name: str, entries: Sequence[dict[str, Any]], actor: str
    ) -> GoldReceipts:
        """Take items in whose labels are known: tasks of lane `gold` that are decided already.

        All in one transaction: no task is seen without its label. `NotFound`: no project.
        """
        async with self.database.reading() as session:
            project = await current_project(session, project_name)
        checked = [_checked(project, entry) for entry in entries]
        good = [one for one in checked if isinstance(one, NewGold)]
        adding = _Adding(project, good, actor, self.now())
        # Data as it came: the intake reads JSON values.
        known = {"label", "explanation"}
        asked = [
            one.model_dump(mode="json", exclude=known) | {"data": one.data, "lane": "gold"}
            for one in good
        ]
        if asked:
            await self.intake.enqueue(project_name, asked, actor, restore=adding.decide)
        self.gold_states.forget(project_name)
        given = iter(adding.receipts)
        return GoldReceipts(
            items=[next(given) if isinstance(one, NewGold) else one for one in checked]
        )


@dataclass
class _Adding:
    """One call that adds gold: decides the tasks of its receipts, in their transaction."""

    project: Project
    entries: Sequence[NewGold]
    actor: str
    now: datetime
    receipts: list[GoldReceipt] = field(default_factory=list)

    async def decide(self, session: Session, receipts: Sequence[TaskReceipt]) -> None:
        """Resolve what is new, and vouch for what has the label already."""
        ids = [receipt.task_id for receipt in receipts if receipt.task_id is not None]
        rows = await reading.tasks(session, ids, lock=True)
        changes = []
        vouched: dict[str, dict[str, Any]] = {}
        for entry, receipt in zip(self.entries, receipts, strict=True):
            task = None if receipt.task_id is None else rows[receipt.task_id]
            if task is not None and receipt.status == "created":
                changes.append(self._resolved(task, entry.label))
            told = _receipt(entry, receipt, task)
            self.receipts.append(told)
            if task is not None and told.status in {"created", "existing"}:
                row = _row(task, entry.explanation, self.actor, self.now)
                vouched.setdefault(task.task_id, row)
        await write(session, changes)
        await repository.vouch(session, list(vouched.values()))
        name, count = self.project.project, len(vouched)
        record(session, "gold.added", self.now, project=name, actor=self.actor, gold=count)

    def _resolved(self, task: Task, label: str) -> Change:
        change = Change(task, self.now)
        change.tell("adjudicated", self.actor, {"label": label, "comment": None})
        ground = Ground(0, True, self.project.instructions_revision)
        change.resolve(label, ground, "adjudicator")
        return change


def _receipt(entry: NewGold, receipt: TaskReceipt, task: Task | None) -> GoldReceipt:
    status, detail = receipt.status, receipt.detail
    if status == "existing" and task is not None:
        if task.state != "resolved":
            status, detail = "conflict", "The item is under review; adjudicate its task first."
        elif task.label != entry.label:
            status, detail = "conflict", _OTHER_LABEL
    return GoldReceipt(item_id=entry.item_id, task_id=receipt.task_id, status=status, detail=detail)


def _checked(project: Project, entry: dict[str, Any]) -> NewGold | GoldReceipt:
    try:
        gold = NewGold.model_validate(entry)
    except ValidationError as error:
        faults = faults_of(error)
    else:
        if gold.label in project.labels:
            return gold
        faults = [("/label", "is not a label of this project")]
    return GoldReceipt(**rejection(entry.get("item_id"), faults))


def _row(task: Task, explanation: str | None, actor: str, now: datetime) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "project": task.project,
        "label": task.label or "",
        "explanation": explanation,
        "added_by": actor,
        "added_at": now,
    }


def _record(session: Session, action: RecordedAction, row: dict[str, Any]) -> None:
    who = {"project": row["project"], "actor": row["added_by"]}
    record(session, action, row["added_at"], target=row["task_id"], **who)


async def _told(session: Session, rows: Sequence[Row]) -> list[GoldTask]:
    """Return gold tasks with how people fare on each."""
    fared = await repository.fared(session, [row.task_id for row in rows])
    none: dict[str, Any] = dict.fromkeys(("answered", "right", "skipped"), 0)
    return [GoldTask(**row._mapping, **fared.get(row.task_id, none)) for row in rows]
