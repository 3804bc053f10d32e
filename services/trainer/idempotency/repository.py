"""SQL of the keys by which requests act once."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import col

from services.trainer.tables import IdempotencyRecord
from shared.db import Session


async def find(
    session: Session, project: str, key: str, since: datetime
) -> IdempotencyRecord | None:
    """Return what was created with a key since a moment."""
    found = await session.get(IdempotencyRecord, (project, key))
    return found if found is not None and found.created_at >= since else None


async def forget_before(session: Session, project: str, moment: datetime) -> None:
    """Delete the project's keys from before a moment."""
    await session.execute(
        delete(IdempotencyRecord).where(
            col(IdempotencyRecord.project) == project, col(IdempotencyRecord.created_at) < moment
        )
    )
