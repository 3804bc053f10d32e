"""Calls that come while others are at work are worked on together, in one transaction."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db import Database

log = structlog.get_logger()

# Less than a turn takes.
_MOMENT_SECONDS = 0.001

Asked = TypeVar("Asked")
Given = TypeVar("Given")


class Gathering(Generic[Asked, Given]):
    """Calls of one kind. `work` takes at most `most` of them at once.

    It gives an answer to each, or None to one that has to go its own way.
    """

    def __init__(
        self,
        turns: "Turns",
        work: Callable[[AsyncSession, Sequence[Asked]], Awaitable[Sequence[Given | None]]],
        most: int,
    ) -> None:
        self._turns = turns
        self._most = most
        self._waiting: deque[tuple[Asked, asyncio.Future[Given | None]]] = deque()
        self.work = work
        turns.join(self)

    async def __call__(self, asked: Asked) -> Given | None:
        """Return the answer to `asked`, once committed; None when it has to go its own way."""
        answer: asyncio.Future[Given | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        self._turns.call()
        return await answer

    def take(self) -> "list[tuple[Asked, asyncio.Future[Given | None]]]":
        """Take those who come next off those who wait."""
        return [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)


_Taken = dict[Gathering[Any, Any], list[tuple[Any, "asyncio.Future[Any]"]]]


class Turns:
    """Transactions, one after the other, each for all that wait when it begins.

    A call that finds nobody at work goes at once. But callers who were answered together, and come
    back at once, are waited for, a moment only: they then share the next turn too.

    Where a transaction fails, all of its calls go their own way: a fault of one then is nobody
    else's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        # How many are there once all who were answered are back, and until when they may come.
        self._expected, self._until = 0, 0.0
        self._complete: asyncio.Event | None = None
        self._gatherings: list[Gathering[Any, Any]] = []
        self._worker: asyncio.Task[None] | None = None

    def join(self, gathering: Gathering[Any, Any]) -> None:
        """Let a gathering have a part of each turn, behind those that joined before.

        Work that waits for locks joins before work that never does: no two turns of several
        replicas then wait for one another in a circle.
        """
        self._gatherings.append(gathering)

    def call(self) -> None:
        """Say that somebody waits."""
        if self._complete is not None and self._waiting >= self._expected:
            self._complete.set()
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                taken = {one: one.take() for one in self._gatherings if one.waiting}
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

    async def _work(self, taken: _Taken) -> dict[Gathering[Any, Any], Sequence[Any]]:
        """Return what was given, once it is committed; nothing where that failed."""
        given: dict[Gathering[Any, Any], Sequence[Any]] = {}
        try:
            async with self._database.transaction(repeated=True) as session:
                for gathering, calls in taken.items():
                    given[gathering] = await gathering.work(session, [asked for asked, _ in calls])
        except (SQLAlchemyError, OSError) as error:
            log.warning("gathered_calls_failed", cause=type(error).__name__)
        except Exception:
            # Each call then meets the fault again by itself, if it is there.
            log.exception("gathered_calls_failed")
        else:
            return given
        return {}


def _cancel(calls: Sequence[tuple[Any, "asyncio.Future[Any]"]]) -> None:
    for _, future in calls:
        future.cancel()
