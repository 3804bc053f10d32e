"""Statements in one message, on both databases: in their order, all of them or none."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from services.review_queue.repository.pipelining import Statement, run
from shared.db import Database

INSERT = text("INSERT INTO numbers VALUES (:number)")
READ = text("SELECT number, number * 2 AS twice FROM numbers ORDER BY number")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    async with opened.transaction() as session:
        await session.execute(text("CREATE TABLE numbers (number INTEGER PRIMARY KEY)"))
    yield opened
    await opened.dispose()


def inserts(*numbers: int) -> list[Statement]:
    return [Statement(INSERT, {"number": number}) for number in numbers]


async def kept(database: Database) -> Sequence[Any]:
    async with database.transaction(repeated=True) as session:
        (rows,) = await run(session, [Statement(READ, {})])
    return [row.number for row in rows]


async def test_each_sees_what_those_before_it_wrote(database: Database) -> None:
    read = Statement(READ, {})
    async with database.transaction(repeated=True) as session:
        *_, before, _, after = await run(session, [*inserts(2, 1), read, *inserts(3), read])
        (later,) = await run(session, [read])
    assert [(row.number, row.twice) for row in before] == [(1, 2), (2, 4)]
    assert [row.number for row in after] == [row.number for row in later] == [1, 2, 3]
    assert await kept(database) == [1, 2, 3]


@pytest.mark.parametrize("last", [False, True])
async def test_where_one_fails_none_counts(database: Database, last: bool) -> None:
    with pytest.raises(SQLAlchemyError):
        async with database.transaction(repeated=True) as session:
            await run(session, inserts(1, 2, 1), last=last)
    assert await kept(database) == []


async def test_what_fails_before_the_last_ones_takes_them_along(database: Database) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with database.transaction(repeated=True) as session:
            await run(session, inserts(1))
            raise ZeroDivisionError
    async with database.transaction(repeated=True) as session:
        await run(session, inserts(2))
        await run(session, inserts(3), last=True)
    assert await kept(database) == [2, 3]


async def test_a_connection_that_breaks_in_the_middle_fails_once(database: Database) -> None:
    if database.is_sqlite:
        # A file cannot hang up: its like is a transaction that was ended from elsewhere.
        ended = text("ROLLBACK")
    else:
        ended = text("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(SQLAlchemyError):
        async with database.transaction(repeated=True) as session:
            await run(session, [*inserts(1), Statement(ended, {}), *inserts(1, 1)], last=True)
    for number in (5, 6):
        async with database.transaction(repeated=True) as session:
            await run(session, inserts(number), last=True)
    assert (await kept(database))[-2:] == [5, 6]
