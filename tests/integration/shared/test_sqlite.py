"""SQLite connections that run short statements without a thread."""

import asyncio

from sqlalchemy import text

from shared.db import Database
from tests.harness import wait_until


async def test_waiting_for_another_writer_does_not_stop_the_loop(sqlite_url: str) -> None:
    one, other = Database(sqlite_url), Database(sqlite_url)
    turns: list[str] = []
    async with one.transaction() as session:
        await session.execute(text("CREATE TABLE marks (value INTEGER)"))

    async def write_too() -> None:
        turns.append("other asks")
        async with other.transaction() as session:
            await session.execute(text("INSERT INTO marks VALUES (2)"))
        turns.append("other done")

    async with one.transaction() as session:
        await session.execute(text("INSERT INTO marks VALUES (1)"))
        waiting = asyncio.create_task(write_too())
        # The loop turns while `other` waits for the lock that we hold.
        await wait_until(lambda: turns == ["other asks"])
        async with other.reading() as reader:
            count = await reader.execute(text("SELECT count(*) FROM marks"))
            assert count.scalar_one() == 0
        turns.append("one done")
    await waiting
    assert turns == ["other asks", "one done", "other done"]
    await one.dispose()
    await other.dispose()


async def test_cancelled_write_leaves_nothing_and_its_connection_is_usable(
    sqlite_url: str,
) -> None:
    database = Database(sqlite_url)
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE marks (value INTEGER)"))
    begun = asyncio.Event()

    async def write_and_hang() -> None:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO marks VALUES (1)"))
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_and_hang())
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    for value in range(20):
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO marks VALUES (:value)"), {"value": value})
    async with database.reading() as session:
        assert (await session.execute(text("SELECT count(*) FROM marks"))).scalar_one() == 20
    await database.dispose()
