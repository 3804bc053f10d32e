"""Calls that wait for people's answers, however many, at one request a batch of outcomes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from itertools import islice
from typing import Any

from services.router.delivery.messages import ItemOutcome
from services.router.delivery.review_queue import QueueAway, QueueRefused, ReviewQueue
from services.router.waiting.waits import Wait, Waits
from shared.contracts.base import MAX_BATCH
from shared.loops import Loop, cancel_all

Left = Callable[[], Coroutine[Any, Any, None]]

_READY_SECONDS = 1.0
_LOOK_SECONDS = 5.0
# Verdicts that come close together are read together.
_PAUSE_SECONDS = 0.05


class Follower:
    """Reads a project's feed from its present end on, and tells the waits of its items.

    A wait misses nothing: it is registered and the feed is followed before its items are looked
    at. What is looked at while the feed cannot be read makes the wait `unsure`, and is looked up
    once it can be.
    """

    def __init__(
        self,
        queue: ReviewQueue,
        project: str,
        waits: Waits,
        *,
        poll_seconds: float,
        linger_seconds: float,
    ) -> None:
        self._queue = queue
        self._project = project
        self._waits = waits
        self._poll_seconds = poll_seconds
        self._linger_seconds = linger_seconds
        self._cursor: str | None = None
        self._news: dict[str, ItemOutcome] = {}
        # Whether the last answer reached the feed's end: only there a request may wait.
        self._current = False
        self._tried = asyncio.Event()
        self._wanted_at = asyncio.get_running_loop().time()
        self.loop = Loop(
            f"outcomes of {project}", self._turn, self._pause, expected=(QueueAway, QueueRefused)
        )

    async def ready(self, wait: Wait) -> None:
        """Return once the feed is followed, or with an unsure `wait` once it seems it cannot be."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READY_SECONDS):
                await self._tried.wait()
        wait.unsure = not self._current

    async def _turn(self) -> None:
        try:
            await self._read()
        except Exception as error:
            if isinstance(error, QueueRefused):
                # It is not the feed that the cursor is of: begin anew at its end.
                self._cursor = None
                self._news.clear()
            self._current = False
            for wait in self._waits.of(self._project):
                wait.unsure = True
            self._tried.set()
            raise
        finally:
            now = asyncio.get_running_loop().time()
            if self._waits.any(self._project):
                self._wanted_at = now
            elif now - self._wanted_at > self._linger_seconds:
                self.loop.stop()

    async def _read(self) -> None:
        seconds = self._poll_seconds if self._current else 0
        page = await self._queue.feed(self._project, self._cursor, wait_seconds=seconds)
        self._cursor = page.cursor
        self._current = len(page.outcomes) < MAX_BATCH
        self._tried.set()
        found = (row.outcome() for row in page.outcomes)
        self._news |= self._waits.awaited(self._project, found)
        if not self._current:
            # Behind a full page there may be something newer of the same items.
            return
        self._waits.tell(self._project, self._news.values())
        self._news.clear()
        await self._look_up()

    async def _pause(self) -> None:
        if self._current:
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _look_up(self) -> None:
        unsure = [wait for wait in self._waits.of(self._project) if wait.unsure]
        item_ids = iter(sorted({item_id for wait in unsure for item_id in wait.open}))
        for wait in unsure:
            wait.unsure = False
        while batch := list(islice(item_ids, MAX_BATCH)):
            found = await self._queue.outcomes(self._project, batch, seconds=_LOOK_SECONDS)
            self._waits.tell(self._project, found)


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
        self._start(_end_after(stopping.wait, self._waits.end))
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
            gone = None if left is None else asyncio.create_task(_end_after(left, wait.end))
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
            # It stops once no call has waited for some seconds.
            await follower.loop.run()
        finally:
            del self._followers[project]

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _end_after(event: Callable[[], Awaitable[object]], end: Callable[[], None]) -> None:
    await event()
    end()
