"""SQL of the keys by which requests act once."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import col

from services.trainer.tables import IdempotencyRecord
from shared.db import Session


async def find(session: Session, project: str, key: str) -> IdempotencyRecord | None:
    """Return what was created with a key."""
    return await session.get(IdempotencyRecord, (project, key))


async def forget_before(session: Session, project: str, moment: datetime) -> None:
    """Delete the project's keys from before a moment."""
    await session.execute(
        delete(IdempotencyRecord).where(
            col(IdempotencyRecord.project) == project, col(IdempotencyRecord.created_at) < moment
        )
    )
