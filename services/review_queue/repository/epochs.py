"""The epochs of what this service publishes: each restore of its database begins one."""

from sqlalchemy import func, select

from services.review_queue.tables import EPOCHS, FIRST_EPOCH
from shared.db import Session


async def feed_epoch(session: Session) -> int:
    """Return the feed's epoch: it has had another one for each restore of the database."""
    newest = (await session.execute(select(func.max(EPOCHS.c.epoch)))).scalar_one()
    return newest or FIRST_EPOCH


async def documents_epoch(session: Session) -> int:
    """Return the epoch of the documents that are stored now: 0 until a restore of the database.

    As the release before, whose documents have none.
    """
    known = await feed_epoch(session)
    return 0 if known == FIRST_EPOCH else known
