"""A call for a task, and what commits while the call is under way (PostgreSQL)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.repository.writing import write
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import Ground
from shared.contracts.base import task_id_for
from shared.db import Database
from tests.harness import wait_until
from tests.harness.desk import Desk, entry

_WAITS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture
def database_kind() -> str:
    """Only PostgreSQL has two writers at once."""
    return "postgresql"


@pytest.fixture
async def database(desk: Desk) -> AsyncIterator[Database]:
    database = Database(desk.database_url)
    yield database
    await database.dispose()


@pytest.mark.parametrize("lane", ["shadow", "optional"])
async def test_answer_that_commits_while_a_call_moves_the_task_is_kept(
    desk: Desk, database: Database, lane: str
) -> None:
    await desk.put_project()
    await desk.post(entry("a", lane=lane))
    task_id = task_id_for(desk.project, "a")

    async def call_waits() -> bool:
        async with database.reading() as session:
            return bool((await session.execute(_WAITS)).scalar_one())

    async with database.transaction() as answering:
        task = (await reading.tasks(answering, [task_id], lock=True))[task_id]
        change = Change(task, datetime.now(UTC))
        change.resolve("positive", Ground(1, True, 1))
        await write(answering, [change])
        call = asyncio.create_task(desk.post(entry("a", lane="mandatory")))
        await wait_until(call_waits)
    (receipt,) = await call
    assert (receipt["state"], receipt["label"]) == ("resolved", "positive")
    told = await desk.task(task_id)
    assert (told["state"], told["label"], told["lane"]) == ("resolved", "positive", lane)
    assert await desk.kinds(task_id) == ["created", "resolved"]
