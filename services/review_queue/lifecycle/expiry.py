"""What ends by itself: leases, and optional tasks that no reviewer has answered in time.

Such a task need not be answered: its item was good enough for the model. So the outcome has no
label, and `source` `expiry`: it ends every wait, and is neither evidence, nor an error, nor trained
on.
"""

from datetime import datetime

from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.repository.writing import write
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import Ground, History, Task
from services.review_queue.repository.projects import instructions_revision
from shared.db import Database, Session

_AT_ONCE = 500


async def close_expired(database: Database, now: datetime) -> int:
    """Close optional tasks that are past their due date; return how many tasks those were."""
    total = 0
    while True:
        async with database.reading() as session:
            if not await reading.past_due(session, now, 1, lock=False):
                return total
        async with database.transaction() as session:
            closed = await _close(session, now)
        if not closed:
            # Others hold the rest for a moment: it is closed at the next look.
            return total
        total += closed


async def _close(session: Session, now: datetime) -> int:
    tasks = await reading.past_due(session, now, _AT_ONCE, lock=True)
    histories = await reading.histories(session, [task.task_id for task in tasks])
    read = {
        name: await instructions_revision(session, name)
        for name in {task.project for task in tasks}
    }
    changes = [_closed(task, histories[task.task_id], read[task.project], now) for task in tasks]
    await write(session, changes)
    return len(changes)


def _closed(task: Task, history: History, read: int, now: datetime) -> Change:
    change = Change(task, now)
    change.supersede(history.leases)
    votes = [one for one in history.standing if not one.skipped]
    ground = Ground(len(votes), all(one.blind for one in votes), read)
    change.resolve(None, ground, "expiry", detail={"source": "expiry"})
    return change


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
