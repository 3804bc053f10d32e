"""Follows one project's outcomes feed for all who wait: one request a batch of outcomes."""

import asyncio
import contextlib
from itertools import islice

from services.router.delivery.messages import ItemOutcome
from services.router.delivery.review_queue import QueueAway, QueueRefused, ReviewQueue
from services.router.waiting.waits import Wait, Waits
from shared.contracts.base import MAX_BATCH
from shared.loops import Loop

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
        self._wanted_at = 0.0
        self.loop = Loop(
            f"outcomes of {project}", self._turn, self._pause, expected=(QueueAway, QueueRefused)
        )

    async def ready(self, wait: Wait) -> None:
        """Return once the feed is followed, or with an unsure `wait` once it seems it cannot be."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READY_SECONDS):
                await self._tried.wait()
        wait.unsure = not self._current

    async def run(self) -> None:
        """Follow until no call has waited for some seconds."""
        self._wanted_at = asyncio.get_running_loop().time()
        await self.loop.run()

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
