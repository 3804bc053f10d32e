"""Calls that wait for people's answers, however many, at one request a batch of outcomes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from typing import Any

from services.router.delivery.review_queue import ReviewQueue
from services.router.waiting.follower import Follower
from services.router.waiting.waits import Wait, Waits
from shared.loops import Loop, cancel_all

Left = Callable[[], Coroutine[Any, Any, None]]


class Waiters:
    """All who wait on this replica: at most `limit` items; who comes then does not wait.

    `poll_seconds` is the length of one request to the feed, `linger_seconds` how long a project's
    feed is followed after the last of its waits.
    """

    def __init__(
        self,
        queue: ReviewQueue,
        *,
        limit: int,
        poll_seconds: float = 10.0,
        linger_seconds: float = 5.0,
    ) -> None:
        self._queue = queue
        self._poll_seconds = poll_seconds
        self._linger_seconds = linger_seconds
        self._waits = Waits(limit)
        self._followers: dict[str, Follower] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self, stopping: asyncio.Event) -> AsyncIterator["Waiters"]:
        """Follow feeds while the block lasts; all waits end when `stopping` is set."""
        self._start(self._end_at(stopping))
        try:
            yield self
        finally:
            self._waits.end()
            await cancel_all(self._tasks)

    @contextlib.asynccontextmanager
    async def waiting(
        self, project: str, item_ids: Collection[str], seconds: float, left: Left | None = None
    ) -> AsyncIterator[Wait]:
        """Give a wait of `seconds` from now on, for what is handed off or looked at in the block.

        It is over at once when there is nothing to wait for or when too many wait, and as soon as
        the caller is gone: `left` returns then.
        """
        with self._waits.waiting(project, item_ids, seconds) as wait:
            if wait.is_over:
                yield wait
                return
            gone = None if left is None else asyncio.create_task(_end_when(left, wait))
            try:
                await self._follower(project).ready(wait)
                yield wait
            finally:
                if gone is not None:
                    gone.cancel()

    @property
    def loops(self) -> tuple[Loop, ...]:
        """What follows the feeds of the projects that calls wait for at this moment."""
        return tuple(follower.loop for follower in self._followers.values())

    def _follower(self, project: str) -> Follower:
        if project not in self._followers:
            self._followers[project] = follower = Follower(
                self._queue,
                project,
                self._waits,
                poll_seconds=self._poll_seconds,
                linger_seconds=self._linger_seconds,
            )
            self._start(self._follow(project, follower))
        return self._followers[project]

    async def _follow(self, project: str, follower: Follower) -> None:
        try:
            await follower.run()
        finally:
            del self._followers[project]

    async def _end_at(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._waits.end()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _end_when(left: Left, wait: Wait) -> None:
    await left()
    wait.end()
