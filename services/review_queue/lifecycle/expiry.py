"""What ends by itself: leases, and optional tasks that no reviewer has answered in time.

An item that a router sent for an optional review gets the model's answer, `source` `model`, if the
promise still holds for it; otherwise its task becomes mandatory. Any other optional task needs no
answer: its outcome has no label, and `source` `expiry`. Both end every wait, and neither is
evidence, an error, or trained on.
"""

from collections import defaultdict
from datetime import datetime

from services.review_queue.lifecycle.lanes import due_of
from services.review_queue.lifecycle.rechecking import Recheck, Rechecks, optional_review
from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.repository.writing import write
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.settlement import ground_of, votes_that_count
from services.review_queue.lifecycle.states import Task
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
        change, history = Change(task, now), histories[task.task_id]
        change.supersede(history.leases)
        votes = [] if project is None else votes_that_count(change, project, history)
        ground = ground_of(votes, history, read[task.project])
        if project is None or prediction is None:
            change.resolve(None, ground, "expiry", detail={"source": "expiry"})
        else:
            refusal = judged[task.project].refusal(prediction, project, now)
            if refusal is None and any(vote.label != prediction.label for vote in votes):
                refusal = "a reviewer gave another label"
            if refusal is None:
                change.resolve(prediction.label, ground, "model", detail={"source": "model"})
            else:
                _make_mandatory(change, project, refusal)
        changes.append(change)
    await write(session, changes)
    return len(changes)


def _make_mandatory(change: Change, project: Project, cause: str) -> None:
    change.task.lane = "mandatory"
    change.task.due_at = due_of("mandatory", None, project.review, change.now)
    change.open_again()
    change.tell("moved", None, {"from": "optional", "to": "mandatory", "cause": cause})


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
