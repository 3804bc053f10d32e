"""The trap of serial ids: taken in one order, committed in another (PostgreSQL)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.repository.writing import write
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import Ground
from services.review_queue.settings import ReviewQueueSettings
from services.review_queue.tables import OutcomeRow
from shared.contracts.base import task_id_for
from shared.db import Database
from tests.harness.desk import Desk, entry

pytestmark = pytest.mark.own_desk


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """Only PostgreSQL has two writers at once."""
    return postgres_url


@pytest.fixture
async def database(settings: ReviewQueueSettings) -> AsyncIterator[Database]:
    database = Database(settings.database_url)
    yield database
    await database.dispose()


async def write_outcome(session: AsyncSession, item_id: str) -> int:
    """Write an outcome without committing it; return its serial id."""
    task_id = task_id_for("shop", item_id)
    change = Change(
        (await reading.tasks(session, [task_id], lock=True))[task_id], datetime.now(UTC)
    )
    change.resolve("positive", Ground(1, True, 1))
    await write(session, [change])
    number = await session.execute(select(func.max(col(OutcomeRow.outcome_id))))
    return number.scalar_one() or 0


async def test_outcome_that_commits_late_comes_after_the_readers_cursor(
    desk: Desk, database: Database
) -> None:
    await desk.put_project()
    await desk.post(entry("early"), entry("late"), entry("last"))
    async with database.transaction() as slow:
        slow_id = await write_outcome(slow, "late")
        async with database.transaction() as quick:
            quick_id = await write_outcome(quick, "early")
        assert slow_id < quick_id
        seen = await desk.outcomes()
        assert [row["item_id"] for row in seen["outcomes"]] == ["early"]
        assert (await desk.outcomes(tail=True))["cursor"] == seen["cursor"]
    rest = await desk.outcomes(seen["cursor"])
    assert [row["item_id"] for row in rest["outcomes"]] == ["late"]
    async with database.transaction() as session:
        await write_outcome(session, "last")
    last = await desk.outcomes(rest["cursor"])
    assert [row["item_id"] for row in last["outcomes"]] == ["last"]
