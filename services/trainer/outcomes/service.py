"""Read the review queue's outcomes: rows and cursor in one transaction."""

import time

import structlog

from services.trainer.metrics import FEED_READ
from services.trainer.outcomes import repository
from services.trainer.repository import lock_state, read_state
from services.trainer.resources import Resources
from shared.contracts.base import MAX_BATCH
from shared.tracing import record

log = structlog.get_logger()


async def read_feed(resources: Resources, project: str) -> int:
    """Read the feed to its present end; return how many outcomes were new.

    Raises
    ------
    QueueAway
        The review queue cannot be reached; what was read before stays read.
    """
    total = 0
    while True:
        async with resources.database.reading() as session:
            state = await read_state(session, project)
        cursor = None if state is None else state.outcomes_cursor
        began = time.time()
        page = await resources.queue.outcomes(project, cursor)
        if page.outcomes or page.cursor != cursor:
            async with resources.database.transaction() as session:
                locked = await lock_state(session, project)
                if locked.outcomes_cursor != cursor:
                    return total  # another worker was here first, and reads on
                total += await repository.record(session, locked, page.outcomes)
                locked.outcomes_cursor = page.cursor
        if page.outcomes:
            record(
                "outcomes",
                "consumer",
                since=began,
                links=[outcome.trace for outcome in page.outcomes],
                project=project,
                outcomes=len(page.outcomes),
            )
        if len(page.outcomes) < MAX_BATCH:
            FEED_READ.labels(project).set(time.time())
            return total
