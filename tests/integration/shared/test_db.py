"""The database layer, on both databases."""

import asyncio
import contextlib
import resource
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text
from sqlalchemy.exc import OperationalError

from shared.db import Database, UtcDateTime

pytestmark = pytest.mark.sql

MOMENTS = Table("moments", MetaData(), Column("id", Integer), Column("at", UtcDateTime()))


async def test_concurrent_read_then_write_transactions_all_commit(database_url: str) -> None:
    database = Database(database_url)
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE counter (value INTEGER NOT NULL)"))
        await session.execute(text("INSERT INTO counter VALUES (0)"))

    async def increment() -> None:
        async with database.transaction() as session:
            row = await session.execute(text("SELECT value FROM counter"))
            assert row.scalar_one() >= 0
            await session.execute(text("UPDATE counter SET value = value + 1"))

    await asyncio.gather(*(increment() for _ in range(40)))
    async with database.reading() as session:
        assert (await session.execute(text("SELECT value FROM counter"))).scalar_one() == 40
    await database.dispose()


async def test_failed_transaction_leaves_nothing(database_url: str) -> None:
    database = Database(database_url)
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE marks (value INTEGER)"))

    async def fail_half_way() -> None:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO marks VALUES (1)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_half_way()
    async with database.reading() as session:
        assert (await session.execute(text("SELECT count(*) FROM marks"))).scalar_one() == 0
    await database.dispose()


async def test_moments_come_back_aware_and_in_utc(database_url: str) -> None:
    database = Database(database_url)
    moment = datetime(2026, 3, 29, 2, 30, 0, 123456, timezone(timedelta(hours=5, minutes=30)))
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.run_sync(MOMENTS.metadata.create_all)
        await session.execute(insert(MOMENTS).values(id=1, at=moment))
    async with database.reading() as session:
        stored = (await session.execute(select(MOMENTS.c.at))).scalar_one()
    assert stored == moment
    assert stored.tzinfo == UTC
    await database.dispose()


async def test_naive_moment_is_refused(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.run_sync(MOMENTS.metadata.create_all)
    with pytest.raises(Exception, match="time zone"):
        async with database.transaction() as session:
            await session.execute(insert(MOMENTS).values(id=1, at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the point
    await database.dispose()


async def test_a_connection_that_broke_while_it_rested_is_not_handed_out(
    database_url: str,
) -> None:
    database = Database(database_url, trusted_seconds=0.0)
    if database.is_sqlite:
        # A file cannot hang up; what is handed out works.
        ended = "SELECT 1"
    else:
        ended = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    async with database.reading() as one, database.reading() as other:
        await one.execute(text("SELECT 1"))
        await other.execute(text("SELECT 1"))
    async with database.reading() as session:
        await session.execute(text(ended))
        async with database.reading() as rested:
            assert (await rested.execute(text("SELECT 2"))).scalar_one() == 2
    await database.dispose()


async def test_a_host_that_vanishes_is_given_up_and_what_the_url_says_stands(
    postgres_url: str,
) -> None:
    database = Database(f"{postgres_url}{'&' if '?' in postgres_url else '?'}keepalives_idle=7")
    async with database.transaction() as session:
        connection = await (await session.connection()).get_raw_connection()
        driver: Any = connection.driver_connection
        said = driver.info.get_parameters()
    assert (said["tcp_user_timeout"], said["keepalives_idle"]) == ("20000", "7")
    await database.dispose()


@contextlib.contextmanager
def disk_takes_nothing() -> Iterator[None]:
    """Let no file of this process be written while the block lasts."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


async def test_a_failed_write_is_told_until_one_succeeds(sqlite_url: str) -> None:
    clock = [0.0]
    database = Database(sqlite_url, now=lambda: clock[0])
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        await session.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
    assert await database.check_writes() == {}
    with disk_takes_nothing():
        with pytest.raises(OperationalError):
            async with database.transaction() as session:
                await session.execute(text("CREATE TABLE marks (value INTEGER)"))
        # An idle service writes nothing: the check itself tries, every ten seconds.
        for clock[0] in (1.0, 11.0, 30.0, 60.0, 61.0):
            assert set(await database.check_writes()) == {"database_writes"}
    clock[0] = 69.0
    assert set(await database.check_writes()) == {"database_writes"}
    clock[0] = 71.0
    assert await database.check_writes() == {}
    await database.dispose()
