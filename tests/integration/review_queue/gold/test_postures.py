"""What the lease path knows of gold and pauses, and when it reads it anew."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.gold import pauses
from services.review_queue.gold.postures import Postures
from services.review_queue.settings import ReviewQueueSettings
from shared.db import Database
from tests.integration.review_queue.desk import Clock, Desk


class Interrupted(AsyncSession):
    """A session in whose reading somebody changes the posture."""

    postures: Postures

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Read; what was read is old by then."""
        found = await super().execute(*args, **kwargs)
        self.postures.forget("shop")
        return found


async def paused(database: Database, postures: Postures) -> frozenset[str]:
    async with database.reading() as session:
        return (await postures.of(session, "shop")).paused


async def pause(database: Database, clock: Clock) -> None:
    row = {
        "project": "shop", "reviewer": "r1", "paused_at": clock(),
        "paused_by": "operator", "reason": "tired", "evidence": {},
    }  # fmt: skip
    async with database.transaction() as session:
        assert await pauses.add(session, row)


async def test_what_changes_while_it_is_read_is_read_anew(
    desk: Desk, settings: ReviewQueueSettings, clock: Clock
) -> None:
    await desk.put_project()
    database, postures = Database(settings.database_url), Postures(clock)
    async with database.transaction() as session:
        interrupted = Interrupted(bind=await session.connection())
        interrupted.postures = postures
        assert not (await postures.of(interrupted, "shop")).paused
        await interrupted.close()
    await pause(database, clock)
    assert await paused(database, postures) == {"r1"}
    await database.dispose()


async def test_a_posture_is_kept_for_two_seconds_or_until_it_is_told_to_have_changed(
    desk: Desk, settings: ReviewQueueSettings, clock: Clock
) -> None:
    await desk.put_project()
    database, postures = Database(settings.database_url), Postures(clock)
    assert await paused(database, postures) == frozenset()
    await pause(database, clock)
    clock.turn(1.5)
    assert await paused(database, postures) == frozenset()
    clock.turn(1)
    assert await paused(database, postures) == {"r1"}
    postures.forget("shop")
    assert postures.last("shop") is None
    await database.dispose()
