"""Calls that come while others are at work are worked on together, in one transaction."""

import asyncio
import contextlib
import contextvars
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.repository.pipelining import Rows, Statement, run
from shared.db import Database
from shared.logs import cause_of
from shared.problems import Problem

log = structlog.get_logger()

# Less than a turn takes.
_MOMENT_SECONDS = 0.001

Asked = TypeVar("Asked")
Given = TypeVar("Given")


@dataclass(frozen=True)
class Decision(Generic[Given]):
    """An answer to each call, None to one that has to go its own way, and what is to be written."""

    answers: Sequence[Given | None]
    writing: Sequence[Statement]


class BatchHandler(Protocol[Given]):
    """What is done for the calls of one kind in one turn."""

    def reading(self, session: AsyncSession) -> Statement:
        """Return what locks and reads all that the decision needs."""

    async def decide(self, session: AsyncSession, rows: Rows) -> Decision[Given]:
        """Decide by what was read; no other part has written anything yet."""


class BatchQueue(Generic[Asked, Given]):
    """Calls of one kind. `begin` makes a part of those that come first, and of the time it is.

    Their sizes are `most` at most together, but for one that is larger by itself.
    """

    def __init__(
        self,
        turns: "BatchScheduler",
        begin: Callable[[Sequence[Asked], datetime], BatchHandler[Given]],
        most: int,
        size: Callable[[Asked], int] = lambda _: 1,
    ) -> None:
        self._turns = turns
        self._most = most
        self._size = size
        self._waiting: deque[tuple[Asked, asyncio.Future[Given | None]]] = deque()
        self.begin = begin
        turns.join(self)

    async def __call__(self, asked: Asked) -> Given | None:
        """Return the answer to `asked`, once committed; None when it has to go its own way."""
        answer: asyncio.Future[Given | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        self._turns.call()
        return await answer

    def take(self) -> "list[tuple[Asked, asyncio.Future[Given | None]]]":
        """Take those who come next off those who wait, without those who have left."""
        taken: list[tuple[Asked, asyncio.Future[Given | None]]] = []
        left = self._most
        while self._waiting:
            asked, answer = self._waiting[0]
            if not answer.done():
                left -= self._size(asked)
                if taken and left < 0:
                    break
                taken.append((asked, answer))
            self._waiting.popleft()
        return taken

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)


class Run(Protocol):
    """What runs statements together: `pipelining.run`."""

    async def __call__(
        self, session: AsyncSession, statements: Sequence[Statement], *, last: bool = False
    ) -> list[Rows]:
        """Run them."""


_Taken = dict[BatchQueue[Any, Any], list[tuple[Any, "asyncio.Future[Any]"]]]


class BatchScheduler:
    """Transactions, one after the other, each for all that wait when it begins.

    A call that finds nobody at work goes at once. But callers who were answered together, and come
    back at once, are waited for, a moment only: they then share the next turn too.

    What a turn reads waits for no lock, so nobody else's work holds it up. Where a transaction
    fails, all of its calls go their own way: a fault of one then is nobody else's.
    """

    def __init__(self, database: Database, now: Callable[[], datetime], run: Run = run) -> None:
        self._database = database
        self._now = now
        self._run_all = run
        # How many are there once all who were answered are back, and until when they may come.
        self._expected, self._until = 0, 0.0
        self._complete: asyncio.Event | None = None
        self._gatherings: list[BatchQueue[Any, Any]] = []
        self._worker: asyncio.Task[None] | None = None
        self._fails = False
        # What is logged in a batch belongs to no single request, so it bears no request id.
        self._context = contextvars.copy_context()

    def join(self, gathering: BatchQueue[Any, Any]) -> None:
        """Let a gathering have a part of each turn, behind those that joined before."""
        self._gatherings.append(gathering)

    def call(self) -> None:
        """Say that somebody waits."""
        if self._complete is not None and self._waiting >= self._expected:
            self._complete.set()
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(
                self._run(), context=self._context
            )

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                taken = {one: calls for one in self._gatherings if (calls := one.take())}
                if taken:
                    await self._turn(taken)
                answered = sum(map(len, taken.values()))
                self._expected = answered + self._waiting
                self._until = time.monotonic() + (_MOMENT_SECONDS if answered > 1 else 0)
        finally:
            self._worker = None
            # Only a cancelled worker leaves any: who waits is to end with it.
            for gathering in self._gatherings:
                while gathering.waiting:
                    _cancel(gathering.take())

    async def _gather(self) -> None:
        # Calls that have arrived, and were not read yet, come along.
        await asyncio.sleep(0)
        left = self._until - time.monotonic()
        if left <= 0 or self._waiting >= self._expected:
            return
        self._complete = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._complete.wait()
        self._complete = None

    @property
    def _waiting(self) -> int:
        return sum(one.waiting for one in self._gatherings)

    async def _turn(self, taken: _Taken) -> None:
        try:
            given = await self._work(taken)
        except BaseException:
            for calls in taken.values():
                _cancel(calls)
            raise
        for gathering, calls in taken.items():
            answers = given.get(gathering, [None] * len(calls))
            for (_, future), answer in zip(calls, answers, strict=True):
                # Who was cancelled meanwhile does not wait any more.
                if not future.done():
                    future.set_result(answer)

    async def _work(self, taken: _Taken) -> dict[BatchQueue[Any, Any], Sequence[Any]]:
        """Return what was given, once it is committed; nothing where that failed."""
        try:
            async with self._database.transaction(repeated=True) as session:
                given = await self._decide(session, taken)
        except (SQLAlchemyError, OSError) as error:
            # Once: while the database is away each turn fails.
            if not self._fails:
                log.warning("gathered_calls_failed", cause=cause_of(error))
            self._fails = True
        except Exception:
            # Each call then meets the fault again by itself, if it is there.
            log.exception("gathered_calls_failed")
        else:
            if self._fails:
                log.info("gathered_calls_work_again")
            self._fails = False
            return given
        return {}

    async def _decide(
        self, session: AsyncSession, taken: _Taken
    ) -> dict[BatchQueue[Any, Any], Sequence[Any]]:
        # One moment for all: a lease that still takes its verdict is not given to another.
        now = self._now()
        parts = {
            gathering: gathering.begin([asked for asked, _ in calls], now)
            for gathering, calls in taken.items()
        }
        read = await self._run_all(session, [part.reading(session) for part in parts.values()])
        given: dict[BatchQueue[Any, Any], Sequence[Any]] = {}
        writing: list[Statement] = []
        for (gathering, part), rows in zip(parts.items(), read, strict=True):
            decision = await _decided(part, session, rows, len(taken[gathering]))
            given[gathering] = decision.answers
            writing += decision.writing
        if writing:
            await self._run_all(session, writing, last=True)
        return given


async def _decided(
    part: BatchHandler[Given], session: AsyncSession, rows: Rows, calls: int
) -> Decision[Given]:
    """Let a part decide; where it cannot, its calls go their own way and the others stay."""
    try:
        return await part.decide(session, rows)
    except (Problem, ValidationError) as error:
        log.warning("gathered_calls_undecided", cause=cause_of(error))
        return Decision([None] * calls, [])


def _cancel(calls: Sequence[tuple[Any, "asyncio.Future[Any]"]]) -> None:
    for _, future in calls:
        future.cancel()
