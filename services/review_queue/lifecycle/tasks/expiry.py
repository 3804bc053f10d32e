"""Optional tasks expire: when their time is over and nobody holds them, they are closed.

Nobody had to answer them: their items were good enough for the model. So the outcome has no label,
and `source` `expiry`: it ends every wait, and is neither evidence, nor an error, nor trained on.
"""

from collections import defaultdict
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.lifecycle.leases.ending import end_expired
from services.review_queue.lifecycle.outcomes.revisions import Ground, resolve
from services.review_queue.lifecycle.tasks import repository
from services.review_queue.lifecycle.timeline import event
from services.review_queue.projects.service import current_project
from services.review_queue.tables import TaskRow, VerdictRow
from shared.db import Database

_AT_ONCE = 500


async def close_expired(database: Database, now: datetime) -> int:
    """Close what has expired at `now`; return how many tasks those were."""
    total = 0
    while True:
        async with database.reading() as session:
            if not await repository.expired(session, now, 1):
                return total
        async with database.transaction() as session:
            closed = await _close(session, now)
        if not closed:
            # Others hold the rest for a moment: it is closed at the next look.
            return total
        total += closed


async def _close(session: AsyncSession, now: datetime) -> int:
    tasks = await repository.lock_expired(session, now, _AT_ONCE)
    task_ids = [task.task_id for task in tasks]
    votes: dict[str, list[VerdictRow]] = defaultdict(list)
    for vote in await repository.votes_of(session, task_ids):
        votes[vote.task_id].append(vote)
    read = {
        name: (await current_project(session, name)).instructions_revision
        for name in {task.project for task in tasks}
    }
    lines = await end_expired(session, task_ids, now)
    for task in tasks:
        lines.append(_expire(session, task, votes[task.task_id], read[task.project], now))
    await repository.add_events(session, lines)
    return len(tasks)


def _expire(
    session: AsyncSession, task: TaskRow, votes: list[VerdictRow], read: int, now: datetime
) -> dict[str, object]:
    ground = Ground(len(votes), all(vote.blind for vote in votes), read)
    outcome = resolve(session, task, None, ground, now, source="expiry")
    detail = {"label": None, "revision": outcome.revision, "source": outcome.source}
    return event(task.task_id, "resolved", None, now, detail)
