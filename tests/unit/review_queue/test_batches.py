"""Calls that wait are worked on together, and no fault of one is another's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from services.review_queue.lifecycle.batches import BatchQueue, BatchScheduler, Decision
from services.review_queue.repository.pipelining import Rows, Statement
from shared.db import Database
from shared.problems import NotFound

NOW = datetime(2040, 1, 1, tzinfo=UTC)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite+aiosqlite:///{tmp_path / 'numbers.db'}")
    async with opened.transaction() as session:
        await session.execute(text("CREATE TABLE numbers (number INTEGER)"))
    yield opened
    await opened.dispose()


async def kept(database: Database) -> list[int]:
    async with database.reading() as session:
        rows = await session.execute(text("SELECT number FROM numbers ORDER BY number"))
        return list(rows.scalars())


class Work:
    """Keeps and doubles numbers, once it is let go; odd ones are to go their own way."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.fails: Exception | None = None

    def __call__(self, asked: Sequence[int], now: datetime) -> "BatchHandler":
        assert now == NOW
        self.batches.append(list(asked))
        return BatchHandler(self, asked)


@dataclass
class BatchHandler:
    """One turn's share of it."""

    work: Work
    asked: Sequence[int]

    def reading(self, session: AsyncSession) -> Statement:
        return Statement(text("SELECT :factor AS factor"), {"factor": 2})

    async def decide(self, session: AsyncSession, rows: Rows) -> Decision[int]:
        self.work.begun.set()
        await self.work.let_go.wait()
        if self.work.fails is not None:
            raise self.work.fails
        (read,) = rows
        insert = text("INSERT INTO numbers VALUES (:n)")
        return Decision(
            [None if one % 2 else one * read.factor for one in self.asked],
            [Statement(insert, {"n": number}) for number in self.asked],
        )


async def test_who_comes_during_the_work_is_worked_on_together_next(database: Database) -> None:
    work = Work()
    gathering = BatchQueue(BatchScheduler(database, lambda: NOW), work, 3)
    first = asyncio.create_task(gathering(0))
    await work.begun.wait()
    others = [asyncio.create_task(gathering(number)) for number in range(1, 6)]
    await asyncio.sleep(0)
    work.let_go.set()
    assert await first == 0
    assert list(await asyncio.gather(*others)) == [None, 4, None, 8, None]
    assert work.batches == [[0], [1, 2, 3], [4, 5]]
    assert await kept(database) == [0, 1, 2, 3, 4, 5]


async def test_what_fails_leaves_nothing_and_all_go_their_own_way(database: Database) -> None:
    good, bad, turns = Work(), Work(), BatchScheduler(database, lambda: NOW)
    good.let_go.set()
    bad.let_go.set()
    bad.fails = ZeroDivisionError()
    asked = [BatchQueue(turns, good, 10), BatchQueue(turns, bad, 10)]
    assert list(await asyncio.gather(asked[0](2), asked[1](4))) == [None, None]
    assert await kept(database) == []
    bad.fails = None
    assert list(await asyncio.gather(asked[0](2), asked[1](4))) == [4, 8]
    assert await kept(database) == [2, 4]


async def test_while_the_database_is_away_the_log_has_one_line_and_one_when_it_is_back(
    database: Database,
) -> None:
    work = Work()
    work.let_go.set()
    gathering = BatchQueue(BatchScheduler(database, lambda: NOW), work, 10)
    with capture_logs() as lines:
        work.fails = ConnectionRefusedError("refused")
        for number in (2, 4, 6):
            assert await gathering(number) is None
        work.fails = None
        for number in (2, 4, 6):
            assert await gathering(number) is not None
    assert [line["event"] for line in lines] == [
        "gathered_calls_failed",
        "gathered_calls_work_again",
    ]


async def test_an_answer_comes_after_the_commit(database: Database) -> None:
    work = Work()
    work.let_go.set()
    gathering = BatchQueue(BatchScheduler(database, lambda: NOW), work, 10)
    for number in range(0, 10, 2):
        await gathering(number)
        assert number in await kept(database)


async def test_who_leaves_takes_nobody_with_him(database: Database) -> None:
    work = Work()
    gathering = BatchQueue(BatchScheduler(database, lambda: NOW), work, 10)
    leaving, staying = (asyncio.create_task(gathering(number)) for number in (2, 4))
    await work.begun.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    work.let_go.set()
    assert await staying == 8


async def test_calls_of_several_kinds_share_a_turn(database: Database) -> None:
    slow, quick, turns = Work(), Work(), BatchScheduler(database, lambda: NOW)
    first, second = BatchQueue(turns, slow, 10), BatchQueue(turns, quick, 10)
    begun = asyncio.create_task(first(2))
    await slow.begun.wait()
    others = [asyncio.create_task(one(number)) for one, number in ((second, 4), (first, 6))]
    await asyncio.sleep(0)
    assert not quick.begun.is_set()
    quick.let_go.set()
    slow.let_go.set()
    assert await begun == 4
    assert list(await asyncio.gather(*others)) == [8, 12]
    assert (slow.batches, quick.batches) == ([[2], [6]], [[4]])


async def test_a_kind_that_cannot_decide_holds_up_no_other(database: Database) -> None:
    good, bad, turns = Work(), Work(), BatchScheduler(database, lambda: NOW)
    good.let_go.set()
    bad.let_go.set()
    bad.fails = NotFound("There is no such project.")
    asked = [BatchQueue(turns, bad, 10), BatchQueue(turns, good, 10)]
    assert list(await asyncio.gather(asked[0](2), asked[1](4))) == [None, 8]
    assert await kept(database) == [4]


async def test_sizes_bound_a_turn_and_one_that_is_larger_goes_by_itself(
    database: Database,
) -> None:
    work = Work()
    gathering = BatchQueue(
        BatchScheduler(database, lambda: NOW), work, 10, size=lambda number: number
    )
    first = asyncio.create_task(gathering(0))
    await work.begun.wait()
    others = [asyncio.create_task(gathering(number)) for number in (4, 6, 2, 30, 8, 2)]
    await asyncio.sleep(0)
    work.let_go.set()
    await asyncio.gather(first, *others)
    assert work.batches == [[0], [4, 6], [2], [30], [8, 2]]


async def test_who_has_left_before_his_turn_is_given_nothing(database: Database) -> None:
    work = Work()
    gathering = BatchQueue(BatchScheduler(database, lambda: NOW), work, 10)
    first = asyncio.create_task(gathering(0))
    await work.begun.wait()
    leaving, staying = (asyncio.create_task(gathering(number)) for number in (2, 4))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    work.let_go.set()
    await asyncio.gather(first, staying)
    alone = asyncio.create_task(gathering(6))
    await asyncio.sleep(0)
    alone.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await alone
    assert await gathering(8) == 16
    assert work.batches == [[0], [4], [8]]
    assert await kept(database) == [0, 4, 8]


async def test_a_turn_has_no_part_in_the_context_of_a_call(database: Database) -> None:
    caller: ContextVar[str] = ContextVar("caller", default="nobody")
    seen = []

    class Watching(Work):
        def __call__(self, asked: Sequence[int], now: datetime) -> BatchHandler:
            seen.append(caller.get())
            return super().__call__(asked, now)

    work = Watching()
    work.let_go.set()
    gathering = BatchQueue(BatchScheduler(database, lambda: NOW), work, 10)
    caller.set("somebody")
    assert await gathering(2) == 4
    assert seen == ["nobody"]
