"""How leases end that nobody ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.lifecycle.leases import repository


async def end_expired(
    session: AsyncSession, task_ids: Sequence[str], now: datetime
) -> list[dict[str, Any]]:
    """End the expired leases of these tasks; return the lines for their timelines."""
    return [
        {
            "task_id": row.task_id,
            "kind": "expired",
            "actor": row.reviewer,
            "at": row.expires_at,
            "detail": {},
        }
        for row in await repository.end_expired(session, task_ids, now)
    ]
