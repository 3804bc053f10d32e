"""Every statement about sessions."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.review_queue.tables.ui import SessionRow


async def add_session(session: AsyncSession, row: SessionRow, now: datetime) -> None:
    """Keep a session, and forget those that have expired."""
    await session.execute(delete(SessionRow).where(col(SessionRow.expires_at) <= now))
    session.add(row)


async def find_session(session: AsyncSession, digest: str) -> SessionRow | None:
    """Return the session, if there is one."""
    return await session.get(SessionRow, digest)


async def end_session(session: AsyncSession, digest: str) -> None:
    """Forget the session."""
    await session.execute(delete(SessionRow).where(col(SessionRow.session_digest) == digest))
