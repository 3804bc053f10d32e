"""Giving outcomes their places in the feed, and counting each once over all replicas."""

from collections import Counter

from services.review_queue.lifecycle.metrics import OUTCOMES
from services.review_queue.lifecycle.outcomes import repository
from shared.db import Database, Session


async def place_outcomes(database: Database) -> None:
    """Give each committed outcome its place, in as many transactions as it takes."""
    async with database.reading() as session:
        waiting = await repository.unsequenced(session)
    while waiting:
        async with database.transaction() as session:
            placed = await repository.sequence(session)
        waiting = _count(placed)


async def place_within(session: Session) -> None:
    """Do the same in a transaction of the caller's."""
    while _count(await repository.sequence(session)):
        pass


def _count(placed: list[tuple[str, str, str]]) -> bool:
    """Count outcomes by project, lane and source; say whether more may wait."""
    for labels, count in Counter(placed).items():
        OUTCOMES.labels(*labels).inc(count)
    return len(placed) == repository.SEQUENCED_AT_ONCE
