"""The outbox: events written in the caller's transaction, relayed after its commit.

A crash between commit and relay delays an event, and loses none: the rows are still there.
"""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from shared.contracts.base import new_id, utc_now
from shared.db import Database, UtcDateTime
from shared.doorbells import Doorbells

# So many rows one call relays at most.
RELAY_BATCH = 500


class OutboxColumns(SQLModel):
    """Columns of a service's outbox table; the service makes the table of them."""

    event_id: str = Field(default_factory=new_id, primary_key=True)
    bell: str
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


def add(session: AsyncSession, table: type[OutboxColumns], *bells: str) -> None:
    """Write `bells` into the outbox, in the transaction of `session`."""
    session.add_all([table(bell=bell) for bell in dict.fromkeys(bells)])


async def relay(database: Database, table: type[OutboxColumns], bells: Doorbells) -> int:
    """Ring what lies in the outbox and remove it; return how many rows were relayed.

    At least once: a crash after the ring leaves the row, and a doorbell may ring twice.
    """
    async with database.reading() as session:
        rows = (
            await session.execute(
                select(table.event_id, table.bell).order_by(table.event_id).limit(RELAY_BATCH)  # type: ignore[call-overload]
            )
        ).all()
    if not rows or not await bells.ring(*dict.fromkeys(bell for _, bell in rows)):
        return 0
    async with database.transaction() as session:
        await session.execute(
            delete(table).where(table.event_id.in_([event_id for event_id, _ in rows]))  # type: ignore[attr-defined]
        )
    return len(rows)
