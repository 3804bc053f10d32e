"""SQLite connections that run short statements without a thread."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import text

from shared.db import Database
from shared.db.sqlite import SqliteConnection
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


async def test_thread_gets_no_step_that_waits_for_nothing(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sent = aiosqlite.Connection._execute

    async def noted(connection: aiosqlite.Connection, fn: Callable[..., Any], *args: Any) -> Any:
        # Other connections of the process are not this test's.
        if connection is own:
            steps.append(args[0] if fn.__name__ == "execute" else fn.__name__)
        return await sent(connection, fn, *args)  # type: ignore[no-untyped-call]

    database = Database(sqlite_url)
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE marks (value INTEGER)"))
        own = (await (await session.connection()).get_raw_connection()).driver_connection
    monkeypatch.setattr(aiosqlite.Connection, "_execute", noted)
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO marks VALUES (1)"))
        await session.execute(text("SELECT value FROM marks"))
    assert steps == ["BEGIN IMMEDIATE", "commit"]
    steps.clear()
    async with database.reading() as session:
        await session.execute(text("SELECT value FROM marks"))
    assert steps == ["SELECT value FROM marks"]
    await database.dispose()


# About as many as a statement reads at once, and several times as many.
@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
async def test_readings_give_each_row_once_and_in_order(sqlite_url: str, count: int) -> None:
    numbers = text(
        "WITH RECURSIVE numbers(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers)"
        " SELECT n FROM numbers LIMIT :count"
    ).bindparams(count=count)
    database = Database(sqlite_url)
    async with database.reading() as session:
        for _ in range(2):
            assert list((await session.scalars(numbers)).all()) == [*range(1, count + 1)]
        first = (await session.stream_scalars(numbers)).first()
        assert await first == (1 if count else None)
        for a_time in (1, 10, 64, 100):
            streamed = await session.stream_scalars(
                numbers, execution_options={"yield_per": a_time}
            )
            assert [number async for number in streamed] == [*range(1, count + 1)]
    await database.dispose()


async def test_cancelled_reading_stops_no_loop_while_its_statement_runs(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    released, seen = threading.Event(), []

    def hold() -> int:
        seen.append("runs")
        seen.append("released" if released.wait(60) else "never")
        return 1

    async def read() -> None:
        async with database.reading() as session:
            raw = await (await session.connection()).get_raw_connection()
            assert isinstance(raw.driver_connection, SqliteConnection)
            await raw.driver_connection.create_function("hold", 0, hold)
            await session.execute(text("SELECT hold()"))

    task = asyncio.create_task(read())
    await wait_until(lambda: seen)
    task.cancel()
    # The loop turns on.
    await asyncio.wait([task], timeout=0.01)
    released.set()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError)
    assert seen == ["runs", "released"]
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE marks (value INTEGER)"))
    await database.dispose()


async def test_writers_that_take_turns_share_one_connection(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(4):
            session = await stack.enter_async_context(database.reading())
            await session.execute(text("SELECT 1"))
    used = set()
    for _ in range(8):
        async with database.transaction() as session:
            connection = await (await session.connection()).get_raw_connection()
            used.add(id(connection.driver_connection))
    assert len(used) == 1
    await database.dispose()
