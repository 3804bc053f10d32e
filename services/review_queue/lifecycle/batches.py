"""Calls that wait share a transaction: those that come while others are at work make a batch."""

import asyncio
import contextlib
import contextvars
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import structlog
from pydantic import ValidationError

from services.review_queue.repository.pipelining import Rows, Statement, run
from shared.db import Database, DatabaseFault, Session
from shared.logs import cause_of
from shared.problems import Problem

log = structlog.get_logger()

# Less than a batch takes.
_MOMENT_SECONDS = 0.001

Call = TypeVar("Call")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class BatchDecision(Generic[Answer]):
    """An answer or a problem for each call, None for one that has to be alone; what is written."""

    answers: Sequence[Answer | Problem | None]
    statements: Sequence[Statement]


class BatchHandler(Protocol[Answer]):
    """What is done for the calls of one queue in one batch."""

    def reading(self, session: Session) -> Statement:
        """Return what locks and reads all that the decision needs."""

    async def decide(self, session: Session, rows: Rows) -> BatchDecision[Answer]:
        """Decide by what was read; no other handler has written anything yet."""


# Makes a handler of calls that are decided at a moment. It waits for what others have locked where
# a call is alone; a batch passes over it.
Begin = Callable[[Sequence[Call], datetime, bool], BatchHandler[Answer]]
_Waiting = tuple[Any, "asyncio.Future[Any]"]


class BatchQueue(Generic[Call, Answer]):
    """Calls of one kind, which wait for the next batch.

    A batch takes the first of them whose sizes are `most` at most together, but for one that is
    larger by itself.
    """

    def __init__(
        self,
        scheduler: "BatchScheduler",
        begin: Begin[Call, Answer],
        most: int,
        size: Callable[[Call], int] = lambda _: 1,
    ) -> None:
        self._scheduler = scheduler
        self._most = most
        self._size = size
        self._waiting: deque[_Waiting] = deque()
        self.begin = begin
        scheduler.join(self)

    async def __call__(self, call: Call) -> Answer:
        """Return the answer to `call`, once committed; raise its problem.

        A call that its batch could not answer is a batch of one then.
        """
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, future))
        self._scheduler.wake()
        answer = await future
        return await self.alone(call) if answer is None else answer

    async def alone(self, call: Call) -> Answer:
        """Return the answer to a batch of one, which waits for locks and keeps no other waiting."""
        return await self._scheduler.run_alone(self, call)

    def take(self) -> list[_Waiting]:
        """Take the calls of the next batch, without those whose callers have left."""
        taken: list[_Waiting] = []
        left = self._most
        while self._waiting:
            call, future = self._waiting[0]
            if not future.done():
                left -= self._size(call)
                if taken and left < 0:
                    break
                taken.append((call, future))
            self._waiting.popleft()
        return taken

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return len(self._waiting)


# What runs statements together, as `pipelining.run` does.
Run = Callable[..., Awaitable[list[Rows]]]
_Batch = dict[BatchQueue[Any, Any], list[_Waiting]]
_Answers = dict[BatchQueue[Any, Any], Sequence[Any]]


class BatchScheduler:
    """Transactions, one after the other, each for all calls that wait when it begins.

    A call that finds no batch at work is one at once. But callers who were answered together, and
    come back at once, are waited for, a moment only: they then share the next batch too.

    What a batch reads waits for no lock, so no other transaction holds it up. Where a batch fails,
    each of its calls becomes a batch of its own: a fault of one then is no other's.
    """

    def __init__(self, database: Database, now: Callable[[], datetime], run: Run = run) -> None:
        self._database = database
        self._now = now
        self._run_all = run
        # How many wait once all who were answered are back, and until when they may come.
        self._expected, self._until = 0, 0.0
        self._complete: asyncio.Event | None = None
        self._queues: list[BatchQueue[Any, Any]] = []
        self._worker: asyncio.Task[None] | None = None
        self._fails = False
        # What is logged in a batch belongs to no single request, so it bears no request id.
        self._context = contextvars.copy_context()

    def join(self, queue: BatchQueue[Any, Any]) -> None:
        """Let each batch have calls of `queue`, behind those of queues that joined before."""
        self._queues.append(queue)

    def wake(self) -> None:
        """Work on what waits."""
        if self._complete is not None and self._waiting >= self._expected:
            self._complete.set()
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(
                self._work(), context=self._context
            )

    async def run_alone(self, queue: BatchQueue[Call, Answer], call: Call) -> Answer:
        """Answer one call in a transaction of its own."""
        async with self._database.transaction() as session:
            answers = await self._decide(session, {queue: [call]}, waits=True)
            answer: Answer | Problem = answers[queue][0]
            if isinstance(answer, Problem):
                raise answer
        return answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                batch = {queue: calls for queue in self._queues if (calls := queue.take())}
                if batch:
                    await self._answer(batch)
                answered = sum(map(len, batch.values()))
                self._expected = answered + self._waiting
                self._until = time.monotonic() + (_MOMENT_SECONDS if answered > 1 else 0)
        finally:
            self._worker = None
            # Only a cancelled worker leaves any: their callers are to end with it.
            for queue in self._queues:
                while queue.waiting:
                    _cancel(queue.take())

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
        return sum(queue.waiting for queue in self._queues)

    async def _answer(self, batch: _Batch) -> None:
        try:
            answers = await self._committed(batch)
        except BaseException:
            for calls in batch.values():
                _cancel(calls)
            raise
        for queue, calls in batch.items():
            for (_, future), answer in zip(
                calls, answers.get(queue, [None] * len(calls)), strict=True
            ):
                # A caller that was cancelled meanwhile no longer waits.
                if future.done():
                    continue
                if isinstance(answer, Problem):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)

    async def _committed(self, batch: _Batch) -> _Answers:
        """Return the answers, once they are committed; none where that failed."""
        calls = {queue: [call for call, _ in waiting] for queue, waiting in batch.items()}
        try:
            async with self._database.transaction(repeated=True) as session:
                answers = await self._decide(session, calls, waits=False)
        except (DatabaseFault, OSError) as error:
            # Once: while the database is away each batch fails.
            if not self._fails:
                log.warning("batch_failed", cause=cause_of(error))
            self._fails = True
        except Exception:
            # Each call then meets the fault again by itself, if it is there.
            log.exception("batch_failed")
        else:
            if self._fails:
                log.info("batches_work_again")
            self._fails = False
            return answers
        return {}

    async def _decide(
        self, session: Session, calls: dict[BatchQueue[Any, Any], list[Any]], *, waits: bool
    ) -> _Answers:
        # One moment for all: a lease that still takes its verdict is not given to another.
        now = self._now()
        handlers = {queue: queue.begin(of, now, waits) for queue, of in calls.items()}
        read = await self._run_all(session, [one.reading(session) for one in handlers.values()])
        answers: _Answers = {}
        statements: list[Statement] = []
        for (queue, handler), rows in zip(handlers.items(), read, strict=True):
            decision = await _decided(handler, session, rows, len(calls[queue]), waits=waits)
            answers[queue] = decision.answers
            statements += decision.statements
        if statements:
            # A call alone may have written more through the session, which is to be committed too.
            await self._run_all(session, statements, last=not waits)
        return answers


async def _decided(
    handler: BatchHandler[Answer], session: Session, rows: Rows, calls: int, *, waits: bool
) -> BatchDecision[Answer]:
    """Let a handler decide; where it cannot, each of its calls becomes a batch of its own."""
    try:
        return await handler.decide(session, rows)
    except (Problem, ValidationError) as error:
        if waits:
            raise
        log.warning("batch_undecided", cause=cause_of(error))
        return BatchDecision([None] * calls, [])


def _cancel(calls: Sequence[_Waiting]) -> None:
    for _, future in calls:
        future.cancel()
