"""Read the review queue's outcomes: rows and cursor in one transaction."""

import time
from typing import get_args

import structlog

from services.trainer.metrics import FEED_READ
from services.trainer.outcomes import repository
from services.trainer.outcomes.opinions import repository as opinions
from services.trainer.posting import repository as posting
from services.trainer.projects.repository import locking, read_state
from services.trainer.queue_client import FeedRestarted, QueueAway
from services.trainer.resources import Resources
from shared.contracts.base import MAX_BATCH
from shared.contracts.tasks import REVIEWED_SOURCES, Lane, Outcome, OutcomeFeed, OutcomeSource
from shared.tracing import record

log = structlog.get_logger()

_LANES, _SOURCES = get_args(Lane), get_args(OutcomeSource)


async def read_feed(resources: Resources, project: str) -> int:
    """Read the feed to its present end; return how many outcomes were new.

    Where the review queue's database was restored, the feed is read anew from its start. What was
    read before a `QueueAway` stays read.
    """
    total, may_restart = 0, True
    while True:
        began = time.time()
        cursor, page = await _next_page(resources, project, may_restart=may_restart)
        may_restart = False
        if page.outcomes or page.cursor != cursor:
            async with locking(resources.database, project) as (session, locked):
                if locked.outcomes_cursor != cursor:
                    return total  # another worker was here first, and reads on
                outcomes = [_understood(project, outcome) for outcome in page.outcomes]
                total += await repository.record(session, locked, outcomes)
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


def _understood(project: str, outcome: Outcome) -> Outcome:
    """Return an outcome without its answer if people did not give it, as far as is known.

    An outcome of an unknown lane keeps its label, which neither trains nor certifies.
    """
    if outcome.source not in _SOURCES or outcome.lane not in _LANES:
        log.warning(
            "outcome_unknown",
            project=project,
            item_id=outcome.item_id,
            lane=outcome.lane,
            source=outcome.source,
        )
    if outcome.source in REVIEWED_SOURCES:
        return outcome
    return outcome.model_copy(update={"label": None, "verdicts": 0})


async def _next_page(
    resources: Resources, project: str, *, may_restart: bool
) -> tuple[str | None, OutcomeFeed]:
    """Return the cursor, and the page of the feed after it: the first after a restore."""
    async with resources.database.reading() as session:
        state = await read_state(session, project)
    cursor = None if state is None else state.outcomes_cursor
    try:
        return cursor, await resources.queue.outcomes(project, cursor)
    except FeedRestarted as error:
        if cursor is None or not may_restart:
            # Such as replicas of two releases that do not take one another's cursors.
            raise QueueAway("its outcomes feed restarts again and again") from error
    await _begin_anew(resources, project, cursor)
    return None, await resources.queue.outcomes(project, None)


async def _begin_anew(resources: Resources, project: str, cursor: str) -> None:
    """Read the feed from its start again; its rows then supersede all rows before.

    The restored queue may lack tasks that were asked for since its backup: they are posted anew.
    """
    async with locking(resources.database, project) as (session, state):
        if state.outcomes_cursor != cursor:
            return  # another worker has done it
        state.outcomes_cursor = None
        state.feed_reading += 1
        await posting.post_unanswered_again(session, project)
        await opinions.give_up(session, project)
    log.warning("outcomes_feed_restarted", project=project, reading=state.feed_reading)
