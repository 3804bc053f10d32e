"""What the lease path knows of gold and pauses, and when it reads it anew."""

import pytest

from services.review_queue.quality.gold.gold_states import GoldStates
from services.review_queue.quality.gold.repository import pauses
from services.review_queue.settings import ReviewQueueSettings
from shared.db import Database
from tests.harness.clock import Clock
from tests.harness.desk import Desk

pytestmark = [pytest.mark.own_desk, pytest.mark.any_database]


async def paused(database: Database, gold_states: GoldStates) -> frozenset[str]:
    async with database.reading() as session:
        return (await gold_states.of(session, "shop")).paused


async def pause(database: Database, clock: Clock) -> None:
    row = {
        "project": "shop", "reviewer": "r1", "paused_at": clock(),
        "paused_by": "operator", "reason": "tired", "evidence": {},
    }  # fmt: skip
    async with database.transaction() as session:
        assert await pauses.add(session, row)


async def test_a_posture_is_kept_for_two_seconds_or_until_it_is_told_to_have_changed(
    desk: Desk, settings: ReviewQueueSettings, clock: Clock
) -> None:
    await desk.put_project()
    database, gold_states = Database(settings.database_url), GoldStates(clock)
    assert await paused(database, gold_states) == frozenset()
    await pause(database, clock)
    clock.advance(1.5)
    assert await paused(database, gold_states) == frozenset()
    clock.advance(1)
    assert await paused(database, gold_states) == {"r1"}
    gold_states.forget("shop")
    assert gold_states.last("shop") is None
    await database.dispose()
