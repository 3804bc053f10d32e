"""What ends or reopens a task without a lease: adjudication, other tools' answers, withdrawal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.activity.messages import RecordedAction
from services.review_queue.activity.recording import record
from services.review_queue.lifecycle.messages import Adjudication, VerdictOnBehalf
from services.review_queue.lifecycle.metrics import VERDICTS
from services.review_queue.lifecycle.moves import KnownOf
from services.review_queue.lifecycle.outcomes import repository as outcomes
from services.review_queue.lifecycle.outcomes.service import outcome_message
from services.review_queue.lifecycle.presenting import require_label
from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.repository.writing import write
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.settlement import Settlement, ground_of, votes_that_count
from services.review_queue.lifecycle.states import Answer, History, Task, state_of, verdict_row
from services.review_queue.lifecycle.tasks.service import locked_task
from services.review_queue.lifecycle.withdrawals import withdraw
from services.review_queue.projects.reading import open_project
from shared.contracts.tasks import TaskProgress
from shared.contracts.withdrawals import WithdrawalReceipts
from shared.db import Database, Session
from shared.problems import Conflict
from shared.tracing import link, note, traced


@dataclass(frozen=True)
class DecisionService:
    """What operators decide about a task, leased or not, and answers that other tools collected.

    All raise `NotFound` (no such project, or no such task in it), `ItemErased`, `Unprocessable`
    (the label is not the project's), `ProjectArchived` and `Conflict` (the state of the task does
    not allow it). The same call again gets the same answer.
    """

    database: Database
    known: KnownOf
    now: Callable[[], datetime]
    nudge: Callable[[], None]

    @traced("adjudicate", kind="server")
    async def adjudicate(
        self, project_name: str, task_id: str, body: Adjudication, adjudicator: str
    ) -> TaskProgress:
        """Resolve the task with the adjudicator's label.

        The outcome counts as blind if all verdicts do that stand, and no label was taken back: the
        adjudicator's page hides the model's prediction where that matters.
        """
        async with self.database.transaction() as session:
            project = await open_project(session, project_name)
            change, history = await self._locked(session, project_name, task_id)
            require_label(project, body.label)
            task = change.task
            if task.state == "resolved":
                if task.source != "adjudicator" or task.label != body.label:
                    raise _resolved(task)
                return await _progress(session, change)
            change.supersede(history.leases)
            votes = votes_that_count(change, project, history)
            ground = ground_of(votes, history, project.instructions_revision)
            change.tell("adjudicated", adjudicator, body.model_dump())
            change.resolve(body.label, ground, "adjudicator")
            said = {"label": body.label}
            progress = await _write(session, "task.adjudicated", change, adjudicator, **said)
        self.nudge()
        return progress

    @traced("verdict", kind="server")
    async def record(
        self, project_name: str, task_id: str, body: VerdictOnBehalf, recorded_by: str
    ) -> TaskProgress:
        """Record a verdict that `body.reviewer` gave elsewhere, e.g. in another tool.

        What that tool had shown is not known, so the verdict does not count as blind. Another
        answer of the same reviewer gives way to it.
        """
        async with self.database.transaction() as session:
            project = await open_project(session, project_name)
            change, history = await self._locked(session, project_name, task_id)
            require_label(project, body.label)
            task = change.task
            before = [one for one in history.standing if one.reviewer == body.reviewer]
            same = any(one.label == body.label for one in before)
            if task.state == "resolved":
                if not same or task.label != body.label:
                    raise _resolved(task)
                return await _progress(session, change)
            if same:
                return TaskProgress(task_id=task.task_id, state=task.state, outcome=None)
            for answer in before:
                change.withdraw(answer)
                task.skips -= answer.skipped
            change.supersede(history.leases)
            await reading.look_for_others(session, change, project, history, body.reviewer)
            read, known = project.instructions_revision, self.known(project)

            def add() -> Answer:
                return _add(change, body, recorded_by, read)

            Settlement(change, project, history, read, known, add).by_verdict()
            said = {"reviewer": body.reviewer, "label": body.label}
            progress = await _write(session, "task.answered_on_behalf", change, recorded_by, **said)
        VERDICTS.labels(project_name, "on-behalf").inc()
        self.nudge()
        return progress

    async def reopen(self, project: str, task_id: str, actor: str) -> TaskProgress:
        """Open a resolved task again, for all reviewers; its label and answers count no longer."""
        async with self.database.transaction() as session:
            await open_project(session, project)
            change, history = await self._locked(session, project, task_id)
            task = change.task
            if task.state != "resolved":
                state = state_of(task, change.now)
                raise Conflict("Only a resolved task can be reopened.", state=state)
            for answer in history.standing:
                change.withdraw(answer)
            task.skips = 0
            change.reopen(history)
            change.tell("reopened", actor)
            progress = await _write(session, "task.reopened", change, actor)
        self.nudge()
        return progress

    async def withdraw(
        self, project_name: str, item_ids: Sequence[str], actor: str
    ) -> WithdrawalReceipts:
        """Close the tasks of these items that only a certification which has ended asked for."""
        async with self.database.transaction() as session:
            project = await open_project(session, project_name)
            receipts = await withdraw(session, project, item_ids, actor, self.now())
        self.nudge()
        return receipts

    async def _locked(self, session: Session, project: str, task_id: str) -> tuple[Change, History]:
        task = await locked_task(session, project, task_id)
        note(project=project)
        link([task.trace])
        histories = await reading.histories(session, [task.task_id])
        return Change(task, self.now()), histories[task.task_id]


def _add(change: Change, body: VerdictOnBehalf, recorded_by: str, read: int) -> Answer:
    change.tell("verdict", body.reviewer, {"label": body.label, "recorded_by": recorded_by})
    answer = Answer(None, change.task.task_id, body.reviewer, body.label, False, None, read)
    given = body.model_dump(include={"comment", "active_seconds"})
    change.verdicts.append(verdict_row(answer, change.now, recorded_by, **given))
    return answer


def _resolved(task: Task) -> Conflict:
    detail = "The task is resolved; reopen it first."
    return Conflict(detail, task_id=task.task_id, label=task.label)


async def _progress(session: Session, change: Change) -> TaskProgress:
    """Return what became of the task; with its outcome, if it is resolved or was until now."""
    task, found = change.task, None
    if task.state == "resolved" or change.outcome is not None:
        found = await outcomes.find(session, task.task_id, task.revision)
    outcome = None if found is None else outcome_message(found)
    return TaskProgress(task_id=task.task_id, state=task.state, outcome=outcome)


async def _write(
    session: Session, action: RecordedAction, change: Change, actor: str, **detail: str
) -> TaskProgress:
    await write(session, [change])
    place = {"project": change.task.project, "target": change.task.task_id}
    record(session, action, change.now, **place, actor=actor, **detail)
    return await _progress(session, change)
