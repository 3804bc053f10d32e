"""The last word on a task that reviewers could not settle, or not to an operator's content."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.activity.recording import record
from services.review_queue.lifecycle.leases.claims import supersede
from services.review_queue.lifecycle.outcomes import repository as outcomes
from services.review_queue.lifecycle.outcomes.revisions import resolve
from services.review_queue.lifecycle.tasks import repository as tasks
from services.review_queue.lifecycle.tasks.service import locked_task
from services.review_queue.lifecycle.timeline import event
from services.review_queue.lifecycle.verdicts.messages import Adjudication
from services.review_queue.lifecycle.verdicts.service import progress_of, require_label
from services.review_queue.lifecycle.verdicts.settling import (
    ground_of,
    settled_lines,
    votes_that_count,
)
from services.review_queue.projects.service import current_project
from services.review_queue.tables import TaskRow
from shared.contracts.tasks import TaskProgress
from shared.db import Database
from shared.problems import Conflict
from shared.tracing import link, note, traced


@dataclass(frozen=True)
class AdjudicationService:
    """What adjudicators do: any open task may be decided by one, whoever holds it."""

    database: Database
    now: Callable[[], datetime]
    nudge: Callable[[], None]

    @traced("adjudicate", kind="server")
    async def decide(
        self, project_name: str, task_id: str, body: Adjudication, adjudicator: str
    ) -> TaskProgress:
        """Resolve the task with the adjudicator's label.

        The outcome counts as blind if all verdicts do that stand, and no label was taken back: it
        is for the adjudicator's page to keep the model's word from him where that matters.

        Raises
        ------
        NotFound
            No such project, or no such task in it.
        Unprocessable
            The label is not the project's.
        Conflict
            The task is resolved, otherwise than by this same word.
        """
        now = self.now()
        async with self.database.transaction() as session:
            project = await current_project(session, project_name)
            task = await locked_task(session, project_name, task_id)
            note(project=project_name)
            link([task.trace])
            require_label(project, body.label)
            if task.state == "resolved":
                return await _repeated(session, task, body)
            await supersede(session, task, now)
            votes = await votes_that_count(session, project, task, now)
            ground = await ground_of(session, task, votes, project.instructions_revision)
            outcome = resolve(session, task, body.label, ground, now, source="adjudicator")
            said = {"label": body.label, "comment": body.comment}
            line = event(task.task_id, "adjudicated", adjudicator, now, said)
            await tasks.add_events(session, [line, *settled_lines(task, outcome, now)])
            _note(session, task, adjudicator, now)
            progress = progress_of(task, outcome)
        self.nudge()
        return progress


def _note(session: AsyncSession, task: TaskRow, adjudicator: str, now: datetime) -> None:
    record(
        session,
        "task.adjudicated",
        now,
        project=task.project,
        target=task.task_id,
        actor=adjudicator,
        label=task.label,
    )


async def _repeated(session: AsyncSession, task: TaskRow, body: Adjudication) -> TaskProgress:
    if task.source != "adjudicator" or task.label != body.label:
        raise Conflict(
            "The task is resolved; reopen it first.", task_id=task.task_id, label=task.label
        )
    return progress_of(task, await outcomes.revision(session, task.task_id, task.revision))
