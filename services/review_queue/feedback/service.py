"""Feedback as use cases: give, read, answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.review_queue.activity.messages import RecordedAction
from services.review_queue.activity.recording import record
from services.review_queue.feedback import repository
from services.review_queue.feedback.messages import (
    Feedback,
    FeedbackAnswer,
    FeedbackList,
    NewFeedback,
)
from services.review_queue.lifecycle.presenting import require_label
from services.review_queue.lifecycle.tasks.service import locked_task
from services.review_queue.projects.reading import current_project
from services.review_queue.tables.people import FeedbackRow
from shared.db import Database, Session
from shared.http.lists import page_of
from shared.problems import Conflict, NotFound


@dataclass(frozen=True)
class FeedbackService:
    """What people say of the work, visible to all who do it."""

    database: Database
    now: Callable[[], datetime]

    async def give(self, project_name: str, body: NewFeedback, author: str) -> Feedback:
        """Keep a remark; the author's last one once more, unanswered, is the same remark.

        Raises `NotFound` (no such project, or no such task in it), `Unprocessable` (the label is
        not the project's) and `ItemErased` (it is about an item that was erased).
        """
        async with self.database.transaction() as session:
            project = await current_project(session, project_name)
            if body.label is not None:
                require_label(project, body.label)
            # Locked: a remark about an item that is erased meanwhile would outlast it.
            asked = body.task_id
            task = await locked_task(session, project_name, asked) if asked is not None else None
            item_id = None if task is None else task.item_id
            said: dict[str, Any] = {
                "about": body.about,
                "task_id": task and task.task_id,
                "label": body.label,
                "text": body.text,
                "instructions_revision": project.instructions_revision,
                "answer": None,
            }
            last = await repository.newest_of(session, project_name, author)
            if last is not None and said.items() <= last.model_dump().items():
                # The answer to the first call may have been lost.
                return _message(last, item_id)
            row = FeedbackRow(project=project_name, author=author, given_at=self.now(), **said)
            session.add(row)
            await session.flush()
            _record(session, "feedback.given", row, author, self.now())
            return _message(row, item_id)

    async def page(
        self, project: str, *, before: int | None, answered: bool | None, limit: int
    ) -> FeedbackList:
        """Return a project's feedback, newest first; `NotFound` when there is no such project."""
        async with self.database.reading() as session:
            await current_project(session, project)
            rows = await repository.page(
                session, project, before=before, answered=answered, limit=limit + 1
            )
            shown, cursor = page_of(rows, limit, lambda row: row.feedback_id or 0)
            task_ids = {row.task_id for row in shown if row.task_id is not None}
            items = await repository.item_ids(session, task_ids) if task_ids else {}
        return FeedbackList(
            feedback=[_message(row, items.get(row.task_id or "")) for row in shown], cursor=cursor
        )

    async def answer(
        self, project: str, feedback_id: int, body: FeedbackAnswer, operator: str
    ) -> Feedback:
        """Answer a remark, once; the same answer again changes nothing.

        Raises `NotFound` (there is no such remark in the project), `Conflict` (it has another
        answer) and `ItemErased` (it is about an item that was erased).
        """
        async with self.database.transaction() as session:
            about = await repository.task_of(session, project, feedback_id)
            # The task first, as in the erasure of its item: no deadlock.
            task = None if about is None else await locked_task(session, project, about)
            row = await session.get(FeedbackRow, feedback_id, with_for_update=True)
            if row is None or row.project != project:
                raise NotFound("There is no such feedback in this project.", project=project)
            if row.answer is None:
                row.answer, row.answered_by, row.answered_at = body.text, operator, self.now()
                _record(session, "feedback.answered", row, operator, self.now())
            elif row.answer != body.text:
                raise Conflict("It is answered already.", answer=row.answer)
            return _message(row, None if task is None else task.item_id)


def _record(
    session: Session, action: RecordedAction, row: FeedbackRow, actor: str, now: datetime
) -> None:
    record(
        session,
        action,
        now,
        project=row.project,
        target=str(row.feedback_id),
        actor=actor,
        about=row.about,
        task_id=row.task_id,
    )


def _message(row: FeedbackRow, item_id: str | None) -> Feedback:
    return Feedback.model_validate({**row.model_dump(exclude={"project"}), "item_id": item_id})
