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

from services.review_queue.lifecycle.batches import BatchDecision, BatchQueue, BatchScheduler
from services.review_queue.repository.pipelining import Rows, Statement
from shared.db import Database
from shared.problems import NotFound

NOW = datetime(2040, 1, 1, tzinfo=UTC)
REFUSED = 100


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
    """Keeps and doubles numbers, once it is let go; odd ones have to be alone, some are refused."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.alone: list[list[int]] = []
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.fails: Exception | None = None

    def __call__(self, calls: Sequence[int], now: datetime, waits: bool) -> "BatchHandler":
        assert now == NOW
        (self.alone if waits else self.batches).append(list(calls))
        return BatchHandler(self, calls, waits)


@dataclass
class BatchHandler:
    """One batch."""

    work: Work
    asked: Sequence[int]
    waits: bool

    def reading(self, session: AsyncSession) -> Statement:
        return Statement(text("SELECT :factor AS factor"), {"factor": 2})

    async def decide(self, session: AsyncSession, rows: Rows) -> BatchDecision[int]:
        self.work.begun.set()
        await self.work.let_go.wait()
        if self.work.fails is not None:
            raise self.work.fails
        (read,) = rows
        insert = text("INSERT INTO numbers VALUES (:n)")
        answered = [one for one in self.asked if self.waits or not one % 2]
        return BatchDecision(
            [self.answer(one, read.factor) if one in answered else None for one in self.asked],
            [Statement(insert, {"n": number}) for number in answered if number < REFUSED],
        )

    def answer(self, number: int, factor: int) -> int | NotFound:
        return number * factor if number < REFUSED else NotFound("It is too large.")


async def test_who_comes_during_the_work_is_worked_on_together_next(database: Database) -> None:
    work = Work()
    queue = BatchQueue(BatchScheduler(database, lambda: NOW), work, 3)
    first = asyncio.create_task(queue(0))
    await work.begun.wait()
    others = [asyncio.create_task(queue(number)) for number in range(1, 6)]
    await asyncio.sleep(0)
    work.let_go.set()
    assert await first == 0
    assert list(await asyncio.gather(*others)) == [2, 4, 6, 8, 10]
    assert work.batches == [[0], [1, 2, 3], [4, 5]]
    assert sorted(work.alone) == [[1], [3], [5]]
    assert await kept(database) == [0, 1, 2, 3, 4, 5]


async def test_where_a_batch_fails_each_call_is_a_batch_of_its_own(database: Database) -> None:
    good, bad, scheduler = Work(), Work(), BatchScheduler(database, lambda: NOW)
    good.let_go.set()
    bad.let_go.set()
    bad.fails = ZeroDivisionError()
    asked = [BatchQueue(scheduler, good, 10), BatchQueue(scheduler, bad, 10)]
    answers = await asyncio.gather(asked[0](2), asked[1](4), return_exceptions=True)
    assert answers[0] == 4
    assert isinstance(answers[1], ZeroDivisionError)
    assert await kept(database) == [2]
    bad.fails = None
    assert list(await asyncio.gather(asked[0](6), asked[1](4))) == [12, 8]
    assert await kept(database) == [2, 4, 6]


async def test_a_call_that_is_refused_takes_no_other_with_it(database: Database) -> None:
    work = Work()
    work.let_go.set()
    queue = BatchQueue(BatchScheduler(database, lambda: NOW), work, 10)
    answers = await asyncio.gather(queue(2), queue(REFUSED), return_exceptions=True)
    assert answers[0] == 4
    assert isinstance(answers[1], NotFound)
    assert await kept(database) == [2]


async def test_while_the_database_is_away_the_log_has_one_line_and_one_when_it_is_back(
    database: Database,
) -> None:
    work = Work()
    work.let_go.set()
    queue = BatchQueue(BatchScheduler(database, lambda: NOW), work, 10)
    with capture_logs() as lines:
        work.fails = ConnectionRefusedError("refused")
        for number in (2, 4, 6):
            with pytest.raises(ConnectionRefusedError):
                await queue(number)
        work.fails = None
        for number in (2, 4, 6):
            assert await queue(number) is not None
    assert [line["event"] for line in lines] == [
        "batch_failed",
        "batches_work_again",
    ]


async def test_an_answer_comes_after_the_commit(database: Database) -> None:
    work = Work()
    work.let_go.set()
    queue = BatchQueue(BatchScheduler(database, lambda: NOW), work, 10)
    for number in range(0, 10, 2):
        await queue(number)
        assert number in await kept(database)


async def test_a_caller_who_leaves_takes_no_other_along(database: Database) -> None:
    work = Work()
    queue = BatchQueue(BatchScheduler(database, lambda: NOW), work, 10)
    leaving, staying = (asyncio.create_task(queue(number)) for number in (2, 4))
    await work.begun.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    work.let_go.set()
    assert await staying == 8


async def test_calls_of_several_kinds_share_a_batch(database: Database) -> None:
    slow, quick, scheduler = Work(), Work(), BatchScheduler(database, lambda: NOW)
    first, second = BatchQueue(scheduler, slow, 10), BatchQueue(scheduler, quick, 10)
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
    good, bad, scheduler = Work(), Work(), BatchScheduler(database, lambda: NOW)
    good.let_go.set()
    bad.let_go.set()
    bad.fails = NotFound("There is no such project.")
    asked = [BatchQueue(scheduler, bad, 10), BatchQueue(scheduler, good, 10)]
    answers = await asyncio.gather(asked[0](2), asked[1](4), return_exceptions=True)
    assert isinstance(answers[0], NotFound)
    assert answers[1] == 8
    assert await kept(database) == [4]


async def test_sizes_bound_a_batch_and_one_that_is_larger_goes_by_itself(
    database: Database,
) -> None:
    work = Work()
    queue = BatchQueue(BatchScheduler(database, lambda: NOW), work, 10, size=lambda number: number)
    first = asyncio.create_task(queue(0))
    await work.begun.wait()
    others = [asyncio.create_task(queue(number)) for number in (4, 6, 2, 30, 8, 2)]
    await asyncio.sleep(0)
    work.let_go.set()
    await asyncio.gather(first, *others)
    assert work.batches == [[0], [4, 6], [2], [30], [8, 2]]


async def test_a_call_that_left_before_its_batch_is_not_answered(database: Database) -> None:
    work = Work()
    queue = BatchQueue(BatchScheduler(database, lambda: NOW), work, 10)
    first = asyncio.create_task(queue(0))
    await work.begun.wait()
    leaving, staying = (asyncio.create_task(queue(number)) for number in (2, 4))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    work.let_go.set()
    await asyncio.gather(first, staying)
    alone = asyncio.create_task(queue(6))
    await asyncio.sleep(0)
    alone.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await alone
    assert await queue(8) == 16
    assert work.batches == [[0], [4], [8]]
    assert await kept(database) == [0, 4, 8]


async def test_a_batch_has_no_part_in_the_context_of_a_call(database: Database) -> None:
    caller: ContextVar[str] = ContextVar("caller", default="nobody")
    seen = []

    class Watching(Work):
        def __call__(self, calls: Sequence[int], now: datetime, waits: bool) -> BatchHandler:
            seen.append(caller.get())
            return super().__call__(calls, now, waits)

    work = Watching()
    work.let_go.set()
    queue = BatchQueue(BatchScheduler(database, lambda: NOW), work, 10)
    caller.set("somebody")
    assert await queue(2) == 4
    assert seen == ["nobody"]
