"""What ends by itself: leases, and optional tasks that no reviewer has answered in time.

An item that a router sent for an optional review gets the model's answer, `source` `model`, if the
promise still holds for it; otherwise its task becomes mandatory. Any other optional task needs no
answer: its outcome has no label, and `source` `expiry`. Both end every wait, and neither is
evidence, an error, or trained on.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.review_queue.lifecycle.rechecking import Recheck, Rechecks, optional_review
from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.repository.writing import write
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import Ground, History, Task
from services.review_queue.projects.reading import project_if_any
from services.review_queue.repository.projects import instructions_revision
from shared.contracts.projects import Project
from shared.contracts.tasks import TaskPrediction
from shared.db import Database, Session

_AT_ONCE = 500


async def close_expired(database: Database, rechecks: Rechecks, now: datetime) -> int:
    """End optional tasks that are past their due date; return how many tasks those were."""
    total = 0
    while True:
        async with database.reading() as session:
            due = await reading.past_due(session, now, _AT_ONCE, lock=False)
            predictions = await _predictions(session, due)
        if not due:
            return total
        judged = await _judged(rechecks, due, predictions)
        async with database.transaction() as session:
            closed = await _close(session, {task.task_id for task in due}, judged, now)
        if not closed:
            # Others hold the rest for a moment: it is closed at the next look.
            return total
        total += closed


async def _predictions(session: Session, tasks: list[Task]) -> dict[str, TaskPrediction]:
    """Return the predictions of those tasks that a router sent for an optional review."""
    stored = await reading.predictions(session, [task.task_id for task in tasks])
    found = {task_id: optional_review(one) for task_id, one in stored.items()}
    return {task_id: one for task_id, one in found.items() if one is not None}


async def _judged(
    rechecks: Rechecks, tasks: list[Task], predictions: dict[str, TaskPrediction]
) -> dict[str, Recheck]:
    """Read what decides on the predictions, by project: outside of any transaction."""
    by_project: defaultdict[str, list[TaskPrediction]] = defaultdict(list)
    for task in tasks:
        if task.task_id in predictions:
            by_project[task.project].append(predictions[task.task_id])
    return {name: await rechecks.of(name, group) for name, group in by_project.items()}


async def _close(
    session: Session, seen: set[str], judged: dict[str, Recheck], now: datetime
) -> int:
    locked = await reading.past_due(session, now, _AT_ONCE, lock=True)
    # What was not seen before is not judged yet.
    tasks = [task for task in locked if task.task_id in seen]
    histories = await reading.histories(session, [task.task_id for task in tasks])
    predictions = await _predictions(session, tasks)
    names = {task.project for task in tasks}
    # None for a deleted one, whose tasks are about to be.
    projects = {name: await project_if_any(session, name) for name in names}
    read = {name: await instructions_revision(session, name) for name in names}
    changes = []
    for task in tasks:
        project, prediction = projects[task.project], predictions.get(task.task_id)
        ending = _Ending(Change(task, now), histories[task.task_id], read[task.project])
        if project is None or prediction is None:
            ending.expire()
        else:
            refusal = judged[task.project].refusal(prediction, project, now)
            ending.answer(prediction, project, refusal)
        changes.append(ending.change)
    await write(session, changes)
    return len(changes)


@dataclass(frozen=True)
class _Ending:
    """The end of one optional task; `read` is the revision of the project's instructions."""

    change: Change
    history: History
    read: int

    def expire(self) -> None:
        """Close the task without a label."""
        self.change.supersede(self.history.leases)
        self.change.resolve(None, self._ground(), "expiry", detail={"source": "expiry"})

    def answer(self, prediction: TaskPrediction, project: Project, refusal: str | None) -> None:
        """Close the task with the model's answer, or make it mandatory for the `refusal`."""
        self.change.supersede(self.history.leases)
        given = {one.label for one in self.history.standing if not one.skipped}
        if refusal is None and given <= {prediction.label}:
            self.change.resolve(
                prediction.label, self._ground(), "model", detail={"source": "model"}
            )
            return
        task = self.change.task
        task.lane = "mandatory"
        task.due_at = self.change.now + timedelta(seconds=project.review.due_seconds)
        self.change.open_again()
        cause = refusal or "a reviewer gave another label"
        self.change.tell("moved", None, {"from": "optional", "to": "mandatory", "cause": cause})

    def _ground(self) -> Ground:
        votes = [one for one in self.history.standing if not one.skipped]
        blind = all(one.blind for one in votes)
        return Ground(len(votes), blind, self.read)


async def expire_leases(database: Database, now: datetime) -> int:
    """Open tasks whose leases have expired, which could be claimed already; return how many."""
    async with database.reading() as session:
        if not await reading.anything_overdue(session, now):
            return 0
    async with database.transaction() as session:
        changes = []
        for task, lease in await reading.lock_overdue(session, now, _AT_ONCE):
            changes.append(change := Change(task, now))
            change.expire(lease)
        await write(session, changes)
    return len(changes)
